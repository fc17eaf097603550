import { afterEach, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { figure } from './figures.js'
import { createPair, now, type Pair, signal, sleep } from './pair.js'

describe('a pair of which every process is frozen, longer than the kernel keeps the VIP', () => {
  let pair: Pair
  beforeEach(async () => {
    // The master listens for an interval and a slot, its backup gives it two: processes may start as far apart as that.
    pair = await createPair({ interval: '500ms' })
    await pair.up()
    onTestFailed(() => console.log(pair.story()))
  }, 60_000)
  afterEach(() => pair.down())

  test('goes on where it was: one master, its VIP back and announced, no process killed', async () => {
    const { d1, d2, wire } = pair
    // The last process to start.
    await until('the spares of checkers', () => [d1, d2].every(one => one.pids().spareCheckers !== undefined))
    const before = [d1.pids(), d2.pids()]
    const pids = before.flatMap(each => Object.values(each))
    for (const pid of pids) signal(pid, 'SIGSTOP')
    await until('the kernel has withdrawn the VIP', () => !d1.has(), 10_000)
    await sleep(2_000)
    const since = now()
    for (const pid of pids.toReversed()) signal(pid, 'SIGCONT')
    await until('somebody has the VIP', () => d1.has() || d2.has(), 10_000)
    const back = [d1, d2].find(one => one.has())!
    figure('both frozen: the VIP is back', [back.changes.at(-1)!.at - since])
    await sleep(3_000)
    // What came first must be what stays.
    expect([d1.has(), d2.has()]).toEqual([true, false])
    expect([await d1.state(), await d2.state()]).toEqual(['master', 'backup'])
    expect(wire.adverts(d2.address).filter(({ at }) => at > since)).toEqual([])
    const announced = wire.announcements().find(({ at }) => at > d1.changes.at(-1)!.at - 50)
    expect(announced).toBeDefined()
    figure('both frozen: the VIP is announced', [announced!.at - since])
    expect([d1.pids(), d2.pids()]).toEqual(before)
  }, 60_000)
})

describe('a pair of which every process is frozen for three to four intervals', () => {
  let pair: Pair
  beforeEach(async () => {
    pair = await createPair({ interval: '200ms' })
    await pair.up()
    onTestFailed(() => console.log(pair.story()))
  }, 60_000)
  afterEach(() => pair.down())

  test('goes on as if nothing had been: the VIP does not move', async () => {
    const { d1, d2, wire } = pair
    await until('the spares of checkers', () => [d1, d2].every(one => one.pids().spareCheckers !== undefined))
    const before = [d1.pids(), d2.pids()]
    const pids = before.flatMap(each => Object.values(each))
    const began = now()
    for (const intervals of [3.1, 3.5, 3.9]) {
      const since = now()
      for (const pid of pids) signal(pid, 'SIGSTOP')
      await sleep(intervals * 200)
      for (const pid of pids.toReversed()) signal(pid, 'SIGCONT')
      await until('the master goes on', () => wire.adverts(d1.address).some(({ at }) => at > since + intervals * 200))
      await sleep(1_000)
      const [longest] = wire.gaps(since - 250, d1.address)
      // It was silent for longer than its backup would have waited.
      expect(longest?.ms).toBeGreaterThan(intervals * 200)
    }
    expect(wire.adverts(d2.address).filter(({ at }) => at > began)).toEqual([])
    expect([...d1.changes, ...d2.changes].filter(({ at }) => at > began)).toEqual([])
    expect([await d1.state(), await d2.state()]).toEqual(['master', 'backup'])
    expect([d1.pids(), d2.pids()]).toEqual(before)
  }, 60_000)
})
