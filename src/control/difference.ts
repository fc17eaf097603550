import type { Keyed } from '../messages.js'

export type Difference = { readonly upsert: readonly Keyed[]; readonly remove: readonly string[] }

/** What a process that holds these hashes must be told, so that it holds what is wanted. */
export function difference(wanted: readonly Keyed[], holds: Readonly<Record<string, string>>): Difference {
  const keys = new Set(wanted.map(item => item.key))
  return {
    upsert: wanted.filter(item => holds[item.key] !== item.hash),
    remove: Object.keys(holds).filter(key => !keys.has(key)),
  }
}

export function isEmpty({ upsert, remove }: Difference): boolean {
  return upsert.length === 0 && remove.length === 0
}

/** Many small messages instead of one large: a receiver that decodes megabytes at once does nothing else meanwhile. */
export function* chunks({ upsert, remove }: Difference, size = 25): Generator<Difference> {
  if (remove.length > 0) yield { upsert: [], remove }
  for (let at = 0; at < upsert.length; at += size) yield { upsert: upsert.slice(at, at + size), remove: [] }
}
