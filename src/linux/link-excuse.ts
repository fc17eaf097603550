import type { Outcome, Target } from '../../checkers/ports.js'
import type { Links } from './links.js'
import { onLink } from './resolve.js'

/**
 * Why a failure at this target says nothing about the real server just now: the interface that leads to its network is
 * down or has no carrier. An answer, even a refusal, came from the other side and has no excuse.
 */
export function linkExcuse(links: Links): (target: Target, outcome: Outcome) => string | undefined {
  return ({ address }, outcome) => {
    if (outcome.passed || (outcome.reason !== 'timeout' && outcome.reason !== 'unreachable')) return undefined
    const name = address.split('%')[1] ?? onLink(links, address)
    const link = name === undefined ? undefined : links.byName(name)
    if (!link || link.running) return undefined
    return link.up ? `${link.name} has no carrier` : `${link.name} is down`
  }
}
