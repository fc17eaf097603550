import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { labFolder } from './harness.js'

type Probe = { readonly at: number; readonly answered: number | undefined; readonly refused: boolean }
type Judgement = Readonly<
  Record<'probes' | 'refused' | 'unanswered' | 'late' | 'gap' | 'apart' | 'pause' | 'wait', number>
>
const { judge, readProbes } = (await import(join(labFolder, 'served.mjs'))) as {
  judge(probes: readonly Probe[], from?: number, to?: number): Judgement
  readProbes(capture: Buffer, source: string): Probe[]
}

describe('how long the VIP was not served', () => {
  const served = (at: number, after = 1): Probe => ({ at, answered: at + after, refused: false })
  const lost = (at: number): Probe => ({ at, answered: undefined, refused: false })
  const refused = (at: number): Probe => ({ at, answered: undefined, refused: true })

  test('nothing lost: no gap, and what it can have been at most', () =>
    expect(judge([served(0), served(2), served(14), served(16)])).toEqual({
      probes: 4,
      refused: 0,
      unanswered: 0,
      late: 0,
      gap: 0,
      apart: 12,
      pause: 12,
      wait: 1,
    }))

  test('a gap reaches from the last one served to the next one served', () => {
    const seen = judge([served(0), served(2), lost(4), refused(6), served(8), served(10)])
    expect(seen).toMatchObject({ gap: 6, apart: 6, pause: 2, wait: 5, refused: 1, unanswered: 1 })
  })

  test('an answer that comes late serves nobody', () =>
    expect(judge([served(0), served(2, 40), served(4), served(6)])).toMatchObject({ gap: 4, late: 1, wait: 3 }))

  test('a gap counts in every time that it touches', () => {
    const probes = [served(0), lost(2), lost(4), lost(6), served(8), served(10)]
    for (const [from, to] of [
      [0, 3],
      [3, 5],
      [5, 9],
    ] as const)
      expect(judge(probes, from, to).gap).toBe(8)
    expect(judge(probes, 9, 11).gap).toBe(0)
  })

  test('one that does not end is endless', () => expect(judge([served(0), lost(2)]).gap).toBe(Infinity))
})

test('a probe and its answer are known by their numbers, whatever comes between', () => {
  const client = '10.9.0.50'
  const capture = pcap([
    { at: 1000, from: client, seq: 7, flags: 2 },
    { at: 1002, from: client, seq: 8, flags: 2 },
    { at: 1003, from: '10.9.0.100', ack: 9, flags: 20 },
    { at: 1004, from: '10.9.0.100', ack: 8, flags: 18 },
    { at: 1005, from: '10.9.0.100', ack: 8, flags: 18 },
  ])
  expect(readProbes(capture, client)).toEqual([
    { at: 1000, answered: 1004, refused: false },
    { at: 1002, answered: undefined, refused: true },
  ])
})

type Packet = { at: number; from: string; seq?: number; ack?: number; flags: number }

function pcap(packets: readonly Packet[]): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  return Buffer.concat([
    header,
    ...packets.map(({ at, from, seq = 0, ack = 0, flags }) => {
      const packet = Buffer.alloc(16 + 14 + 40)
      packet.writeUInt32LE(Math.floor(at / 1000), 0)
      packet.writeUInt32LE(Math.round((at % 1000) * 1000), 4)
      packet.writeUInt32LE(54, 8)
      packet[30] = 0x45
      packet.set(from.split('.').map(Number), 42)
      packet.writeUInt32BE(seq, 54)
      packet.writeUInt32BE(ack, 58)
      packet[63] = flags
      return packet
    }),
  ])
}
