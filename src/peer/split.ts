import type { Override } from '../messages.js'
import type { Datagram } from './datagram.js'
import type { PeerReport, PeerRouter } from './view.js'

/** Room for the MAC, the names and the numbers around the lists. */
const overhead = 450

/** What one round says, cut so that each part fits a datagram of at most `largest` bytes. At least one part. */
export function split(
  report: PeerReport,
  overrides: readonly Override[],
  largest: number,
): Pick<Datagram, 'report' | 'overrides' | 'routerCount'>[] {
  const parts: { routers: PeerRouter[]; overrides: Override[] }[] = []
  let room = 0
  const paths = JSON.stringify(report.brokenPaths ?? []).length

  function partFor(item: unknown) {
    const size = Buffer.byteLength(JSON.stringify(item)) + 1
    const last = parts.at(-1)
    if (last && size <= room) {
      room -= size
      return last
    }
    const fresh = { routers: [], overrides: [] }
    parts.push(fresh)
    room = largest - overhead - paths - size
    return fresh
  }

  for (const router of report.routers) partFor(router).routers.push(router)
  for (const override of overrides) partFor(override).overrides.push(override)
  if (parts.length === 0) parts.push({ routers: [], overrides: [] })
  return parts.map(part => ({
    report: { ...report, routers: part.routers },
    overrides: part.overrides,
    routerCount: report.routers.length,
  }))
}
