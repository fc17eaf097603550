import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { figure } from './figures.js'
import { createPair, type Director, now, type Pair, signal, sleep } from './pair.js'

// At 100 ms adverts the other director waits 302 to 361 ms: half a second outlasts its patience, 150 ms do not.
const interval = 100

describe('a master that may pre-empt', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await createPair()
    await pair.up()
  }, 60_000)
  beforeEach(() => onTestFailed(() => console.log(pair.story())))
  afterAll(() => pair.down())

  test('that is frozen for less than the patience of the other stays master', async () => {
    const { d1, d2, wire } = pair
    const since = now()
    for (let run = 0; run < 4; run++) {
      await freeze(d1, 150)
      await sleep(1_000)
    }
    expect(wire.adverts(d2.address).filter(({ at }) => at > since)).toEqual([])
    expect(await d1.state()).toBe('master')
  }, 60_000)

  test('that is frozen for half a second every five seconds is followed once each time, falls silent at once, and pre-empts after its wait', async () => {
    const { d1, d2, wire } = pair
    const overlaps: number[] = []
    const both: number[] = []
    const returns: number[] = []
    for (let run = 0; run < 3; run++) {
      const frozen = now()
      const woken = await freeze(d1, 500)
      await until('d1 has pre-empted', () => d1.has() && !d2.has(), 15_000)
      await sleep(1_000)
      const theirs = wire.adverts(d2.address).filter(({ at }) => at > frozen)
      const ours = wire.adverts(d1.address).filter(({ at, priority }) => at > woken && priority > 0)
      const [first] = theirs
      expect(first, 'an advert of d2').toBeDefined()
      expect(first!.at - frozen).toBeGreaterThan(2 * interval)
      // One takeover: what d2 sends is one row without a hole, and d1 is silent until it pre-empts: three intervals after it was
      // there for it to hear that another is master (RFC 9568 6.4.2 (440): a lesser master's adverts do not start the timer anew).
      const gaps = theirs.slice(1).map((one, index) => one.at - theirs[index]!.at)
      expect(Math.max(0, ...gaps)).toBeLessThan(3 * interval)
      const back = ours[0]!.at
      expect(back - first!.at).toBeGreaterThan(3 * interval - 5)
      overlaps.push(Math.max(0, theirs.at(-1)!.at - back))
      both.push(pair.both(woken))
      returns.push(back - woken)
      await sleep(Math.max(0, frozen + 5_000 - now()))
    }
    figure('a frozen master wakes up: both have the VIP for', both)
    figure('a frozen master wakes up and pre-empts after', returns)
    figure('a frozen master pre-empts: the other one advertises on for', overlaps)
    expect(Math.max(...overlaps)).toBeLessThan(interval)
    expect((await d1.events('vrrp.*')).filter(({ data }) => data?.['cause'] === 'preempted')).toHaveLength(3)
  }, 90_000)
})

describe('a master that may not pre-empt', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await createPair({ router: 'preempt: false' })
    await pair.up()
  }, 60_000)
  beforeEach(() => onTestFailed(() => console.log(pair.story())))
  afterAll(() => pair.down())

  test('that is frozen for half a second stays behind, and the other way round', async () => {
    const { d1, d2, wire } = pair
    for (const [from, to] of [
      [d1, d2],
      [d2, d1],
    ] as const) {
      const woken = await freeze(from, 500)
      await sleep(2_000)
      expect([from.has(), to.has()]).toEqual([false, true])
      expect([await from.state(), await to.state()]).toEqual(['backup', 'master'])
      expect(wire.adverts(from.address).filter(({ at, priority }) => at > woken && priority > 0)).toEqual([])
    }
  }, 60_000)
})

/** The whole director stands still, as a virtual machine does that is not scheduled. Answers when it went on. */
async function freeze(director: Director, ms: number): Promise<number> {
  const { parent, ...children } = director.pids()
  const all = [parent, ...Object.values(children)]
  for (const pid of all) signal(pid, 'SIGSTOP')
  await sleep(ms)
  const woken = now()
  for (const pid of all.reverse()) signal(pid, 'SIGCONT')
  return woken
}
