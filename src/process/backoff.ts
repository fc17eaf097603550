/** How long to wait before a child that died is started again, in ms: twice in a minute at once, then after 1, 2, 4 .. 10 s. */
export function restartDelay(deaths: readonly number[], now: number): number {
  const recent = deaths.filter(at => now - at < 60_000).length
  return recent <= 2 ? 0 : Math.min(10_000, 1_000 * 2 ** (recent - 3))
}
