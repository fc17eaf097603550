const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `1.5h`, `2d` -> milliseconds; undefined when it is nothing of the kind. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  const size = units[unit ?? '']
  return size === undefined ? undefined : Math.round(Number(digits) * size)
}
