import { get } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Role } from '../../src/messages.js'
import type { Status } from '../../src/status/status.js'
import { segment, sleep } from '../linux/namespaces.js'
import { director } from './director.js'

const net = segment()
const one = director(net.a)

beforeAll(async () => {
  one.write(`directors:
  d1: { address: 10.9.0.11 }
virtual_routers:
  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32], advert_interval: 100ms }
virtual_servers:
  web:
    address: 10.9.0.100:8001
    forward: nat
    check: { tcp: {}, interval: 1s }
    real_servers: [10.9.0.21]
`)
  await one.start()
})
afterAll(async () => {
  await one.stop()
  one.remove()
  net.remove()
})

const pidOf = ({ processes }: Status, wanted: Role) => processes.find(({ role }) => role === wanted)!.pid!
/** From the socket that may only be read. */
function page(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ socketPath: `${one.run}/status.sock`, path }, async answer => {
      resolve((await answer.setEncoding('utf8').toArray()).join(''))
    })
    request.on('error', reject)
  })
}
const told = ({ notices }: Status) => notices.find(({ code }) => code === 'process.silent')

test('checkers that are frozen are in status, metrics and readyz within three seconds, and no more when they go on', async () => {
  const { since } = await one.until('the VIP', ({ routers }) => routers[0]?.state === 'master')
  await sleep(Math.max(0, since + 6_000 - Date.now()))
  const before = await one.status()
  // Nobody was frozen so far, however busy the machine was with the start.
  expect(told(before)).toBeUndefined()

  const checkers = pidOf(before, 'checkers')
  process.kill(checkers, 'SIGSTOP')
  const frozen = Date.now()
  try {
    const status = await one.until('the notice', now => told(now) !== undefined)
    console.log(`frozen checkers: shown after ${Date.now() - frozen} ms`)
    expect(Date.now() - frozen).toBeLessThan(3_000)
    expect(told(status)).toMatchObject({ level: 'warning', subject: 'process checkers' })
    expect(told(status)!.text).toMatch(
      /^has not answered for [23](\.\d)?s: stopped, hung, or without processor\. Checks and/,
    )
    const metrics = await page('/metrics?scope=director')
    expect(metrics).toMatch(/lvskeeper_process_silent_seconds\{role="checkers"\} [23]/)
    expect(metrics).toContain('lvskeeper_process_silent_seconds{role="vrrp"} 0')
    expect(await page('/readyz')).toContain('checkers does not answer\n')
  } finally {
    process.kill(checkers, 'SIGCONT')
  }
  const after = await one.until('no notice', now => told(now) === undefined)
  expect(pidOf(after, 'checkers')).toBe(checkers)
  const history = (await one.events()).filter(({ subject }) => subject === 'process checkers')
  expect(history.map(({ name, level }) => [name, level])).toEqual([
    ['process.silent', 'notice'],
    ['process.answers', 'notice'],
  ])
  expect(history[1]!.text).toMatch(/^checkers answers again after \d/)
}, 30_000)

test('a vrrp process that is killed because it is frozen died of that, in the history', async () => {
  const status = await one.until('the spare', ({ processes }) =>
    processes.some(({ role, spare }) => role === 'vrrp' && spare?.ready === true),
  )
  process.kill(pidOf(status, 'vrrp'), 'SIGSTOP')
  await one.until('another', now => pidOf(now, 'vrrp') !== pidOf(status, 'vrrp'))
  const death = (await one.events()).find(({ name, subject }) => name === 'process.died' && subject === 'process vrrp')
  expect(death?.text).toMatch(/^vrrp died \(killed: it had not answered for \d+ ms\); its spare takes its place$/)
}, 20_000)
