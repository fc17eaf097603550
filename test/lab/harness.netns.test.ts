import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTopology, exec, stop, type Topology, until } from './harness.js'

describe("the lab's network", () => {
  let net: Topology
  let other: Topology

  beforeAll(async () => {
    net = await createTopology({ realServers: 1, inner: true })
    other = await createTopology({ mode: 'nat', realServers: 1 })
  })
  afterAll(async () => {
    await net?.down()
    await other?.down()
  })

  const body = async (url: string) => (await net.exec('cl', ['curl', '-sS', '-m', '2', url])).stdout.trim()
  const carrier = async () => (await net.exec('d1', ['cat', '/sys/class/net/eth0/carrier'])).stdout.trim()

  test('real servers answer with their name, over both families', async () => {
    expect(await body('http://10.9.0.21/')).toBe('rs1')
    expect(await body('http://[fd00:9::21]/')).toBe('rs1')
    expect(await body('http://10.9.0.21/healthz')).toBe('ok')
  })

  test('a real server keeps the VIP to itself: nobody resolves it', async () => {
    expect((await net.exec('rs1', ['ip', '-br', 'address', 'show', 'lo'])).stdout).toContain('10.9.0.100/32')
    await net.exec('cl', ['ping', '-c1', '-W1', '10.9.0.100'])
    expect((await net.exec('cl', ['ip', 'neigh', 'show', '10.9.0.100'])).stdout).not.toContain('lladdr')
  })

  test('a killed web server refuses, a started one answers again', async () => {
    await net.nginx('kill', 'rs1')
    expect((await net.exec('cl', ['curl', '-sS', '-m', '2', 'http://10.9.0.21/'])).status).toBe(7)
    await net.nginx('start', 'rs1')
    expect(await body('http://10.9.0.21/')).toBe('rs1')
  })

  test('a cut cable costs the carrier until it is healed', async () => {
    await net.cut('d1')
    await until('the carrier to go', async () => (await carrier()) === '0')
    await net.heal('d1')
    await until('the carrier to come back', async () => (await carrier()) === '1')
  })

  test('the pid of a spawned program is its own', async () => {
    const child = net.spawnIn('d2', ['sleep', '60'])
    const pids = async () => (await exec(net.ns('sw'), ['ip', 'netns', 'pids', net.ns('d2')])).stdout.trim()
    expect(await until('sleep to run', pids)).toBe(String(child.pid))
    await stop(child)
    expect(child.signalCode).toBe('SIGTERM')
  })

  test('several stand side by side; in NAT mode the real servers live on the inner network', async () => {
    expect((await other.exec('rs1', ['ip', 'route'])).stdout).toContain('default via 10.9.1.1')
    expect((await other.exec('d1', ['curl', '-sS', '-m', '2', 'http://10.9.1.21/'])).stdout.trim()).toBe('rs1')
  })
})
