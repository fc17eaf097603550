import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { until } from '../lab/harness.js'
import { createPair, type Director, now, type Pair, sleep } from './pair.js'

/**
 * Two directors of the whole program whose checkers have more to do than a processor can: 200 pages of 4 KiB, each to be searched ten
 * times a second for a pattern that takes milliseconds to miss. Everything is measured on the wire.
 */
export async function burningPair(): Promise<Pair> {
  const pair = await createPair({
    more: `virtual_servers:
  pages:
    address: 10.9.0.100:80
    forward: nat
    start: up
    check: { http: { regex: '(a+b|a+c|a+d)+e' }, interval: 100ms, timeout: 60s }
    real_servers: ['10.99.0.1-10.99.0.200:8080']
`,
  })
  for (const name of ['d1', 'd2'] as const) {
    await pair.topology.exec(name, ['ip', 'route', 'add', 'local', '10.99.0.0/24', 'dev', 'lo'])
    const server = pair.topology.spawnIn(name, [process.execPath, '-e', pages])
    await new Promise(resolve => server.stdout?.once('data', resolve))
  }
  await pair.up()
  return pair
}

const pages = `
// Every letter of the pattern is there: it cannot be dismissed at a glance.
const page = 'ebcd' + 'a'.repeat(4096 - 4)
require('http').createServer((_, answer) => answer.end(page)).listen(8080, () => console.log('listening'))
`

/** Lets both burn for so long and judges what was on the wire: one master all the time. Prints how late its adverts were. */
export async function judgeBurning({ d1, d2, wire }: Pair, seconds: number) {
  const since = now()
  const before = [d1, d2].map(demand)
  await sleep(seconds * 1000)
  const elapsed = now() - since
  const shares = [d1, d2].map((one, index) => (demand(one) - before[index]!) / elapsed)

  const mine = wire.adverts(d1.address).filter(({ at }) => at > since)
  const late = wire
    .gaps(since, d1.address)
    .map(({ ms }) => ms - 100)
    .sort((a, b) => a - b)
  const at = (share: number) => late[Math.min(late.length - 1, Math.floor(share * late.length))]!.toFixed(1)
  const wanted = shares.map(share => `${Math.round(share * 100)} %`).join(' and ')
  console.log(
    `checkers of both directors want ${wanted} of a processor for ${seconds} s: ${mine.length} adverts, ` +
      `late by median ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} ms`,
  )

  // They burned indeed: on the processor, or waiting for one, but for what their web servers took to answer.
  for (const share of shares) expect(share).toBeGreaterThan(0.8)
  expect(wire.adverts(d2.address).filter(({ at }) => at > since)).toEqual([])
  expect(wire.adverts().filter(({ at, priority }) => at > since && priority === 0)).toEqual([])
  expect(mine.length).toBeGreaterThan(seconds * 9)
  await until('both say so', async () => (await d1.state()) === 'master' && (await d2.state()) === 'backup')
  for (const one of [d1, d2]) expect((await one.events('vrrp.state')).filter(event => event.at > since)).toEqual([])
}

/** Milliseconds that the checkers process ran or waited for a processor (proc(5): schedstat). */
function demand(one: Director): number {
  const [ran, waited] = readFileSync(`/proc/${one.pids().checkers}/schedstat`, 'utf8').split(' ')
  return (Number(ran) + Number(waited)) / 1e6
}
