import type { Decoded } from './packet.js'

/** How many adverts of one address counted, by the form of their checksum. */
export type Sender = { readonly address: string } & Readonly<Record<Decoded['checksum'], number>>

/** Forged sources are without number: those that come after so many are one. */
const MOST = 16
const OTHERS = 'others'

/** Counts who is heard, and in which form: a director that hears only the other form of a peer may not be heard by it. */
export function senders() {
  const heard = new Map<string, Record<Decoded['checksum'], number>>()
  return {
    add(from: string, form: Decoded['checksum']): void {
      const address = heard.has(from) || heard.size < MOST ? from : OTHERS
      const counts = heard.get(address) ?? { 'pseudo-header': 0, plain: 0 }
      counts[form]++
      heard.set(address, counts)
    },
    read: (): readonly Sender[] => [...heard].map(([address, counts]) => ({ address, ...counts })),
  }
}
