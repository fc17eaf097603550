import type { Clock } from './ports.js'
import { type Sample, type Standing, standing } from './tracking.js'
import type { VirtualRouter } from './virtual-router.js'

/** Remembers the last word on each tracked thing. `lapsed` is called when one has been unknown for too long. */
export function tracker(clock: Clock, lapsed: () => void) {
  const startedAt = clock.now()
  const samples = new Map<string, Sample>()
  let cancel = () => {}

  return {
    contribution(source: string, state: boolean | number | undefined, reason: string) {
      const before = samples.get(source)
      if (state !== undefined) samples.set(source, { state, reason })
      else if (before?.unknownSince === undefined)
        samples.set(source, { state: before?.state, reason, unknownSince: clock.now() })
    },
    /** Interfaces are heard of from the kernel itself; everything else came from those who are gone. */
    lost() {
      for (const [source, sample] of samples)
        if (!source.startsWith('interface ') && sample.unknownSince === undefined)
          samples.set(source, { ...sample, unknownSince: clock.now() })
    },
    /** Returns whether it was known to be down before. */
    link(name: string, up: boolean): boolean {
      const key = `interface ${name}`
      const before = samples.get(key)
      // One that is down when first heard of has not gone down.
      const downSince = before?.state === true ? clock.now() : before?.downSince
      const down: Sample = { state: false, reason: 'down', ...(downSince === undefined ? {} : { downSince }) }
      samples.set(key, up ? { state: true, reason: 'up' } : down)
      return before?.state === false
    },
    stand(router: VirtualRouter): Standing {
      cancel()
      const result = standing(router, samples, startedAt, clock.now())
      cancel = result.recheckAt === undefined ? () => {} : clock.at(result.recheckAt, lapsed)
      return result
    },
    stop: () => cancel(),
  }
}
