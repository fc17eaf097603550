/** JSON with sorted keys: the same text for the same content, whatever the order it was written in. */
export function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const parts: string[] = []
  for (const key of Object.keys(value).sort()) {
    const entry = (value as Record<string, unknown>)[key]
    if (entry !== undefined) parts.push(`${JSON.stringify(key)}:${canonical(entry)}`)
  }
  return `{${parts.join(',')}}`
}
