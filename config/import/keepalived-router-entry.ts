import { commentsOf } from './keepalived-block.js'
import type { Garp } from './keepalived-globals.js'
import type { Router } from './keepalived-router.js'
import { trackEntry } from './keepalived-track.js'
import { duration } from './keepalived-values.js'
import type { Vip } from './keepalived-vip.js'
import { append, type Entries, entries, items, mapOf, put, type Value } from './yaml-writer.js'

export type Rename = (name: string) => string

/** A router's entry in the YAML, without what differs between directors (priority, peers). */
export function routerEntry(router: Router, rename: Rename, syncGroup: string | undefined): Entries {
  const entry = entries()
  const { keyComments, vips, excluded, garp } = router
  put(entry, 'vrid', router.vrid, keyComments['vrid'])
  put(entry, 'interface', rename(router.interface), keyComments['interface'])
  put(entry, 'version', router.version, keyComments['version'])
  put(entry, 'advert_interval', duration(router.advertInterval), keyComments['advert_interval'])
  put(
    entry,
    'preempt',
    typeof router.preempt === 'number' ? mapOf({ delay: duration(router.preempt) }) : router.preempt,
  )
  if (router.rfcChecksum && router.version === 3 && router.family === 4) put(entry, 'profile', 'rfc9568')
  if (router.password !== undefined) put(entry, 'authentication', mapOf({ pass: router.password }))
  if (vips.length > 0) put(entry, 'vips', vipList(vips, router, rename))
  if (excluded.length > 0) put(entry, 'excluded_vips', vipList(excluded, router, rename))
  put(entry, 'virtual_mac', router.virtualMac)
  put(entry, 'sync_group', syncGroup)
  put(entry, 'track', trackOf(router, rename))
  put(entry, 'routes', router.routes)
  put(entry, 'rules', router.rules)
  put(entry, 'garp', garpEntry(garp, router.family === 6 ? garp.neighbourInterval : garp.interval))
  return entry
}

function vipList(vips: readonly Vip[], router: Router, rename: Rename): Value {
  const list = items()
  for (const { address, prefix, interface: nic, node } of vips) {
    const text = `${address}/${prefix}`
    const elsewhere = nic !== undefined && nic !== router.interface
    append(list, elsewhere ? mapOf({ address: text, interface: rename(nic) }) : text, commentsOf(node))
  }
  return list
}

/** keepalived also tracks the interfaces that carry VIPs, but for those whose every VIP says no_track. */
function trackOf(router: Router, rename: Rename): Entries | undefined {
  const named = new Set(router.tracks.filter(track => track.kind === 'interfaces').map(track => track.name))
  const carriers = [...router.vips, ...router.excluded].flatMap(vip => (vip.untracked ? [] : (vip.interface ?? [])))
  const more = [...new Set(carriers)].filter(nic => nic !== router.interface && !named.has(nic))
  const tracks = [
    ...router.tracks.map(track => (track.kind === 'interfaces' ? { ...track, name: rename(track.name) } : track)),
    ...more.map(nic => ({
      kind: 'interfaces' as const,
      name: rename(nic),
      weight: 0,
      reverse: false,
      comments: {},
      node: router.node,
    })),
  ]
  return trackEntry(tracks, router.ownInterface)
}

function garpEntry(garp: Garp, interval = 0): Entries {
  const entry = entries()
  if (garp.repeat !== 5) put(entry, 'repeat', garp.repeat)
  if (garp.delay !== 5000) put(entry, 'delay', duration(garp.delay))
  put(entry, 'refresh', duration(garp.refresh))
  if (garp.refreshRepeat !== 1) put(entry, 'refresh_repeat', garp.refreshRepeat)
  if (garp.lowerRepeat !== undefined && garp.lowerRepeat !== garp.repeat)
    put(entry, 'lower_priority_repeat', garp.lowerRepeat)
  if (garp.lowerDelay !== undefined && garp.lowerDelay !== garp.delay)
    put(entry, 'lower_priority_delay', duration(garp.lowerDelay))
  // The YAML counts whole milliseconds.
  if (interval > 0) put(entry, 'interval', duration(Math.max(1, Math.round(interval))))
  return entry
}
