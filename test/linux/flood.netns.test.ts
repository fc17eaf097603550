import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.js'
import { applyScheduling } from '../../src/linux/scheduling.js'
import { openLan, vrrpGroup } from '../../src/linux/vrrp-socket.js'
import { decodeAdvert, encodeAdvert } from '../../vrrp/packet.js'
import { type Segment, segment, sleep } from './namespaces.js'

let net: Segment
beforeAll(() => {
  net = segment()
  // As the vrrp process runs; others use this machine's processors, too.
  expect(applyScheduling({ realtime: 10 })).toEqual({ realtime: 'ok' })
})
afterAll(() => {
  applyScheduling({ realtime: 0 })
  net.remove()
})

/** Sends `count` packets of protocol 112 as fast as one process can; `kind` chooses what is wrong with them. Prints packets per second. */
const flooder = `
import socket, sys, os, time
kind, count = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'eth0\\0')
s.setsockopt(0, socket.IP_MULTICAST_TTL, 64 if kind == 'ttl' else 255)
s.connect(('224.0.0.18', 0))
good = bytes.fromhex('31339601000a0000') + bytes([10, 9, 0, 100])
packets = {
  'ttl': [good],
  'vrid': [bytes([0x31, 7]) + good[2:]],
  'random': [os.urandom(20) for _ in range(500)],
  'checksum': [good],
}[kind]
start = time.time()
for i in range(count):
  s.send(packets[i % len(packets)])
print(int(count / (time.time() - start)))
`

describe('a flood of 100,000 bad packets', () => {
  test.each([
    ['ttl', 'that crossed a router'],
    ['vrid', 'for the virtual router of somebody else'],
    ['random', 'of random bytes'],
    ['checksum', 'for our virtual router with a wrong checksum'],
  ])('(%s) %s delays no deadline by more than a tenth of a 100 ms interval and hides no advert', async kind => {
    const read = { good: 0, bad: 0 }
    const hearer = net.b.enter(() =>
      openLan({ interface: 'eth0', family: 4, kind: 'multicast', source: () => '10.9.0.12' }, ({ payload, source }) => {
        const result = decodeAdvert(payload, { family: 4, source, destination: vrrpGroup[4] })
        if ('discard' in result) read.bad++
        else read.good++
      }),
    )
    const sender = net.a.enter(() =>
      openLan({ interface: 'eth0', family: 4, kind: 'multicast', source: () => '10.9.0.11' }, () => {}),
    )
    hearer.listen([51])
    hearer.strays()
    const advert = { version: 3, vrid: 51, priority: 150, interval: 100, addresses: ['10.9.0.100'] } as const
    const bytes = encodeAdvert(
      advert,
      { family: 4, source: '10.9.0.11', destination: vrrpGroup[4] },
      { pseudoHeader: true },
    )

    // A master's work during the flood: an advert every 100 ms, at its deadline.
    let sent = 0
    const late: number[] = []
    let next = performance.now() + 100
    let cancel = systemClock.at(next, tick)
    function tick() {
      late.push(performance.now() - next)
      if (sender.lan.send(bytes, vrrpGroup[4]) === undefined) sent++
      next += 100
      cancel = systemClock.at(next, tick)
    }

    const usage = process.cpuUsage()
    const start = performance.now()
    const child = net.a.start('python3', '-c', flooder, kind, '100000')
    let rate = ''
    child.stdout!.on('data', chunk => {
      rate += chunk
    })
    await new Promise(resolve => child.once('exit', resolve))
    const { user, system } = process.cpuUsage(usage)
    const share = (user + system) / 10 / (performance.now() - start)
    cancel()
    await sleep(100)
    const { sample, missed } = hearer.strays()
    hearer.close()
    sender.close()

    late.sort((a, b) => a - b)
    console.log(
      `${kind}: ${rate.trim()} packets/s; deadlines ${late.length}, median ${late[late.length >> 1]!.toFixed(2)} ms late, worst ${late.at(-1)!.toFixed(2)} ms; ` +
        `processor ${share.toFixed(0)} %; read ${read.bad}, strays seen ${sample.length}, more ${missed}`,
    )
    expect(late.length).toBeGreaterThan(2)
    expect(late.at(-1)).toBeLessThan(10)
    expect(read.good).toBe(sent)
    if (kind === 'checksum') expect(read.bad).toBeGreaterThan(50_000)
    else {
      // A few of the random packets happen to look like adverts of virtual router 51.
      expect(read.bad).toBeLessThan(500)
      // While its buffer is full the kernel counts before it filters: our own adverts, too.
      expect(sample.length + missed + read.bad).toBeGreaterThanOrEqual(100_000)
      expect(sample.length + missed + read.bad).toBeLessThanOrEqual(100_000 + sent)
    }
  })
})
