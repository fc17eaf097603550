import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { figure } from './figures.js'
import { createPair, now, type Pair, signal, sleep } from './pair.js'

describe('a vrrp process', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await createPair()
    await pair.up()
  }, 60_000)
  beforeEach(() => onTestFailed(() => console.log(pair.story())))
  afterAll(() => pair.down())

  test('that is killed is followed by its spare before the next advert is late, and nobody takes over', async () => {
    const { d1, d2, wire } = pair
    const gaps: number[] = []
    for (let run = 0; run < 5; run++) {
      const promoted = (await d1.events('process.promoted')).length
      const changes = d2.changes.length
      const killed = now()
      d1.kill('vrrp')
      await until('the spare is vrrp', async () => (await d1.events('process.promoted')).length > promoted)
      await d1.whole()
      // The next spare is there; now it is configured.
      await sleep(1_500)
      gaps.push(wire.gaps(killed - 300)[0]!.ms)
      expect(await d1.state()).toBe('master')
      expect(await d2.state()).toBe('backup')
      expect(d2.changes.length).toBe(changes)
      expect(d1.has()).toBe(true)
    }
    figure('kill -9 of vrrp: longest time between two adverts', gaps)
    // An interval, and the time of the spare beyond it.
    expect(Math.max(...gaps)).toBeLessThan(200)
  }, 60_000)

  test('gets another spare when its own dies', async () => {
    const { spare } = pair.d1.pids()
    signal(spare, 'SIGKILL')
    await until('another spare', () => {
      const { spare: next } = pair.d1.pids()
      return next !== undefined && next !== spare
    })
    expect(await pair.d1.state()).toBe('master')
  }, 60_000)
})

describe('a director', () => {
  let pair: Pair
  beforeEach(async () => {
    pair = await createPair()
    await pair.up()
    onTestFailed(() => console.log(pair.story()))
  }, 60_000)
  afterEach(() => pair.down())

  test('whose vrrp process is killed starts another; if that takes too long the other director has the VIP alone', async () => {
    const { d1, d2, wire } = pair
    const since = now()
    const { vrrp, spare } = d1.pids()
    signal(vrrp, 'SIGKILL')
    await until('the spare is vrrp', () => d1.pids().vrrp === spare)
    signal(spare, 'SIGKILL')
    // A start may take less than the others' patience: then nobody has taken over.
    await until('a third process is vrrp', () => ![vrrp, spare, undefined].includes(d1.pids().vrrp))
    await d1.whole()
    // d1 has the higher priority: whoever took over meanwhile gives back.
    await until('d1 is master', async () => (await d1.state()) === 'master', 15_000)
    await sleep(1_000)
    figure('kill -9 of vrrp twice: longest time between two adverts', [wire.gaps(since - 300)[0]!.ms])
    figure('kill -9 of vrrp twice: both have the VIP', [pair.both(since)])
    expect(wire.gaps(since - 300)[0]!.ms).toBeLessThan(600)
    expect(pair.both(since)).toBeLessThan(100)
    expect(d2.has()).toBe(false)
  }, 60_000)

  test('whose vrrp process is stopped has it killed long before the lifetime of its VIP ends', async () => {
    const { d1, wire } = pair
    const since = now()
    const { vrrp } = d1.pids()
    signal(vrrp, 'SIGSTOP')
    await until('another process is vrrp', () => d1.pids().vrrp !== vrrp)
    await d1.whole()
    await until('d1 is master', async () => (await d1.state()) === 'master', 15_000)
    await sleep(1_000)
    figure('SIGSTOP of vrrp: longest time between two adverts', [wire.gaps(since - 300)[0]!.ms])
    figure('SIGSTOP of vrrp: both have the VIP', [pair.both(since)])
    // 50 ms where the parent's loop turns in time; 2,700 if nobody but the kernel did anything.
    expect(wire.gaps(since - 300)[0]!.ms).toBeLessThan(1_000)
    expect(pair.both(since)).toBeLessThan(1_000)
  }, 60_000)
})
