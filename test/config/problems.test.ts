import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { looksAt } from '../../config/looks-at.js'
import { formatProblems } from '../../config/problem.js'
import { load, problems } from './load.js'
import { cases } from './mistakes.js'

const root = resolve(import.meta.dirname, '../..')
const call =
  /\b(?:coded|error|warn|finding|unavailable|report|split|complaint)\(\s*(?:(?:issue|inner)\.message, )?'([a-z]+(?:-[a-z]+)*)'/g
const written = /code: '([a-z]+(?:-[a-z]+)+)'|return \[\s*'([a-z]+(?:-[a-z]+)+)'/g
/** zod's own word for an issue of ours, and forms that a schema made by hand cannot produce. */
const internal = new Set(['custom', 'bad-type', 'bad-value', 'more-problems'])
const codes = ['config', 'config/schema', 'config/resolve']
  .flatMap(folder => [...codesIn(folder)])
  .filter((code, index, all) => all.indexOf(code) === index && !internal.has(code))

function codesIn(folder: string): Set<string> {
  const texts = readdirSync(resolve(root, folder))
    .filter(name => name.endsWith('.ts'))
    .map(name => readFileSync(resolve(root, folder, name), 'utf8'))
  return new Set(
    texts.flatMap(text => [...text.matchAll(call), ...text.matchAll(written)].map(found => found[1] ?? found[2] ?? '')),
  )
}

describe('every kind of mistake', () => {
  test.each(cases.map(([code, text, files, more], index) => ({ name: `${code} (${index})`, code, text, files, more })))(
    '$name is told by its code',
    ({ code, text, files, more }) => {
      expect(problems(text, files, more).filter(line => line.includes(`[${code}]`))).not.toEqual([])
    },
  )

  test('is told in exactly the words of problems.txt', async () => {
    const told = cases.map(([code, text, files, more]) => {
      const loaded = load(text, files, more)
      return `## ${code}\n${formatProblems(loaded.ok ? [] : loaded.errors, loaded.warnings)}\n`
    })
    await expect(told.join('\n')).toMatchFileSnapshot('problems.txt')
  })

  test('is told in one go, also where it stands in an entry that has another', () => {
    const text = `directors:
  d1: { address: 10.9.0.11, priority: 300 }
virtual_routers:
  web:
    vrid: 51
    interface: eth0
    advert_interval: 100
    vips: [10.9.0.100/32, 10.9.0.100/32]
    priorities: { d9: 100 }
    track: { virtual_servers: { wep: { weight: -60 } } }
virtual_servers:
  web:
    address: 10.9.0.100:80
    scheduler: wlcc
    forward: dr
    check: homepage
    quorum: 9
    real_servers:
      - { address: 10.9.0.21 }
      - { address: 10.9.0.21 }
`
    expect(problems(text)).toEqual([
      '2:39: priority: expected a whole number from 1 to 255, found 300 [out-of-range]',
      '7:22: advert_interval: expected a duration with its unit, such as 500ms, 2s, 5m or 1h, found 100 [bad-duration] | write 100ms or 100s, whichever is meant',
      '8:27: 10.9.0.100 stands twice in web [duplicate-vip]',
      '9:19: there is no director "d9" [unknown-director] | did you mean "d1"?',
      '10:33: there is no virtual server "wep" [unknown-tracked] | did you mean "web"?',
      '14:16: scheduler: expected one of: rr, wrr, lc, wlc, lblc, lblcr, dh, sh, sed, nq, fo, ovf, mh, twos, found "wlcc" [bad-word] | did you mean "wlc"?',
      '16:12: there is no check "homepage" [unknown-check] | define it under checks',
      '17:13: quorum 9 is above the sum of the weights, 2: web could never be up [quorum]',
      '20:9: 10.9.0.21 port 80 stands twice in web [duplicate-real-server]',
    ])
  })

  test('is told of up to 500 times, and then counted', () => {
    const servers = Array.from(
      { length: 2000 },
      (_, index) => `      - { address: 10.8.${index >> 8}.${index & 255}, wieght: 1 }`,
    )
    const text = `directors:\n  d1: { address: 10.9.0.11 }\nvirtual_servers:\n  web:\n    address: 10.9.0.100:80\n    real_servers:\n${servers.join('\n')}\n`
    const told = problems(text).filter(line => !line.startsWith('warning'))
    expect(told.length).toBe(501)
    expect(told.at(-1)).toBe('507:32: and 1500 more from here on [more-problems]')
  })

  test('of a rule is told or waits beside another, as is written of it', () => {
    const rules = codesIn('config/resolve')
    expect(rules.size).toBeGreaterThan(70)
    expect([...rules].filter(code => !Object.hasOwn(looksAt, code) && !internal.has(code))).toEqual([])
    expect(Object.keys(looksAt).filter(code => !codes.includes(code))).toEqual([])
  })

  test('has a code that is tried here and documented', () => {
    const documented = readFileSync(resolve(root, 'docs/config-errors.md'), 'utf8')
    expect(codes.length).toBeGreaterThan(100)
    expect(codes.filter(code => !cases.some(([tried]) => tried === code))).toEqual([])
    expect(codes.filter(code => !documented.includes(`\`${code}\``))).toEqual([])
    const known = [...documented.matchAll(/^\| `([a-z-]+)` /gm)].map(([, code]) => code ?? '')
    expect(known.filter(code => !codes.includes(code))).toEqual([])
  })
})
