import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../lab/harness.js'
import { figure } from './figures.js'
import { createPair, now, type Pair, signal, sleep } from './pair.js'

describe('a vrrp process', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await createPair()
    await pair.up()
  }, 60_000)
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

  test('that is killed again before a new spare is there starts anew; if that takes too long the other director has the VIP alone', async () => {
    const { d1, d2, wire } = pair
    const since = now()
    d1.kill('vrrp')
    await until('the spare is vrrp', () => d1.pids().spare === undefined)
    d1.kill('vrrp')
    await sleep(5_000)
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

  test('that is stopped is killed by the parent before both have the VIP for more than 100 ms', async () => {
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
    expect(wire.gaps(since - 300)[0]!.ms).toBeLessThan(600)
    expect(pair.both(since)).toBeLessThan(100)
  }, 60_000)
})
