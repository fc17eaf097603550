import { afterEach, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { figure } from './figures.js'
import { createPair, now, type Pair, signal, sleep } from './pair.js'

describe('a director under pressure', () => {
  let pair: Pair
  beforeEach(async () => {
    pair = await createPair()
    await pair.up()
    onTestFailed(() => console.log(pair.story()))
  }, 60_000)
  afterEach(() => pair.down())

  test('that is frozen for half a second every five seconds as a backup never takes over', async () => {
    const { d1, d2, wire } = pair
    const since = now()
    for (let run = 0; run < 4; run++) {
      const { parent, vrrp } = d2.pids()
      for (const pid of [parent, vrrp]) signal(pid, 'SIGSTOP')
      await sleep(500)
      for (const pid of [vrrp, parent]) signal(pid, 'SIGCONT')
      await sleep(run === 3 ? 2_000 : 4_500)
    }
    expect(wire.adverts(d2.address).filter(({ at }) => at > since)).toEqual([])
    expect(await d1.state()).toBe('master')
    // It was frozen indeed.
    expect((await d2.status())?.processes.find(({ role }) => role === 'vrrp')?.lag).toBeGreaterThan(400)
  }, 60_000)

  test('that is flooded with garbage sends each advert within a tenth of its interval', async () => {
    const { d1, topology, wire } = pair
    const gaps = async (ms: number) => {
      const since = now()
      await sleep(ms)
      return wire.gaps(since, d1.address).map(gap => gap.ms - 100)
    }
    const quiet = await gaps(5_000)
    // Not adverts, but of protocol 112 and to the group: every kind of damage, as fast as one process sends.
    const flood = topology.spawnIn('cl', [process.execPath, '-e', flooder], { cwd: process.cwd() })
    let sent = ''
    flood.stdout?.on('data', piece => {
      sent += piece
    })
    await until('the flood', () => sent.includes('sending'))
    const flooded = await gaps(5_000)
    flood.kill('SIGTERM')
    await sleep(500)
    figure('adverts without a flood: late by', quiet)
    figure('adverts under a flood: late by', flooded)
    console.log(`flood: ${sent.trim().split('\n').at(-1)}`)
    const counters = (await d1.router())?.counters ?? {}
    const strays = ['ip-ttl-error', 'version-error', 'packet-length-error', 'vrid-error', 'checksum-error']
    expect(strays.some(reason => (counters[reason] ?? 0) > 0)).toBe(true)
    expect(counters['not-looked-at']).toBeGreaterThan(1_000)
    expect(Math.max(...flooded)).toBeLessThan(10)
  }, 60_000)
})

const flooder = `
const raw = require('raw-socket')
const socket = raw.createSocket({ protocol: 112 })
const { wrap } = socket
const option = (level, name, value) => wrap.setOption(level, name, value, value.length)
option(0, 32, Buffer.from([10, 9, 0, 50]))
const ttl = Buffer.alloc(4)
const packets = [
  Buffer.from([0x31, 51, 255, 1, 0, 10, 0, 0, 10, 9, 0, 100]),
  Buffer.from([0x31, 7, 100, 1, 0, 10, 0, 0, 10, 9, 0, 100]),
  Buffer.from([0x41, 51, 100, 1, 0, 10, 0, 0, 10, 9, 0, 100]),
  Buffer.from([0x31]),
  Buffer.alloc(1200, 0x5a),
]
let count = 0
let end = false
process.on('SIGTERM', () => { end = true })
console.log('sending')
function turn() {
  for (let i = 0; i < 200; i++) {
    ttl.writeInt32LE(count % 3 === 0 ? 64 : 255)
    option(0, 33, ttl)
    const packet = packets[count % packets.length]
    try { wrap.send(packet, 0, packet.length, '224.0.0.18', () => {}) } catch {}
    count++
  }
  if (!end) return setImmediate(turn)
  console.log(count + ' packets')
  socket.close()
}
turn()
`
