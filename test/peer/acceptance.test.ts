import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Acceptance, accept, stranger } from '../../src/peer/acceptance.js'
import type { Datagram } from '../../src/peer/datagram.js'

const ours = 'our-boot'
const from = (boot: string, seq: number, echo: readonly string[] = [ours]) =>
  ({ boot, seq, echo }) as unknown as Datagram

/** The judgement of each datagram, in order. */
function judge(...datagrams: Datagram[]) {
  let known: Acceptance = stranger
  return datagrams.map(datagram => {
    const [next, judgement] = accept(known, datagram, ours)
    known = next
    return judgement
  })
}

describe('a datagram of another director', () => {
  test('is believed when it echoes our present start', () => {
    expect(judge(from('a', 1), from('a', 2))).toEqual(['accepted', 'accepted'])
  })

  test('is not believed before it does: it may be from before we started', () => {
    expect(judge(from('a', 1, []), from('a', 2, ['our-last-boot']), from('a', 3))).toEqual([
      'unproven',
      'unproven',
      'accepted',
    ])
  })

  test('is dropped the second time (it came over two paths), and when it is older', () => {
    expect(judge(from('a', 5), from('a', 5), from('a', 4), from('a', 6))).toEqual([
      'accepted',
      'duplicate',
      'replayed',
      'accepted',
    ])
  })

  test('is believed after the sender started again, and then nothing of its former life', () => {
    expect(judge(from('a', 900), from('b', 1), from('a', 901), from('b', 2))).toEqual([
      'accepted',
      'accepted',
      'replayed',
      'accepted',
    ])
  })

  test('that is old and played again cannot push the genuine one out of the echo', () => {
    const [known] = accept(stranger, from('a', 1), ours)
    const [after] = accept(known, from('old', 1, ['our-last-boot']), ours)
    expect(after.heard).toContain('a')
  })

  test('is accepted at most once in any history of replays', () => {
    const any = fc.record({
      boot: fc.constantFrom('a', 'b', 'c'),
      seq: fc.integer({ min: 1, max: 5 }),
      echo: fc.constantFrom([ours], [], ['x']),
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 60 }), history => {
        const datagrams = history.map(({ boot, seq, echo }) => from(boot, seq, echo))
        const judgements = judge(...datagrams)
        const accepted = datagrams
          .filter((_, i) => judgements[i] === 'accepted')
          .map(({ boot, seq }) => `${boot} ${seq}`)
        expect(new Set(accepted).size).toBe(accepted.length)
      }),
    )
  })
})
