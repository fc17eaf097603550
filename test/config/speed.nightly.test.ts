import { expect, test } from 'vitest'
import { LineCounter, parseDocument } from 'yaml'
import { good } from './load.js'

/** 2,284 virtual servers and 37,298 real servers, 2.4 MB. */
function large(): string {
  const lines = ['directors:', '  d1: { address: 10.9.0.11, priority: 150 }', '  d2: { address: 10.9.0.12 }']
  lines.push('checks:', '  c: { tcp: {} }', 'virtual_servers:')
  let server = 0
  for (let service = 0; service < 2284; service++) {
    lines.push(`  vs${service}:`, `    address: 10.${100 + (service >> 8)}.${service & 255}.1:80`)
    lines.push('    scheduler: wrr', '    forward: nat', '    check: c', '    real_servers:')
    for (let i = 0; i < (service < 754 ? 17 : 16); i++, server++)
      lines.push(
        `      - { address: 10.${20 + (server >> 16)}.${(server >> 8) & 255}.${server & 255}, port: 8080, weight: ${1 + i} }`,
      )
  }
  return `${lines.join('\n')}\n`
}

/** The fastest of three, ms. */
function fastest(work: () => void): number {
  const times = [1, 2, 3].map(() => {
    const start = performance.now()
    work()
    return performance.now() - start
  })
  return Math.min(...times)
}

test('a file of 37,298 real servers is read in little more time than its YAML needs', () => {
  const text = large()
  const yaml = fastest(
    () => void parseDocument(text, { lineCounter: new LineCounter(), uniqueKeys: false, merge: true }),
  )
  const load = fastest(() => void good(text))
  const config = good(text)
  console.log(`YAML ${Math.round(yaml)} ms, all of it ${Math.round(load)} ms, ${text.length} bytes`)
  expect(config.services.length).toBe(2284)
  expect(config.services.reduce((sum, { realServers }) => sum + realServers.length, 0)).toBe(37_298)
  expect(load).toBeLessThan(1.7 * yaml)
})
