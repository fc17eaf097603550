import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest'
import { createPair, type Director, lost, type Pair, pairFile, servers, sleep, status, until, vip } from './pair.js'

// Two machines do it all: both are directors and both are real servers.
let pair: Pair
const both = ['10.9.0.11 1', '10.9.0.12 1']

beforeAll(async () => {
  // Both directors send a connection that is under way to the same real server.
  const config = pairFile('dr')
    .replace('scheduler: rr', 'scheduler: mh\n    scheduler_flags: [mh-port, mh-fallback]')
    .replace('10.9.0.21', '10.9.0.11')
    .replace('10.9.0.22', '10.9.0.12')
    // A host that stands still for a moment must not change the roles in between.
    .replace('advert_interval: 100ms', 'advert_interval: 1s')
  pair = await createPair({ mode: 'dr', config })
  pair.net.topology('nginx', 'start', 'd1', 'd2')
  pair.d1.start()
  pair.d2.start()
  await untilMaster(pair.d1, pair.d2)
  for (const one of [pair.d1, pair.d2]) {
    await until('its table is complete', () => servers(one).join() === both.join(), 40_000, 50)
    await until('all of it runs', async () => (await status(one))?.peers[0]?.report?.tableReady, 40_000, 200)
  }
})
afterAll(() => pair.end())
beforeEach(() =>
  onTestFailed(() => console.log([pair.d1, pair.d2].map(one => one.log().slice(-4_000)).join('\n---\n'))),
)

test('the VIP is on lo of both, the master has it for clients, and only the master balances', async () => {
  for (const name of ['d1', 'd2']) {
    expect(await addresses(name, 'lo')).toContain(`${vip}/32`)
    expect(await sysctl(name, 'net.ipv4.conf.all.arp_ignore')).toBe('1')
    expect(await sysctl(name, 'net.ipv4.conf.all.arp_announce')).toBe('2')
  }
  expect(await addresses('d2', 'eth0')).not.toContain(vip)
  expect([await balances('d1'), await balances('d2')]).toEqual([true, false])
  expect(await pair.d1.cli('table')).toMatch(/10\.9\.0\.11:80 +Route +1/)
})

test('both serve, and no packet goes round: the one that is not master balances nothing of what it is sent', async () => {
  const before = [balanced(pair.d1), balanced(pair.d2)]
  const answers: string[] = []
  for (let n = 0; n < 16; n++) answers.push(await pair.curl())
  expect(new Set(answers)).toEqual(new Set(['d1', 'd2']))
  expect(balanced(pair.d1)).toBeGreaterThan(before[0]!)
  expect(balanced(pair.d2)).toBe(before[1])
})

test('a planned switch-over and the way back cost no client its answer, and the roles change with the VIP', async () => {
  const { d1, d2 } = pair
  const probe = await pair.client(20, 1_500)
  await sleep(500)
  await d1.cli('failover', 'web', '--reason', 'test')
  await untilMaster(d2, d1)
  await until('the roles have changed', async () => (await balances('d2')) && !(await balances('d1')), 5_000, 20)
  await sleep(500)
  await d1.cli('failover', 'web', '--back')
  await untilMaster(d1, d2)
  await until('and changed back', async () => (await balances('d1')) && !(await balances('d2')), 5_000, 20)
  await sleep(500)
  const seen = await probe.end()
  expect(Object.keys(seen.servers).sort()).toEqual(['d1', 'd2'])
  expect(lost(seen)).toBe(0)
})

test('when one is gone, the other does it all', async () => {
  const { d1, d2, net } = pair
  const cut = net.cut('d1')
  d1.crash()
  await cut
  await until('d2 is master', async () => (await addresses('d2', 'eth0')).includes(vip), 10_000, 20)
  await until('the other real server has left', () => servers(d2).join() === '10.9.0.12 1', 20_000, 20)
  expect(new Set([await pair.curl(), await pair.curl(), await pair.curl()])).toEqual(new Set(['d2']))
})

test('plan names the settings that go back when they are no real servers any more; stop --clear leaves none, and no VIP on lo', async () => {
  const { d2 } = pair
  const apart = `${d2.file}.apart`
  writeFileSync(
    apart,
    readFileSync(d2.file, 'utf8').replace('10.9.0.11 }', '10.9.0.21 }').replace('10.9.0.12 }', '10.9.0.22 }'),
  )
  const planned = await d2.cli('plan', apart).catch((error: { code: number; stdout: string }) => error.stdout)
  console.log(planned)
  for (const [name, value] of [
    ['arp_ignore', 1],
    ['arp_announce', 2],
  ])
    expect(planned).toContain(`net.ipv4.conf.all.${name}: ${value} -> 0 (nothing needs it any more)`)
  expect(planned).not.toContain('expire_nodest_conn')
  await d2.cli('stop', '--clear')
  await until('it has left', async () => (await status(d2)) === undefined, 20_000, 50)
  await until('the VIP is gone', async () => !(await addresses('d2', 'lo')).includes(vip), 5_000, 50)
  // The vrrp process ends last: it keeps the VIP for a moment for whoever takes over.
  await until('the VIP is gone', async () => !(await addresses('d2', 'eth0')).includes(vip), 2_000, 50)
  expect(d2.table()).toEqual([])
  for (const name of ['conf.all.arp_ignore', 'conf.all.arp_announce', 'vs.backup_only', 'vs.expire_nodest_conn'])
    expect([name, await sysctl('d2', `net.ipv4.${name}`)]).toEqual([name, '0'])
})

async function untilMaster(one: Director, other: Director): Promise<void> {
  const has = async (director: Director) => (await addresses(director.name, 'eth0')).includes(vip)
  await until(`${one.name} has the VIP, alone`, async () => (await has(one)) && !(await has(other)), 60_000, 20)
}

const addresses = async (name: string, link: string) =>
  (await pair.exec(name, 'ip', '-4', '-o', 'address', 'show', 'dev', link)).stdout

const sysctl = async (name: string, setting: string) => (await pair.exec(name, 'sysctl', '-n', setting)).stdout.trim()

const balances = async (name: string) => (await sysctl(name, 'net.ipv4.vs.backup_only')) === '0'

/** Packets that its kernel has balanced, from /proc/net/ip_vs_stats. */
function balanced(one: Director): number {
  const [, packets = ''] =
    readFileSync(`/proc/${one.pid()}/net/ip_vs_stats`, 'utf8').split('\n')[2]?.trim().split(/\s+/) ?? []
  return Number.parseInt(packets, 16)
}
