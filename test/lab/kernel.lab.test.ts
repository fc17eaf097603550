import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTopology, startProbe, type Topology, until } from './harness.js'

describe('the kernel of the lab', () => {
  let net: Topology

  beforeAll(async () => {
    net = await createTopology()
  })
  afterAll(() => net?.down())

  // twos is in no Debian kernel for User Mode Linux.
  test.each('rr wrr lc wlc fo ovf lblc lblcr sh dh sed nq mh'.split(' '))('schedules with %s', async scheduler => {
    expect(await net.exec('cl', ['ipvsadm', '-A', '-t', '10.9.0.1:80', '-s', scheduler])).toMatchObject({ status: 0 })
    expect((await net.exec('cl', ['ipvsadm', '-Ln'])).stdout).toMatch(new RegExp(`TCP +10\\.9\\.0\\.1:80 ${scheduler}`))
    await net.exec('cl', ['ipvsadm', '-D', '-t', '10.9.0.1:80'])
  })

  test('wakes a program within ten milliseconds of its timer, mostly', async () => {
    const lateness: number[] = []
    for (let i = 0; i < 50; i++) {
      const due = performance.now() + 5
      await new Promise(wake => setTimeout(wake, 5))
      lateness.push(performance.now() - due)
    }
    expect(lateness.sort((a, b) => a - b)[25]).toBeLessThan(10)
  })

  test('carries a pair of keepalived: a crash of the master costs clients what three silent adverts cost', async () => {
    await net.keepalived('start', 'd1')
    await net.keepalived('start', 'd2')
    const answers = async () => (await net.exec('cl', ['curl', '-sS', '-m', '1', 'http://10.9.0.100/'])).status === 0
    const holds = async () => (await net.exec('d1', ['ip', '-br', 'address'])).stdout.includes('10.9.0.100/32')
    await until('d1 to be master and to answer', async () => (await holds()) && (await answers()))
    const probe = startProbe(net)
    await new Promise(wake => setTimeout(wake, 1000))
    await net.crash('d1')
    await until('d2 to answer', answers)
    const { longestGapMs } = await probe.end()
    // Up to one interval of the last advert has passed already; the rest is slack for a busy host.
    expect(longestGapMs).toBeGreaterThan(150)
    expect(longestGapMs).toBeLessThan(1500)
  })
})
