import { afterEach, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { figure } from './figures.js'
import { createPair, now, type Pair, signal, sleep } from './pair.js'

/** The VIPs' lifetime in the kernel, and its own clock's second. */
const lifetime = 3_000
const second = 1_100

describe('a director', () => {
  let pair: Pair
  beforeEach(async () => {
    pair = await createPair()
    await pair.up()
    onTestFailed(() => console.log(pair.story()))
  }, 60_000)
  afterEach(() => pair.down())

  const taken = () => until('d2 has the VIP', () => pair.d2.has(), 15_000)

  test('whose parent is killed leaves as in a restart: the other one takes over when nobody came back', async () => {
    const { d1, wire } = pair
    const { parent: _, ...children } = d1.pids()
    const since = now()
    signal(d1.parent().pid, 'SIGKILL')
    await until('the children are gone', () => Object.values(children).every(gone))
    const ended = now() - since
    // The last advert announces a second, so that a parent that is started again finds nobody in its place.
    expect(wire.adverts(d1.address).at(-1)!.interval).toBe(1_000)
    await taken()
    await until('d1 has the VIP no more', () => !d1.has(), 5_000)
    await sleep(500)
    figure('kill -9 of the parent: children gone', [ended])
    figure('kill -9 of the parent: longest time between two adverts', [wire.gaps(since - 300)[0]!.ms])
    figure('kill -9 of the parent: both have the VIP', [pair.both(since)])
    expect(wire.gaps(since - 300)[0]!.ms).toBeLessThan(4_200)
    expect(pair.both(since)).toBeLessThan(second)
  }, 60_000)

  test('of which everything is killed loses the VIP by its lifetime, and the other one takes over at once', async () => {
    const { d1, d2, wire } = pair
    const since = now()
    d1.killAll()
    await taken()
    figure('kill -9 of everything: the other director has the VIP', [d2.changes.at(-1)!.at - since])
    await until('d1 has the VIP no more', () => !d1.has(), 10_000)
    figure('kill -9 of everything: the kernel has withdrawn the VIP', [d1.changes.at(-1)!.at - since])
    expect(wire.gaps(since - 300)[0]!.ms).toBeLessThan(450)
    expect(d1.changes.at(-1)!.at - since).toBeLessThan(lifetime + second)
  }, 60_000)

  test('that restarts goes on as master: no failover, and no other director hears a silence too long', async () => {
    const { d1, d2, wire } = pair
    const changes = d2.changes.length
    const since = now()
    const before = d1.pids()
    const done = await d1.cli('restart')
    expect(done.status, done.stderr).toBe(0)
    const { parent, ...children } = before
    await until(
      'every process but the parent is a new one',
      () => {
        const { parent: same, ...next } = d1.pids()
        const old: readonly unknown[] = Object.values(children)
        return same === parent && next.spare !== undefined && Object.values(next).every(pid => !old.includes(pid))
      },
      30_000,
    )
    await until('d1 is master', async () => (await d1.state()) === 'master', 15_000)
    await sleep(4_000)
    figure('restart: longest time between two adverts', [wire.gaps(since - 300)[0]!.ms])
    expect(wire.adverts(d2.address).filter(({ at }) => at > since)).toEqual([])
    expect(wire.gaps(since - 300)[0]!.ms).toBeLessThan(3_000)
    expect(d2.changes.length).toBe(changes)
    expect(d1.changes.filter(({ at, has }) => at > since && !has)).toEqual([])
    expect(await d1.router()).toMatchObject({ state: 'master', cause: 'resumed' })
  }, 60_000)
})

function gone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}
