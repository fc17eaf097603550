import { describe, expect, test } from 'vitest'
import { createReadiness, type Progress } from '../../src/checking/readiness.js'

function director() {
  let now = 0
  const said: boolean[] = []
  const readiness = createReadiness({ now: () => now, say: ready => void said.push(ready) })
  let progress: Progress = {
    configured: true,
    needsTable: true,
    learned: true,
    table: { complete: true, asked: 1, answered: 1, ordered: true },
    refused: false,
    pending: 0,
  }
  return {
    readiness,
    /** What it says at a look so many ms after the last one. */
    look(change: Partial<Progress> = {}, ms = 10) {
      now += ms
      progress = { ...progress, ...change }
      readiness.look(progress)
      return said.splice(0)
    },
    said: () => said.splice(0),
    pass: (ms: number) => {
      now += ms
    },
  }
}
const table = (asked: number, answered: number, complete = true, ordered = true) => ({
  complete,
  asked,
  answered,
  ordered,
})

describe('a director that starts', () => {
  test('is ready when every check has a first result and the kernel holds what follows, and says so once', () => {
    const { look } = director()
    expect(look({ configured: false, table: undefined, pending: 2 })).toEqual([false])
    expect(look({ configured: true, table: table(1, 0, false) })).toEqual([])
    expect(look({ table: table(1, 1) })).toEqual([])
    expect(look({ table: table(2, 1), pending: 0 })).toEqual([])
    expect(look({ table: table(2, 2) })).toEqual([true])
    expect(look()).toEqual([])
  })

  test('whose verdicts never rest is ready when the looks are answered that there were at the last first verdict', () => {
    const { look } = director()
    look({ table: table(3, 2), pending: 1 })
    expect(look({ table: table(7, 4), pending: 0 })).toEqual([])
    // Another verdict of the same check in the midst of every pass: never level with the newest look.
    expect(look({ table: table(9, 6) })).toEqual([])
    expect(look({ table: table(11, 7) })).toEqual([true])
  })

  test('does not wait for a check that has no result after ten seconds without another first one', () => {
    const { look } = director()
    expect(look({ pending: 2 })).toEqual([false])
    look({ pending: 1 }, 9_000)
    expect(look({}, 9_990).includes(true)).toBe(false)
    expect(look({}, 20)).toEqual([true])
  })

  test('waits for its real servers to be in their order, but not for verdicts that never rest', () => {
    const { look } = director()
    expect(look({ table: table(1, 1, true, false) })).toEqual([false])
    expect(look({ table: table(2, 2, true, true) })).toEqual([true])

    const restless = director()
    expect(restless.look({ table: table(1, 1, true, false) })).toEqual([false])
    expect(restless.look({}, 9_000)).not.toContain(true)
    expect(restless.look({}, 1_001)).toEqual([true])
  })

  test('waits for the other directors’ overrides, fifteen seconds at most', () => {
    const { look } = director()
    expect(look({ learned: false })).toEqual([false])
    expect(look({ learned: true })).toEqual([true])

    const alone = director()
    expect(alone.look({ learned: false })).toEqual([false])
    expect(alone.look({}, 14_900)).not.toContain(true)
    expect(alone.look({}, 200)).toEqual([true])
  })

  test('without virtual servers needs no table', () => {
    const { look } = director()
    expect(look({ needsTable: false, table: undefined })).toEqual([true])
  })

  test('says every second that it is at work, in the midst of it too, as long as it gets on', () => {
    const { readiness, look, pass, said } = director()
    expect(look({ table: table(1, 0, false), pending: 3 })).toEqual([false])
    readiness.working()
    expect(said()).toEqual([])
    pass(1_000)
    readiness.working()
    expect(said()).toEqual([false])
    expect(look({}, 1_000)).toEqual([false])
    // Waits for the kernel's pass.
    expect(look({ table: table(2, 1), pending: 0 }, 1_000)).toEqual([false])
  })

  test('falls silent where nothing moves, and where the kernel refuses its table', () => {
    const { look } = director()
    look({ pending: 1 })
    look({}, 1_000)
    expect([look({}, 1_000), look({}, 1_000)]).toEqual([[], []])
    const other = director()
    other.look({ table: table(1, 1, false), refused: true })
    expect(other.look({}, 5_000)).toEqual([])
  })

  test('says it no longer than five minutes', () => {
    const { look } = director()
    look({ table: undefined })
    expect(look({}, 299_000)).toEqual([false])
    expect(look({}, 2_000)).toEqual([])
  })
})

describe('a director that is ready', () => {
  test('stays so through later verdicts and new checks', () => {
    const { look } = director()
    expect(look()).toEqual([true])
    expect(look({ table: table(9, 8), pending: 5 })).toEqual([])
  })

  test('is not while the kernel refuses something of the table', () => {
    const { look } = director()
    look()
    expect(look({ table: table(2, 2, false), refused: true })).toEqual([false])
    expect(look({ table: table(2, 2), refused: false })).toEqual([true])
  })

  test('is not while the kernel refuses connection sync, though its table is complete', () => {
    const { readiness, look } = director()
    look()
    expect(look({ unsynced: true })).toEqual([false])
    expect(readiness.ready()).toBe(true)
    // Said once: it is a lesser master's for 10 s, and no director's that is alone.
    expect([look({}, 2_000), look({}, 20_000)]).toEqual([[], []])
    expect(look({ unsynced: false })).toEqual([true])
  })

  test('without virtual servers needs no connection sync', () => {
    const { look } = director()
    expect(look({ needsTable: false, table: undefined, unsynced: true })).toEqual([true])
  })

  test('tells a vrrp process that has just started', () => {
    const { readiness, look } = director()
    look()
    readiness.again()
    expect(look()).toEqual([true])
  })
})
