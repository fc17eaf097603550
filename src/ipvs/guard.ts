import type { Millis } from './ports.js'

/**
 * The mass failure guard: when most real servers fall silent at once, the director itself is the likelier cause. Then
 * the table is held as it was for a while instead of emptying it.
 */

export type Guarded = {
  readonly service: string
  /** `address:port` as the file has it. */
  readonly server: string
  /**
   * Since when nothing at all has come back from it (timeout, unreachable); undefined: it answers, or its last answer
   * was a refusal, a reset or a wrong one, which all prove the path.
   */
  readonly silentSince?: Millis
}

/** What the director sees of its own network. undefined: not known, which proves nothing. */
export type Evidence = {
  /** Of the interfaces that lead to the real servers: are all of them up? */
  readonly links?: boolean
  readonly gateway?: boolean
  /** Neighbours that answered ARP or neighbour discovery before. */
  readonly neighbours?: { readonly known: number; readonly gone: number }
}

export type GuardState =
  | { readonly state: 'watching' }
  | { readonly state: 'holding'; readonly since: Millis; readonly until: Millis; readonly reason: string }
  /** It was held as long as allowed: the verdicts apply until most answer again. */
  | { readonly state: 'spent' }

export type GuardInput = {
  readonly servers: readonly Guarded[]
  readonly evidence: Evidence
  /** Longest check interval plus timeout: failures of one cause begin within it. */
  readonly window: Millis
  /** How long the table is held at most; 0: never. */
  readonly hold: Millis
}

const SERVERS = 10
const SERVICES = 3

export const watching: GuardState = { state: 'watching' }

/** One look. While the answer is `holding`, every silent real server counts as held (see `isHeld`). */
export function guard(state: GuardState, input: GuardInput, now: Millis): GuardState {
  if (input.hold === 0) return watching
  switch (state.state) {
    case 'watching': {
      const evidence = contradiction(input.evidence)
      const silent = silentTogether(input)
      if (!evidence || !isMass(silent, input.servers)) return state
      const reason = `${silent.length} of ${input.servers.length} real servers went silent at once, and ${evidence}`
      return { state: 'holding', since: now, until: now + input.hold, reason }
    }
    case 'holding':
      if (!isMostlySilent(input.servers)) return watching
      return now < state.until ? state : { state: 'spent' }
    case 'spent':
      return isMostlySilent(input.servers) ? state : watching
  }
}

/** Whether this real server stays in the table although its verdict is down. */
export function isHeld(state: GuardState, server: Pick<Guarded, 'silentSince'>): boolean {
  return state.state === 'holding' && server.silentSince !== undefined
}

/** Those that fell silent within one window of the latest: one that has been dead for hours is no part of it. */
function silentTogether({ servers, window }: GuardInput): Guarded[] {
  const latest = Math.max(...servers.map(server => server.silentSince ?? Number.NEGATIVE_INFINITY))
  return servers.filter(server => server.silentSince !== undefined && server.silentSince >= latest - window)
}

function isMass(silent: readonly Guarded[], all: readonly Guarded[]): boolean {
  const services = new Set(all.map(server => server.service))
  return all.length >= SERVERS && services.size >= SERVICES && silent.length > all.length / 2
}

function isMostlySilent(servers: readonly Guarded[]): boolean {
  return servers.filter(server => server.silentSince !== undefined).length > servers.length / 2
}

/** What speaks against the director itself; undefined: nothing does, so the real servers are to blame. */
function contradiction({ links, gateway, neighbours }: Evidence): string | undefined {
  if (links === false) return 'an interface towards them is down'
  if (gateway === false) return 'the gateway does not answer either'
  if (neighbours && neighbours.known > 0 && neighbours.gone > neighbours.known / 2)
    return `${neighbours.gone} of ${neighbours.known} neighbours are gone`
  return undefined
}
