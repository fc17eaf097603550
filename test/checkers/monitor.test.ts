import { describe, expect, test } from 'vitest'
import { createMonitor } from '../../checkers/monitor.js'
import type { MonitorPorts, Wanted } from '../../checkers/monitor-ports.js'
import type { Outcome } from '../../checkers/ports.js'
import type { CheckSpec } from '../../checkers/spec.js'
import { checkSpec } from './check-spec.js'
import { virtualClock } from './virtual-clock.js'

const pass: Outcome = { passed: true, layer: 'L4OK' }
const refused: Outcome = { passed: false, reason: 'refused', layer: 'L4CON' }
const brokenOff: Outcome = { passed: false, reason: 'reset', layer: 'L7RSP' }
const unreachable: Outcome = { passed: false, reason: 'unreachable', layer: 'L4CON' }
const local: Outcome = { passed: false, reason: 'local-error', layer: 'SOCKERR' }
const timeout: Outcome = { passed: false, reason: 'timeout', layer: 'L4TOUT' }

/** A monitor in virtual time over servers that answer what the test says; an absent answer is silence. */
function setup(ports: Partial<MonitorPorts> = {}) {
  const time = virtualClock()
  const answers = new Map<string, Outcome | undefined>()
  const starts: { at: number; address: string }[] = []
  const verdicts: string[] = []
  let running = 0
  let most = 0
  const monitor = createMonitor({
    clock: time.clock,
    random: () => 0,
    probeFor: () => (target, signal) => {
      starts.push({ at: time.clock.now(), address: target.address })
      most = Math.max(most, ++running)
      return new Promise(resolve => {
        const answer = answers.has(target.address) ? answers.get(target.address) : pass
        const finish = (outcome: Outcome) => {
          running--
          resolve(outcome)
        }
        if (answer) finish(answer)
        else signal.addEventListener('abort', () => finish(timeout))
      })
    },
    onVerdict: ({ key, from, to }) => verdicts.push(`${time.clock.now()} ${key} ${from}>${to}`),
    ...ports,
  })
  const want = (...specs: [string, Partial<CheckSpec>, ('up' | 'down')?][]) =>
    new Map<string, Wanted>(
      specs.map(([key, over, provisional]) => [
        key,
        { target: { address: key, port: 80 }, spec: checkSpec(over), ...(provisional ? { provisional } : {}) },
      ]),
    )
  return { time, answers, starts, verdicts, monitor, want, most: () => most }
}

describe('the monitor', () => {
  test('checks at once, then at the interval', async () => {
    const { time, monitor, want, starts, verdicts } = setup()
    monitor.set(want(['a', { interval: 1000 }]))
    await time.until(3500)
    expect(verdicts).toEqual(['0 a unknown>up'])
    // The second start is anywhere in the interval (here: 0 of it), so that checks part.
    expect(starts.map(({ at }) => at)).toEqual([0, 0, 1000, 2000, 3000])
  })

  test('hurries as soon as a result contradicts the verdict, both ways', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    monitor.set(want(['a', {}]))
    await time.until(1000)
    answers.set('a', refused)
    await time.until(3000)
    answers.set('a', pass)
    await time.until(6000)
    expect(verdicts).toEqual(['0 a unknown>up', '2400 a up>down', '4600 a down>up'])
  })

  test('ends an attempt at its timeout and counts it', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    answers.set('a', undefined)
    monitor.set(want(['a', { timeout: 300 }]))
    await time.until(299)
    expect(verdicts).toEqual([])
    await time.until(300)
    expect(verdicts).toEqual(['300 a unknown>down'])
    expect(monitor.report('a')?.results[0]).toMatchObject({ latency: 300, outcome: timeout })
  })

  test('does not take its own standstill for the silence of a server', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    answers.set('a', undefined)
    monitor.set(want(['a', { timeout: 300 }]))
    await time.until(120)
    time.stall(5000)
    await time.until(5120 + 170)
    expect(verdicts).toEqual([])
    await time.until(5120 + 300)
    expect(verdicts).toHaveLength(1)
    expect(monitor.metrics().stalled).toBeGreaterThan(4900)
  })

  test('ends an attempt in time although every turn of its loop comes late', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    answers.set('a', undefined)
    monitor.set(want(['a', { timeout: 1000 }]))
    for (let turn = 0; turn < 10; turn++) {
      await time.until(time.clock.now() + 60)
      time.stall(60)
    }
    await time.until(1100)
    expect(monitor.metrics().stalled).toBeGreaterThan(500)
    expect(verdicts).toEqual(['1000 a unknown>down'])
  })

  test('moves the deadline of an attempt once, however often it stood still', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    answers.set('a', undefined)
    monitor.set(want(['a', { timeout: 300 }]))
    await time.until(120)
    time.stall(400)
    await time.until(560)
    expect(verdicts).toEqual([])
    time.stall(400)
    await time.until(970)
    expect(verdicts).toHaveLength(1)
  })

  test('takes an answer that came while it stood still', async () => {
    let answer: (outcome: Outcome) => void = () => {}
    const { time, monitor, want, verdicts } = setup({
      probeFor: () => () =>
        new Promise(resolve => {
          answer = resolve
        }),
    })
    monitor.set(want(['a', { timeout: 300 }]))
    await time.until(120)
    time.stall(5000)
    // The poll phase comes before the deadline is judged.
    answer(pass)
    await time.until(5130)
    expect(verdicts).toEqual(['5120 a unknown>up'])
  })

  test('leaves the verdict alone when the trouble is its own', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    monitor.set(want(['a', {}]))
    await time.until(1000)
    answers.set('a', local)
    await time.until(60_000)
    expect(verdicts).toEqual(['0 a unknown>up'])
    expect(monitor.metrics().localErrors).toBeGreaterThan(20)
  })

  test('asks its surroundings whether a failure counts just now', async () => {
    let excuse: string | undefined
    const { time, answers, monitor, want, verdicts } = setup({ excuse: () => excuse })
    monitor.set(want(['a', {}]))
    await time.until(1000)
    answers.set('a', refused)
    excuse = 'eth0 has no carrier'
    await time.until(20_000)
    expect(verdicts).toHaveLength(1)
    expect(monitor.report('a')?.results.at(-1)?.outcome).toMatchObject({ reason: 'local-error', detail: excuse })
    excuse = undefined
    await time.until(40_000)
    expect(verdicts).toHaveLength(2)
  })

  test('starts from what the table assumes, and the first outcome decides', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    answers.set('b', refused)
    monitor.set(want(['a', {}, 'up'], ['b', {}, 'up']))
    expect(monitor.health('b')).toMatchObject({ verdict: 'up', provisional: true })
    expect(monitor.pending()).toBe(2)
    await time.until(10)
    expect(verdicts).toEqual(['0 b up>down'])
    expect(monitor.pending()).toBe(0)
  })

  test('changes what is named, and counts what has no result yet', async () => {
    const { time, monitor, want, starts } = setup()
    monitor.set(want(['a', { interval: 1000 }], ['b', { interval: 1000 }]))
    expect(monitor.pending()).toBe(2)
    await time.until(500)
    expect(monitor.pending()).toBe(0)
    monitor.change(['b'], want(['c', { interval: 1000 }], ['d', {}, 'up']))
    expect(monitor.pending()).toBe(2)
    monitor.change(['d'], want())
    expect(monitor.pending()).toBe(1)
    await time.until(1500)
    expect(monitor.pending()).toBe(0)
    expect(monitor.report('b')).toBeUndefined()
    const after = starts.filter(({ at }) => at >= 500).map(({ address }) => address)
    expect([...new Set(after)].sort()).toEqual(['a', 'c'])
  })

  test('goes on untouched with what a new configuration does not touch', async () => {
    const { time, answers, monitor, want, verdicts, starts } = setup()
    answers.set('b', refused)
    monitor.set(want(['a', {}], ['b', {}]))
    await time.until(1000)
    monitor.set(want(['b', {}], ['c', {}]))
    expect(monitor.health('a')).toBeUndefined()
    expect(monitor.health('b')).toEqual({ verdict: 'down', streak: 0 })
    await time.until(5000)
    expect(verdicts.filter(line => line.includes(' b '))).toHaveLength(1)
    expect(starts.filter(({ address }) => address === 'a').every(({ at }) => at <= 1000)).toBe(true)
    expect(starts.filter(({ address }) => address === 'b').map(({ at }) => at)).toEqual([0, 0, 2000, 4000])
  })

  test('keeps health and history when only the timing of a check was edited', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    answers.set('a', refused)
    const target = { address: 'a', port: 80 }
    monitor.set(want(['a', {}]))
    await time.until(1000)
    monitor.set(new Map([['other', { target, spec: checkSpec({ interval: 500 }) }]]))
    expect(monitor.health('other')).toEqual({ verdict: 'down', streak: 0 })
    await time.until(3000)
    expect(verdicts).toHaveLength(1)
    expect(monitor.report('other')?.results.length).toBeGreaterThan(3)
  })

  test('keeps no more attempts in flight than allowed, and tells how long the first in line waits', async () => {
    const { time, answers, monitor, want, most, starts } = setup({ maxInFlight: 2 })
    const names = ['a', 'b', 'c', 'd', 'e']
    for (const name of names) answers.set(name, undefined)
    monitor.set(want(...names.map((name): [string, Partial<CheckSpec>] => [name, { timeout: 100, interval: 10_000 }])))
    await time.until(50)
    expect(monitor.metrics()).toMatchObject({ inFlight: 2, queued: 3, queueAge: 50 })
    await time.until(400)
    expect(most()).toBe(2)
    expect(new Set(starts.map(({ address }) => address)).size).toBe(5)
  })

  test('takes new limits without a check losing its verdict, its place in line or its history', async () => {
    const { time, answers, monitor, want, most, verdicts } = setup({ maxInFlight: 1 })
    answers.set('slow', undefined)
    answers.set('slow too', undefined)
    const late = { timeout: 1000, interval: 60_000, fastInterval: 60_000, fall: 1 }
    monitor.set(want(['a', { interval: 60_000 }], ['slow', late], ['slow too', late]))
    await time.until(500)
    expect(monitor.health('a')).toEqual({ verdict: 'up', streak: 0 })
    expect(monitor.metrics()).toMatchObject({ inFlight: 1, queued: 2 })
    monitor.limit({ maxInFlight: 3, maxPrograms: 1, watchBudget: 0 })
    expect(monitor.metrics()).toMatchObject({ inFlight: 3, queued: 0 })
    expect(monitor.health('a')).toEqual({ verdict: 'up', streak: 0 })
    expect(monitor.report('a')?.results.length).toBeGreaterThan(0)
    expect(monitor.pending()).toBe(2)
    await time.until(1600)
    expect(most()).toBe(3)
    expect(verdicts.slice(1).map(line => line.split(' ')[0])).toEqual(['1000', '1500'])
  })

  test('after a sign of trouble checks at 0, 5, 20, 50, 100 and 200 ms, and a refusal is final', async () => {
    const { time, answers, monitor, want, verdicts, starts } = setup()
    monitor.set(want(['a', {}]))
    await time.until(1000)
    starts.length = 0
    monitor.hasty('a')
    await time.until(1300)
    expect(starts.map(({ at }) => at)).toEqual([1000, 1005, 1020, 1050, 1100, 1200])
    expect(verdicts).toHaveLength(1)
    monitor.hasty('a')
    await time.until(1310)
    answers.set('a', refused)
    await time.until(1400)
    expect(verdicts.at(-1)).toBe('1320 a up>down')
    expect(monitor.byWatch('a')).toBe(true)
    await time.until(5000)
    expect(monitor.byWatch('a')).toBe(false)
  })

  test('looks on after a connection that broke off, until somebody refuses', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    monitor.set(want(['a', {}]))
    await time.until(1000)
    answers.set('a', brokenOff)
    monitor.hasty('a')
    await time.until(1030)
    expect(verdicts).toHaveLength(1)
    answers.set('a', refused)
    await time.until(1060)
    expect(verdicts.at(-1)).toBe('1050 a up>down')
  })

  test('takes all connections that broke off in one hurry as one failure', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    monitor.set(want(['a', {}]))
    await time.until(1000)
    answers.set('a', brokenOff)
    monitor.hasty('a')
    await time.until(1210)
    expect(monitor.health('a')).toEqual({ verdict: 'up', streak: 1 })
    await time.until(3000)
    expect(verdicts.at(-1)).toBe('1600 a up>down')
  })

  test('makes the other checks of an address at once when one of them finds it unreachable', async () => {
    const { time, answers, monitor, want, starts } = setup()
    const slow = { interval: 60_000, fall: 2 }
    monitor.set(want(['first', { address: 'a', interval: 1000 }], ['second', { address: 'a', ...slow }], ['b', slow]))
    await time.until(1500)
    starts.length = 0
    answers.set('a', unreachable)
    await time.until(2050)
    expect(starts).toEqual([
      { at: 2000, address: 'a' },
      { at: 2000, address: 'a' },
    ])
    // One failure each: the second check hastens nothing back.
    expect(monitor.health('second')).toEqual({ verdict: 'up', streak: 1 })
    expect(monitor.health('first')).toEqual({ verdict: 'up', streak: 1 })
  })

  test('hastens them as after a dying connection, while they pass; none of them hastens back', async () => {
    const looks: string[] = []
    let blocked = false
    const { time, monitor, want } = setup({
      probeFor: spec => async () => {
        looks.push(`${time.clock.now()} ${spec.kind}`)
        return blocked && spec.kind === 'arp' ? unreachable : pass
      },
    })
    const often = { probe: { kind: 'arp' }, interval: 1000 } as const
    monitor.set(want(['first', { address: 'a', ...often }], ['second', { address: 'a', interval: 60_000 }]))
    await time.until(1500)
    looks.length = 0
    blocked = true
    await time.until(2190)
    expect(looks).toEqual(['2000 arp', ...[2000, 2005, 2020, 2050, 2100].map(at => `${at} tcp`)])
    await time.until(2450)
    expect(looks.slice(6)).toEqual(['2200 arp', '2200 tcp', '2400 arp'])
    // It has failed three times, and was never made for the sake of the other.
    expect(monitor.health('first')?.verdict).toBe('down')
    expect(monitor.health('second')).toEqual({ verdict: 'up', streak: 0 })
  })

  test('needs `fall` refusals at the fast interval where the check says that none is final', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    monitor.set(want(['a', { watch: { enabled: true, final: false } }]))
    await time.until(1000)
    answers.set('a', refused)
    monitor.hasty('a')
    await time.until(1399)
    expect(verdicts).toHaveLength(1)
    await time.until(2000)
    expect(verdicts.at(-1)).toBe('1400 a up>down')
  })

  test('takes a timeout after a sign of trouble as one failure like any other', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    monitor.set(want(['a', { timeout: 100 }]))
    await time.until(1000)
    answers.set('a', undefined)
    monitor.hasty('a')
    await time.until(1299)
    expect(verdicts).toHaveLength(1)
    await time.until(1500)
    expect(verdicts).toHaveLength(2)
  })

  test('looks once at an address that is there again, and one pass counts once', async () => {
    const { time, monitor, want, answers, starts, verdicts } = setup()
    answers.set('a', unreachable)
    answers.set('b', refused)
    monitor.set(want(['a', { interval: 9000, downInterval: 9000 }], ['b', { interval: 9000, downInterval: 9000 }]))
    await time.until(1000)
    starts.length = 0
    answers.set('a', pass)
    monitor.back('a')
    await time.until(3000)
    expect(starts.map(({ at, address }) => `${at} ${address}`)).toEqual(['1000 a', '1200 a'])
    expect(verdicts.at(-1)).toBe('1200 a down>up')
    // Up, and looked at as ever.
    monitor.back('a')
    await time.until(4000)
    expect(starts).toHaveLength(2)
  })

  test('holds a flapping server down for longer each time, and the first pass afterwards brings it back', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    const damping = { hold: 5000, max: 20_000, forget: 600_000 }
    monitor.set(want(['a', { rise: 1, fall: 1, interval: 100, fastInterval: 100, downInterval: 100, damping }]))
    const flap = async () => {
      answers.set('a', refused)
      await time.until(time.clock.now() + 500)
      const down = Number(verdicts.at(-1)?.split(' ')[0])
      expect(verdicts.at(-1)).toContain('up>down')
      answers.set('a', pass)
      await time.until(time.clock.now() + 60_000)
      expect(verdicts.at(-1)).toContain('down>up')
      return Number(verdicts.at(-1)?.split(' ')[0]) - down
    }
    await time.until(1000)
    expect(await flap()).toBeLessThanOrEqual(600)
    expect(await flap()).toBe(5000)
    expect(await flap()).toBe(10_000)
    expect(await flap()).toBe(20_000)
    expect(await flap()).toBe(20_000)
  })

  test('waits for an operator where the check says so', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    monitor.set(want(['a', { manualResume: true, interval: 500, downInterval: 500 }]))
    await time.until(1000)
    answers.set('a', refused)
    await time.until(5000)
    answers.set('a', pass)
    await time.until(60_000)
    expect(verdicts.at(-1)).toContain('up>down')
    expect(monitor.report('a')).toMatchObject({ held: 'manual-resume' })
    monitor.resume('a')
    await time.until(61_000)
    expect(verdicts.at(-1)).toContain('60000 a down>up')
  })

  test('waits for an operator over a restart, too', async () => {
    const { time, monitor, want, verdicts } = setup()
    monitor.set(want(['a', { manualResume: true }, 'down'], ['b', {}, 'down']))
    await time.until(20_000)
    expect(verdicts).toEqual(['0 b down>up'])
    expect(monitor.report('a')?.held).toBe('manual-resume')
    expect(monitor.pending()).toBe(0)
    monitor.resume('a')
    await time.until(21_000)
    expect(verdicts.at(-1)).toBe('20000 a down>up')
  })

  test('turns the result round where the check says invert', async () => {
    const { time, answers, monitor, want, verdicts } = setup()
    answers.set('a', refused)
    monitor.set(want(['a', { invert: true }], ['b', { invert: true }]))
    await time.until(100)
    expect(verdicts).toEqual(['0 a unknown>up', '0 b unknown>down'])
  })

  test('gives up an attempt that does not end with its signal, as trouble of its own', async () => {
    let late: ((outcome: Outcome) => void) | undefined
    const hangs = { passed: false, reason: 'bad-reply', layer: 'L7RSP' } as const
    const { time, monitor, want, verdicts } = setup({
      probeFor: () => () =>
        new Promise(resolve => {
          late ??= resolve
        }),
    })
    monitor.set(want(['a', { timeout: 300, interval: 60_000, fastInterval: 60_000 }]))
    await time.until(600)
    expect(monitor.metrics()).toMatchObject({ inFlight: 0, localErrors: 1 })
    late?.(hangs)
    await time.until(1000)
    expect(monitor.report('a')?.results).toHaveLength(1)
    expect(verdicts).toEqual([])
  })

  test('is silent after its end', async () => {
    const { time, answers, monitor, want, verdicts, starts } = setup()
    answers.set('a', undefined)
    monitor.set(want(['a', {}], ['b', {}]))
    await time.until(500)
    monitor.stop()
    const count = starts.length
    await time.until(60_000)
    expect(starts).toHaveLength(count)
    expect(verdicts).toEqual(['0 b unknown>up'])
  })
})
