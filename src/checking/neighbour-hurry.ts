import type { NeighbourState } from '../linux/watch-neighbours.js'

/** An address is hurried at most this often, ms: each attempt at a dead host makes its entry fail anew. */
const pause = 1_000

/** A neighbour entry that fails hastens the checks of its address, while they still think it up. */
export function neighbourHurry(
  now: () => number,
  thinksUp: (address: string) => boolean,
  hasty: (address: string) => void,
): (address: string, state: NeighbourState, before: NeighbourState | undefined) => void {
  const last = new Map<string, number>()
  return (address, state) => {
    if (state !== 'failed' || !thinksUp(address)) return
    const at = now()
    if (at - (last.get(address) ?? Number.NEGATIVE_INFINITY) < pause) return
    last.set(address, at)
    hasty(address)
  }
}
