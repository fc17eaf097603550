import { expect } from 'vitest'
import { until } from '../lab/harness.js'
import { figure } from './figures.js'
import { now, type Pair, sleep } from './pair.js'

/**
 * Throws damaged packets of protocol 112 at the group for so many ms, as fast as one process sends. By how much the master's adverts
 * were late, ms, with nothing else and with it.
 */
export async function flooded({ topology, wire, d1 }: Pair, ms: number): Promise<{ quiet: number[]; late: number[] }> {
  const lateness = async (during: number) => {
    const since = now()
    await sleep(during)
    return wire.gaps(since, d1.address).map(gap => gap.ms - 100)
  }
  const quiet = await lateness(5_000)
  const flood = topology.spawnIn('cl', [process.execPath, '-e', flooder], { cwd: process.cwd() })
  let sent = ''
  flood.stdout?.on('data', piece => {
    sent += piece
  })
  await until('the flood', () => sent.includes('sending'))
  const late = await lateness(ms)
  flood.kill('SIGTERM')
  await sleep(500)
  figure('adverts without a flood: late by', quiet)
  figure('adverts under a flood: late by', late)
  console.log(`flood: ${sent.trim().split('\n').at(-1)}`)
  return { quiet, late }
}

/** What a director counted: that the flood arrived, was told from adverts by reason, and was not all looked at. */
export async function expectCounted({ d1 }: Pair): Promise<void> {
  const router = await d1.router()
  const counters = router?.counters ?? {}
  const reasons = ['ip-ttl-error', 'version-error', 'packet-length-error', 'vrid-error', 'checksum-error']
  expect(reasons.some(reason => (counters[reason] ?? 0) > 0)).toBe(true)
  expect(counters['not-looked-at']).toBeGreaterThan(1_000)
  expect(router?.state).toBe('master')
}

/** Not adverts, but of protocol 112 and to the group: every kind of damage. */
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
