import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPair, type Pair, servers, sleep, until, untilReady, vip } from './pair.js'

// The real servers' gateway is the inner VIP of the same virtual router.
const inner = '10.9.1.1'
let pair: Pair

beforeAll(async () => {
  pair = await createPair({ mode: 'nat' })
  pair.d1.start()
  pair.d2.start()
  await untilReady(pair)
})
afterAll(() => pair.end())

test('a pair behind NAT serves through both real servers, with forwarding on and redirects off', async () => {
  const { d1, d2 } = pair
  expect(new Set([await pair.curl(), await pair.curl()])).toEqual(new Set(['rs1', 'rs2']))
  expect(servers(d1)).toEqual(['10.9.1.21 1', '10.9.1.22 1'])
  expect(d1.table()[0]![1][0]!.forward).toBe('Masq')
  expect([d1.holds(inner), d2.holds(inner)]).toEqual([true, false])
  const sysctl = async (name: string) => (await pair.exec('d1', 'sysctl', '-n', name)).stdout.trim()
  expect(await sysctl('net.ipv4.ip_forward')).toBe('1')
  expect(await sysctl('net.ipv4.conf.all.send_redirects')).toBe('0')
})

test('the crash of the master moves both VIPs, outer and inner, and clients are served again', async () => {
  const { d1, d2, net } = pair
  const pids = Object.values(d1.pids())
  const probe = await pair.client(5)
  await sleep(1_000)
  const cut = net.cut('d1')
  d1.crash(pids)
  await cut
  await until('d2 has both VIPs', () => d2.holds(vip) && d2.holds(inner), 5_000)
  await sleep(500)
  const seen = await probe.end()
  expect(seen.longestGapMs).toBeGreaterThan(50)
  expect(seen.longestGapMs).toBeLessThan(700)
  expect(new Set([await pair.curl(), await pair.curl()])).toEqual(new Set(['rs1', 'rs2']))
  expect(readFileSync(`/proc/${d2.pid()}/net/ip_vs`, 'utf8')).toContain('Masq')
})
