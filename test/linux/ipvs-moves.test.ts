import { describe, expect, test } from 'vitest'
import type { Op } from '../../src/ipvs/plan.js'
import type { Server, Service } from '../../src/ipvs/table.js'
import { applyMoves } from '../../src/linux/ipvs-moves.js'

const service: Service = {
  id: { protocol: 'tcp', address: '10.9.0.100', port: 80 },
  settings: { scheduler: 'mh', flags: [], onePacket: false },
}
const rs = (last: number): Server => ({
  address: `10.9.0.${last}`,
  port: 80,
  settings: { weight: 1, forward: 'dr', upper: 0, lower: 0 },
})
const add = (last: number): Op => ({ op: 'add-server', service, server: rs(last) })
const move = (...lasts: number[]): Op => ({ op: 'order-servers', service, servers: lasts.map(rs) })
const brief = (ops: readonly Op[]) =>
  ops.map(op => ('server' in op ? `${op.op} ${op.server.address.split('.')[3]}` : op.op))

describe('moves in the kernel', () => {
  async function sent(ops: readonly Op[], refuse: Readonly<Record<string, string>> = {}) {
    const messages: string[] = []
    const results = await applyMoves(ops, async some => {
      const words = brief(some)
      messages.push(...words)
      return words.map(word => refuse[word])
    })
    return { messages, results }
  }

  test('each is a removal and an addition, next to each other, and all stay in their order', async () => {
    const edit: Op = { op: 'edit-server', service, server: rs(25), before: rs(25), again: true }
    const { messages, results } = await sent([add(21), move(22, 23), add(24), edit])
    expect(messages).toEqual([
      'add-server 21',
      'remove-server 22',
      'add-server 22',
      'remove-server 23',
      'add-server 23',
      'add-server 24',
      'remove-server 25',
      'add-server 25',
    ])
    expect(results).toEqual([undefined, undefined, undefined, undefined])
  })

  test('one that was not there is put in all the same', async () => {
    expect((await sent([move(22)], { 'remove-server 22': 'ENOENT' })).results).toEqual([undefined])
  })

  test('what is refused counts for the operation that it is part of', async () => {
    const { results } = await sent([add(21), move(22, 23), move(24)], { 'add-server 23': 'ENOMEM' })
    expect(results).toEqual([undefined, 'ENOMEM', undefined])
  })

  test('a hundred are sent in parts, in between which others may run', async () => {
    const sizes: number[] = []
    const lasts = Array.from({ length: 120 }, (_, i) => i + 1)
    await applyMoves([move(...lasts)], async some => {
      sizes.push(some.length)
      return some.map(() => undefined)
    })
    expect(sizes).toEqual([100, 100, 40])
  })
})
