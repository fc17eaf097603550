import { collectFacts } from '../doctor/collect.js'
import type { Facts } from '../doctor/facts.js'
import { type Finding, type Report, toReport } from '../doctor/finding.js'
import type { Half } from './half.js'
import { arp, vips, wayBack } from './verify-hidden.js'
import { listening } from './verify-listening.js'
import { natRoute, natVips } from './verify-nat.js'
import { tunnel } from './verify-tunnel.js'

/** Looks at this machine as a real server: what is wrong, and the commands that mend it, in a safe order. */
export function verifyRealServer(halves: readonly Half[]): Report {
  const vips = halves.flatMap(half => [...half.vips])
  return toReport(realServerFindings(collectFacts({ waysTo: vips }), halves))
}

/** Pure: the same for facts that were taken elsewhere. */
export function realServerFindings(facts: Facts, halves: readonly Half[]): Finding[] {
  return halves.flatMap(half =>
    half.mode === 'nat'
      ? [...natRoute(facts, half), ...natVips(facts, half), ...listening(facts, half)]
      : [
          ...tunnel(facts, half),
          ...arp(facts, half),
          ...vips(facts, half),
          ...wayBack(facts, half),
          ...listening(facts, half),
        ],
  )
}
