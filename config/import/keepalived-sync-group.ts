import type { Report } from './finding.js'
import { openBlock } from './keepalived-block.js'
import { type Notify, readNotifies } from './keepalived-notify.js'
import type { Node } from './keepalived-parse.js'
import type { Router, RouterContext } from './keepalived-router.js'
import { readTracks, type Track } from './keepalived-track.js'
import { bool } from './keepalived-values.js'

export type SyncGroup = {
  readonly node: Node
  readonly name: string
  readonly members: readonly string[]
  readonly tracks: readonly Track[]
  readonly notifies: readonly Notify[]
  readonly mail: boolean
  readonly keepWeights: boolean
}

/** One vrrp_sync_group. */
export function readSyncGroup(node: Node, { globals, trackers, later, report }: RouterContext): SyncGroup {
  const block = openBlock(node, report)
  const name = node.args[0] ?? 'group'
  const members = block.all('group').flatMap(list => list.children.flatMap(child => [...child.args]))
  const tracks = readTracks(block, trackers, later, report)
  const notifies = readNotifies(block, 'GROUP', name, 0, report)
  const mail = bool(block.one('smtp_alert'), report) ?? globals.mailRouters
  const keepWeights = block.all('sync_group_tracking_weight').length > 0 || block.all('global_tracking').length > 0
  block.finish()
  return { node, name, members, tracks, notifies, mail, keepWeights }
}

/** Routers as they are inside their group: what the group tracks counts for each, own weights do not. */
export function joinGroups(
  routers: readonly Router[],
  groups: readonly SyncGroup[],
  report: Report,
): { readonly routers: readonly Router[]; readonly groupOf: ReadonlyMap<string, string> } {
  const groupOf = new Map<string, string>()
  const known = new Set(routers.map(router => router.name))
  for (const group of groups) {
    for (const name of group.members) {
      if (!known.has(name))
        report(
          group.node,
          'trap',
          'unknown-member',
          `There is no instance "${name}": keepalived leaves it out of the group.`,
          'Left out.',
        )
      else if (groupOf.has(name))
        report(
          group.node,
          'trap',
          'two-groups',
          `${name} is in the group ${groupOf.get(name)} already.`,
          'Left out of this one.',
        )
      else groupOf.set(name, group.name)
    }
    if (group.members.length === 1)
      report(
        group.node,
        'trap',
        'lonely-group',
        'A group of one synchronises nothing.',
        'The YAML has it all the same.',
      )
  }
  const joined = routers.map(router => {
    const group = groups.find(({ name }) => name === groupOf.get(router.name))
    return group ? inGroup(router, group, report) : router
  })
  return { routers: joined, groupOf }
}

function inGroup(router: Router, group: SyncGroup, report: Report): Router {
  const own = router.tracks.filter(track => {
    if (group.keepWeights || track.weight === 0) return true
    report(
      track.node,
      'trap',
      'sync-group-weight',
      `Inside the sync group ${group.name} keepalived ignores what is tracked with a weight.`,
      'Left out, as keepalived does it.',
    )
    return false
  })
  const more = group.tracks.filter(track => !own.some(other => other.kind === track.kind && other.name === track.name))
  return { ...router, tracks: [...own, ...more] }
}
