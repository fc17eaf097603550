import type { Datagram } from './datagram.js'

/** What is remembered of one sender to tell new datagrams from old ones played again. */
export type Acceptance = {
  /** The present boot of the sender, and the highest number of it. */
  readonly current?: { readonly boot: string; readonly seq: number }
  /** Boots that ended: nothing of theirs is believed again. */
  readonly past: readonly string[]
  /** Boots heard lately, for the echo: also of one that cannot be believed yet. */
  readonly heard: readonly string[]
}

export type Judgement = 'accepted' | 'duplicate' | 'replayed' | 'unproven'

export const stranger: Acceptance = { past: [], heard: [] }

const mostPast = 1_000

/**
 * Whether a datagram is new. Clocks need not agree: one is believed only if it echoes a value that we drew at our own
 * start (so it was not made before), comes from a boot of the sender that has not ended, and is numbered higher than
 * the last. Pure.
 * @param boot our own
 */
export function accept(
  known: Acceptance,
  { boot: sender, seq, echo }: Datagram,
  boot: string,
): [Acceptance, Judgement] {
  if (known.past.includes(sender)) return [known, 'replayed']
  // The genuine boot stays in the echo beside a newcomer: an old datagram played again cannot push it out.
  const heard = [known.current?.boot, sender].filter((each, at, all) => each !== undefined && all.indexOf(each) === at)
  const next = { ...known, heard: heard as string[] }
  if (!echo.includes(boot)) return [next, 'unproven']
  if (known.current?.boot !== sender) {
    const past = known.current ? [...known.past, known.current.boot].slice(-mostPast) : known.past
    return [{ past, current: { boot: sender, seq }, heard: [sender] }, 'accepted']
  }
  if (seq <= known.current.seq) return [known, seq === known.current.seq ? 'duplicate' : 'replayed']
  return [{ ...next, current: { boot: sender, seq } }, 'accepted']
}
