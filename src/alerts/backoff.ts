const first = 1_000
const longest = 5 * 60_000

/**
 * How long to wait before the next attempt, in ms: doubles from one second to five minutes, spread over its upper half
 * so that two directors do not knock together. A receiver's own wish wins, up to the longest wait.
 * @param attempts failures in a row, at least 1
 * @param random 0..1
 */
export function backoff(attempts: number, random: number, wish?: number): number {
  if (wish !== undefined) return Math.min(Math.max(wish, first), longest)
  const ceiling = Math.min(longest, first * 2 ** Math.min(attempts - 1, 20))
  return ceiling / 2 + (ceiling / 2) * random
}
