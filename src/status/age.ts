/** A span of time in one or two units, for people: `0.4s`, `12s`, `5m 3s`, `3h 20m`, `12d 4h`. */
export function age(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000
  if (seconds < 9.95) return `${seconds.toFixed(1).replace(/\.0$/, '')}s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole}s`
  if (whole < 3_600) return pair(whole, 60, 'm', 1, 's')
  if (whole < 86_400) return pair(whole, 3_600, 'h', 60, 'm')
  return pair(whole, 86_400, 'd', 3_600, 'h')
}

function pair(seconds: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((seconds % large) / small)
  return `${Math.floor(seconds / large)}${largeUnit}${rest > 0 ? ` ${rest}${smallUnit}` : ''}`
}
