import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { createPair, type Pair, sleep, status, until, vip } from './pair.js'

// The interface of d1 is a bond of two ports, whose driver announces nothing by itself (num_grat_arp 0); nor is there a second burst after the takeover.
let pair: Pair
let heard: string[] = []
const ports = { port1: 'd1', port2: 'd1-second' } as const
const ip = (where: 'd1' | 'sw', ...argv: string[]) => {
  const done = pair.exec(where, 'ip', ...argv)
  return done.then(({ status, stderr }) => expect([status, stderr]).toEqual([0, '']))
}
const active = async () => {
  const { stdout } = await pair.exec('d1', 'cat', '/sys/class/net/eth0/bonding/active_slave')
  return stdout.trim() === 'port1' ? 'port1' : 'port2'
}

beforeAll(async () => {
  pair = await createPair({ mode: 'dr' })
  pair.write(pair.config.replace('advert_interval: 100ms', 'advert_interval: 100ms\n    garp: { delay: 0s }'))
  await ip('d1', 'link', 'set', 'eth0', 'down')
  await ip('d1', 'link', 'set', 'eth0', 'name', 'port1')
  await ip('d1', 'address', 'flush', 'dev', 'port1')
  await ip('sw', 'link', 'add', 'd1-second', 'type', 'veth', 'peer', 'name', 'port2', 'netns', pair.net.ns('d1'))
  await ip('sw', 'link', 'set', 'd1-second', 'master', 'br0', 'up')
  const bond = ['type', 'bond', 'mode', 'active-backup', 'miimon', '50', 'num_grat_arp', '0']
  await ip('d1', 'link', 'add', 'eth0', ...bond)
  for (const port of Object.keys(ports)) await ip('d1', 'link', 'set', port, 'master', 'eth0')
  await ip('d1', 'link', 'set', 'eth0', 'up')
  await ip('d1', 'address', 'add', '10.9.0.11/24', 'dev', 'eth0')
  const dump = pair.net.spawn('cl', ['tcpdump', '-lnei', 'eth0', `arp and ether broadcast and src host ${vip}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  dump.stdout?.on('data', part => heard.push(String(part)))
  pair.d1.start()
  await until('d1 is master', async () => (await status(pair.d1))?.routers[0]?.state === 'master', 40_000)
  await sleep(2_000)
})
afterAll(() => pair.end())

test('announces its VIP again when its bond is told to send through another port, and when the bond has lost one', async () => {
  onTestFailed(() => console.log(heard.join('')))
  expect(heard.join('')).toContain(vip)
  for (const way of ['told', 'lost'] as const) {
    const before = await active()
    heard = []
    if (way === 'lost') await ip('sw', 'link', 'set', ports[before], 'down')
    else {
      const other = before === 'port1' ? 'port2' : 'port1'
      await ip('d1', 'link', 'set', 'eth0', 'type', 'bond', 'active_slave', other)
    }
    await until(`it announces, ${way}`, () => heard.join('').includes(vip), 5_000)
    expect(await active()).not.toBe(before)
    await sleep(1_000)
  }
  expect((await status(pair.d1))?.routers[0]).toMatchObject({ state: 'master' })
}, 60_000)
