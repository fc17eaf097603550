import type { ManagerState } from '../ipvs/manager.js'

type Millis = number

export interface ReadinessPorts {
  readonly now: () => Millis
  say(ready: boolean): void
}

export type Progress = {
  /** It has been told what shall run. */
  readonly configured: boolean
  /** What the other directors' operators said at run time is known here too. */
  readonly learned: boolean
  /** A director without virtual servers needs none: VRRP alone runs on a kernel without IPVS, too. */
  readonly needsTable: boolean
  readonly table: Pick<ManagerState, 'complete' | 'asked' | 'answered' | 'ordered'> | undefined
  /** The kernel refuses the table, or a part of it. */
  readonly refused: boolean
  /** The kernel refuses connection sync, which is wanted: connections that another director began would end here. */
  readonly unsynced?: boolean
  /** Checks without a first result of their own. */
  readonly pending: number
}

/** Without another first verdict for so long, whatever is still unknown, the director takes part in the election (DESIGN invariant 7). */
const readyAnyway: Millis = 10_000
/** A control process that does not even say that nobody is there to tell of overrides keeps nobody waiting. */
const longestLearning: Millis = 15_000
/** After this it is waited for no longer, whatever it says. */
export const slowestStart: Millis = 300_000

/**
 * Whether this director may pre-empt: every check has its first result, the kernel holds what follows from them, and connections are told
 * to it. A table whose verdicts never rest is ready all the same: what counts are the looks asked for when the last first verdict came, not
 * later ones. Sync that is refused is waited for like a table that is: vrrp does so for 10 s, and only where another is master.
 */
export function createReadiness({ now, say }: ReadinessPorts) {
  const startedAt = now()
  let ready = false
  let synced = true
  let said: boolean | undefined
  let unreadySaidAt = startedAt - 1_000
  /** How many first verdicts were missing at the least, since when, and how many looks had been asked for then. */
  let missing = Number.POSITIVE_INFINITY
  let missingSince = startedAt
  let looks = 0

  /**
   * vrrp leaves a lesser master alone for 10 s after it last heard that the table is not complete: as long as this process gets on with it,
   * it says so every second, also in the midst of what takes longer than that.
   */
  function working(): void {
    const at = now()
    if ((ready && synced) || at - startedAt > slowestStart || at - unreadySaidAt < 1_000) return
    unreadySaidAt = at
    said = false
    say(false)
  }

  return {
    /** The table is complete, whatever becomes of connection sync. */
    ready: () => ready,
    working,
    look({ configured, learned, needsTable, table, refused, unsynced, pending }: Progress): void {
      const known = learned || now() - startedAt > longestLearning
      const complete = configured && known && (!needsTable || table?.complete === true)
      if (complete && pending < missing) {
        missing = pending
        missingSince = now()
        looks = table?.asked ?? 0
      }
      const longEnough = now() - missingSince > readyAnyway
      // An order that waits for verdicts that never rest is not waited for, either.
      const held = !needsTable || ((table?.answered ?? -1) >= looks && (table?.ordered || longEnough))
      ready = complete && (ready || (held && (pending === 0 || longEnough)))
      const getsOn = complete && held ? missingSince > unreadySaidAt : !refused
      synced = !needsTable || unsynced !== true
      if (!ready && getsOn) working()
      const able = ready && synced
      if (able === said) return
      said = able
      say(able)
    },
    /** Who hears it has started anew. */
    again(): void {
      said = undefined
    },
  }
}
