import { describe, expect, test } from 'vitest'
import { fakeSegment } from '../fakes/segment.js'
import { random } from '../fakes/simulation.js'

/** One random history of whole routers (packets, kernel answers, notes), not of the machine alone. */
async function history(seed: number) {
  const rnd = random(seed)
  const count = rnd.int(2, 4)
  const segment = fakeSegment(Array.from({ length: count }, () => rnd.int(1, 254)))
  const { directors, time } = segment
  for (const one of directors) one.start()
  let lost = 0
  segment.carry(() => (rnd.chance(lost) ? undefined : rnd.between(0.05, 5)))
  for (let i = 0; i < 25; i++) {
    await segment.until(time.now() + rnd.between(0, 300))
    const one = rnd.pick(directors)
    const handle = one.handle()
    const acts: (() => void)[] = [
      () => one.slow(rnd.pick([0, 0, 5, 40, 150])),
      () => one.refuse(rnd.chance(0.5) ? 'EPERM' : undefined),
      () => one.failSends(rnd.chance(0.5) ? 'ENOBUFS' : undefined),
      () => handle?.linkChanged('eth0', rnd.chance(0.5)),
      () => one.setSource(rnd.chance(0.3) ? undefined : one.config.peers.length > 0 ? one.address : undefined),
      () => handle?.vipLost('10.9.0.100'),
      () => void handle?.failover({ back: rnd.chance(0.5), author: 'x', lasting: rnd.chance(0.2) }),
      () => handle?.reconfigure({ ...one.config, priority: rnd.int(1, 254) }),
      () => handle?.reconfigure({ ...one.config, advertInterval: rnd.pick([50, 100, 200]) }),
      () => void handle?.leave(rnd.pick(['stop', 'restart'])),
      () => one.crash(),
      () => (one.handle() ? undefined : one.start({ ready: rnd.chance(0.5) })),
      () => {
        lost = rnd.pick([0, 0.1, 0.9])
      },
    ]
    rnd.pick(acts)()
  }
  // All is well again, and everybody runs anew or goes on.
  lost = 0
  for (const one of directors) {
    one.slow(0)
    one.refuse(undefined)
    one.failSends(undefined)
    one.setSource(one.address)
    if (!one.handle() || one.handle()!.status().state === 'init') one.start()
    one.handle()!.linkChanged('eth0', true)
    one.handle()!.ready(true)
    one.handle()!.reconfigure(one.config)
    void one.handle()!.failover({ back: true, author: 'x' })
  }
  // A refused claim is tried again after 5 s, 10 s, 20 s.
  await segment.until(time.now() + 40_000)
  const masters = segment.masters()
  const states = directors.map(one => one.handle()!.status())
  return { masters, holders: segment.holders(), states, notes: directors.map(one => one.notes) }
}

describe('whole routers, whatever happens to them', () => {
  test('end with one master, which holds the VIP alone', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const { masters, holders } = await history(seed)
      expect({ seed, masters: masters.length }).toEqual({ seed, masters: 1 })
      expect({ seed, holders }).toEqual({ seed, holders: masters })
    }
  })
  test('tell each change of state once as state and once as transition, in order', async () => {
    const { notes } = await history(99)
    for (const told of notes) {
      const states = told.flatMap(note => (note.type === 'state' ? [`${note.from} ${note.to} ${note.cause}`] : []))
      const stories = told.flatMap(note =>
        note.type === 'transition' ? [`${note.from} ${note.to} ${note.cause}`] : [],
      )
      expect(states.length).toBeGreaterThan(0)
      expect(stories).toEqual(states)
    }
  })
})
