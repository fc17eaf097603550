import type { RealServerInput, VirtualServerInput } from './inputs.js'
import { sameServer } from './same.js'

/** Whether both say the same of a virtual server, for callers that build their inputs anew each time. */
export function sameInput(a: VirtualServerInput, b: VirtualServerInput): boolean {
  if (a === b) return true
  if (a.servers.length !== b.servers.length) return false
  const { servers: before, ...rest } = a
  const { servers: after, ...others } = b
  return (
    JSON.stringify(rest) === JSON.stringify(others) &&
    before.every((server, i) => {
      const other = after[i]
      return other !== undefined && sameRealServer(server, other)
    })
  )
}

function sameRealServer(a: RealServerInput, b: RealServerInput): boolean {
  return (
    a.address === b.address &&
    a.port === b.port &&
    a.verdict === b.verdict &&
    a.inhibit === b.inhibit &&
    a.start === b.start &&
    (a.held ?? false) === (b.held ?? false) &&
    (a.tier ?? 0) === (b.tier ?? 0) &&
    a.upSince === b.upSince &&
    sameServer(a, b) &&
    a.override?.verb === b.override?.verb &&
    a.override?.weight === b.override?.weight &&
    a.override?.deadline === b.override?.deadline &&
    a.override?.inactive === b.override?.inactive &&
    a.wish?.weight === b.wish?.weight &&
    a.wish?.percent === b.wish?.percent &&
    a.wish?.state === b.wish?.state
  )
}
