import { afterEach, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { createPair, now, type Pair, signal, sleep } from './pair.js'

describe('a director under pressure', () => {
  let pair: Pair
  beforeEach(async () => {
    pair = await createPair()
    await pair.up()
    onTestFailed(() => console.log(pair.story()))
  }, 60_000)
  afterEach(() => pair.down())

  test('that is frozen for half a second every five seconds as a backup never takes over', async () => {
    const { d1, d2, wire } = pair
    const since = now()
    for (let run = 0; run < 4; run++) {
      const { parent, vrrp } = d2.pids()
      for (const pid of [parent, vrrp]) signal(pid, 'SIGSTOP')
      await sleep(500)
      for (const pid of [vrrp, parent]) signal(pid, 'SIGCONT')
      await sleep(run === 3 ? 2_000 : 4_500)
    }
    expect(wire.adverts(d2.address).filter(({ at }) => at > since)).toEqual([])
    expect(await d1.state()).toBe('master')
    // It was frozen indeed.
    expect((await d2.status())?.processes.find(({ role }) => role === 'vrrp')?.lag).toBeGreaterThan(400)
  }, 60_000)
})
