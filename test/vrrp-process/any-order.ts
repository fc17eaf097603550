import { expect } from 'vitest'
import { random } from '../fakes/simulation.js'
import { until } from '../lab/harness.js'
import { createPair, now, signal, sleep } from './pair.js'

/** The kernel keeps a VIP for three seconds and its own clock's second; whoever hears of a restart waits for three seconds as well. */
const bound = 3_000 + 1_100 + 1_900

/**
 * Kills and stops the processes of the master in any order, the last of them at most 100 ms after the first: `runs` times, then the other director has the VIP alone.
 * For how long both had it, ms.
 */
export async function inAnyOrder(runs: number, seed: number): Promise<readonly number[]> {
  const rnd = random(seed)
  const pair = await createPair()
  const both: number[] = []
  try {
    const { d1, d2 } = pair
    await pair.up()
    for (let run = 0; run < runs; run++) {
      await until('the last process has started', () => d1.pids().spareCheckers !== undefined, 20_000)
      const order = Object.entries(d1.pids())
        .map(each => ({ each, key: rnd.between(0, 1) }))
        .sort((a, b) => a.key - b.key)
        .map(({ each: [role, pid] }) => ({ role, pid, how: rnd.chance(0.5) ? 'SIGKILL' : 'SIGSTOP' }) as const)
      const pause = rnd.between(0, 100 / order.length)
      const since = now()
      for (const { pid, how } of order) {
        signal(pid, how)
        await sleep(pause)
      }
      // What was started meanwhile is hit as well, as long as there is a parent to start it.
      for (const pid of Object.values(d1.pids())) signal(pid, 'SIGKILL')
      const story = JSON.stringify({ seed, run, order: order.map(({ role, how }) => `${role} ${how}`), pause })
      await until(`d2 has the VIP: ${story}`, () => d2.has(), bound)
      await until(`d1 has lost it: ${story}`, () => !d1.has(), Math.max(100, since + bound - now()))
      both.push(pair.both(since))
      await sleep(500)
      expect([d1.has(), d2.has()], story).toEqual([false, true])
      for (const { pid } of order) signal(pid, 'SIGKILL')
      d1.start()
      await until('d1 is master again', () => d1.has() && !d2.has(), 20_000)
    }
  } catch (error) {
    throw new Error(`${error}\n${pair.story()}`)
  } finally {
    await pair.down()
  }
  return both
}
