/** Whether a virtual server has enough; `unknown` weight may still come up. Weights, not heads, as keepalived counts. */
export type QuorumInput = {
  readonly quorum: number
  readonly hysteresis: number
  /** Of all real servers, as configured: more than that can never be up. */
  readonly total: number
  readonly up: number
  readonly unknown: number
  readonly before: 'up' | 'down' | undefined
}

export type Quorum = {
  readonly state: 'up' | 'down'
  /** No verdict yet: what is unknown could make it up. Nothing is done about a quorum that may be there. */
  readonly pending: boolean
  /** As applied: never more than the total. */
  readonly quorum: number
}

/** Up at quorum + hysteresis, down below quorum - hysteresis, else as before; without a before, the bare quorum. */
export function judgeQuorum({ quorum: wanted, hysteresis, total, up, unknown, before }: QuorumInput): Quorum {
  const quorum = Math.min(wanted, total)
  if (wanted === 0) return { state: 'up', pending: false, quorum }
  const slack = before === undefined ? 0 : Math.min(hysteresis, Math.max(0, quorum - 1))
  const enough = up > 0 && up >= (before === 'up' ? quorum - slack : Math.min(total, quorum + slack))
  if (enough) return { state: 'up', pending: false, quorum }
  // Only before the first decision: later, an unknown server is one more that is not up.
  const pending = before !== 'up' && unknown > 0 && up + unknown >= quorum
  return { state: 'down', pending, quorum }
}

/** The last tier that is needed: tiers are opened in order until the weight up in them reaches the minimum. */
export function neededTier(
  servers: readonly { readonly tier: number; readonly up: number }[],
  minimum: number,
): number {
  const tiers = [...new Set(servers.map(server => server.tier))].sort((a, b) => a - b)
  let up = 0
  for (const tier of tiers) {
    for (const server of servers) if (server.tier === tier) up += server.up
    if (up >= Math.max(1, minimum)) return tier
  }
  // Nobody suffices: everybody helps.
  return tiers.at(-1) ?? 0
}
