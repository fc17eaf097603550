import type { NeighbourState } from '../linux/watch-neighbours.js'

/** An address is hurried at most this often, ms: each attempt at a dead host makes its entry fail anew. */
const pause = 1_000

/**
 * What the kernel's neighbour table says first: an entry that fails hastens the checks of its address, while they still think it
 * up; one that is answered again after it was asked for, or had failed, hastens those that think it down.
 */
export function neighbourHurry(ports: {
  now(): number
  thinksUp(address: string): boolean
  /** It may be gone. */
  hasty(address: string): void
  /** It is there again. */
  back(address: string): void
}): (address: string, state: NeighbourState, before: NeighbourState | undefined) => void {
  const last = new Map<string, number>()
  return (address, state, before) => {
    if (state === 'answers' && (before === 'asked' || before === 'failed')) return ports.back(address)
    if (state !== 'failed' || !ports.thinksUp(address)) return
    const at = ports.now()
    if (at - (last.get(address) ?? Number.NEGATIVE_INFINITY) < pause) return
    last.set(address, at)
    ports.hasty(address)
  }
}
