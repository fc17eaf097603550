/**
 * Lets the first of each kind pass, then one a minute. Answers how many were left out since the last that passed, or undefined:
 * be quiet. Kinds may come off the wire, so their number is bounded.
 */
export function quiet(now: () => number, pause = 60_000, most = 256): (kind: string) => number | undefined {
  const known = new Map<string, { until: number; left: number }>()
  return kind => {
    const before = known.get(kind)
    if (before && now() < before.until) {
      before.left++
      return undefined
    }
    if (known.size >= most) known.clear()
    known.set(kind, { until: now() + pause, left: 0 })
    return before?.left ?? 0
  }
}
