import type { DirectorConfig, RouterConfig } from '../config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { File } from '../schema/file.js'
import type { RouterFile } from '../schema/router.js'
import { family, formatDuration } from '../schema/values.js'
import type { Around } from './routers.js'

/** What cannot work, for one director; messages that hold for all of them are the same and reported once. */
export function routerRules(file: File, resolved: readonly RouterConfig[], { directors, node, report }: Around): void {
  for (const router of resolved) {
    const path: Path = ['virtual_routers', router.name]
    const given = file.virtual_routers?.[router.name]
    if (given === undefined) continue
    if (given.accept === false)
      report.error(
        'accept-false',
        [...path, 'accept'],
        'accept: false would drop the packets that the virtual servers are for',
        {
          suggestion: 'remove it: the VIPs of a load balancer always accept',
        },
      )
    version(path, router, given, report)
    addresses(path, router, given, directors, report)
    priorities(path, router, given, report)
    if (
      router.transport === 'unicast' &&
      router.peers.length === 0 &&
      (given.peers !== undefined || directors.length === 1)
    )
      report.error(
        'no-peers',
        [...path, 'transport'],
        `${router.name} is unicast, but ${node.name} has nobody to send to`,
        { suggestion: 'add a director, or peers' },
      )
    if (router.advertInterval > router.restartInterval)
      report.error(
        'restart-interval',
        [...path, 'restart_interval'],
        `restart_interval is shorter than advert_interval (${formatDuration(router.advertInterval)})`,
      )
  }
  collisions(file, resolved, report)
}

function version(path: Path, router: RouterConfig, given: RouterFile, report: Reporter): void {
  const at = [...path, given.advert_interval === undefined ? 'version' : 'advert_interval']
  const every = formatDuration(router.advertInterval)
  if (router.version === 2 && router.family === 6)
    report.error('version-family', [...path, 'version'], 'version 2 knows IPv4 only', { suggestion: 'version: 3' })
  if (router.version === 2 && router.advertInterval % 1000 !== 0)
    report.error(
      'version-interval',
      at,
      `advert_interval: ${every} needs version 3: version 2 knows whole seconds only`,
    )
  if (router.version === 3 && router.advertInterval > 40_950)
    report.error('version-interval', at, `advert_interval: ${every} is too long for version 3: at most 40950ms`)
  if (router.version === 3 && router.advertInterval % 10 !== 0)
    report.error('version-interval', at, `advert_interval: ${every} cannot be advertised: version 3 counts in 10ms`)
}

function addresses(
  path: Path,
  router: RouterConfig,
  given: RouterFile,
  directors: readonly DirectorConfig[],
  report: Reporter,
): void {
  if (router.vips.length === 0)
    report.warn(
      'no-vips',
      path,
      `the virtual router ${router.name} has no vips: nothing moves${router.excludedVips.length > 0 ? ' that is advertised' : ''}`,
      { at: 'key' },
    )
  if (router.vips.length > 255)
    report.error('too-many-vips', [...path, 'vips'], `an advert holds 255 addresses, not ${router.vips.length}`, {
      suggestion: 'put the others into excluded_vips',
      at: 'key',
    })
  for (const [index, vip] of router.vips.entries()) {
    const at = [...path, 'vips', index]
    if (family(vip.address) !== router.family)
      report.error(
        'vip-family',
        at,
        `${vip.address} is IPv${family(vip.address)}, the first VIP of ${router.name} is IPv${router.family}`,
        {
          suggestion: 'put it into excluded_vips, or into a virtual router of its own',
        },
      )
    const owners = directors.filter(director => director.addresses.includes(vip.address)).map(({ name }) => name)
    const owner = router.directors.find(({ priority }) => priority === 255)?.name
    for (const name of owners)
      if (name !== owner)
        report.error('vip-is-director', at, `${vip.address} is the own address of director ${name}`, {
          suggestion: 'a VIP is an address that no machine has of its own; an owner has priority 255',
        })
  }
  const loopback = given.interface === 'lo'
  if (loopback) report.error('interface-lo', [...path, 'interface'], 'adverts cannot be sent on lo')
  for (const [index, rule] of router.rules.entries())
    if (
      given.rules?.[index]?.family !== undefined &&
      given.rules[index]?.family !== 4 &&
      given.rules[index]?.family !== 6
    )
      report.error('out-of-range', [...path, 'rules', index, 'family'], `family: expected 4 or 6, found ${rule.family}`)
}

function priorities(path: Path, router: RouterConfig, given: RouterFile, report: Reporter): void {
  const owners = router.directors.filter(({ priority }) => priority === 255)
  if (owners.length > 1)
    report.error(
      'two-owners',
      path,
      `${owners.map(({ name }) => name).join(' and ')} both have priority 255 in ${router.name}`,
      {
        suggestion: 'at most one director can own the addresses',
        at: 'key',
      },
    )
  const byPriority = new Map<number, string[]>()
  for (const { name, priority } of router.directors)
    byPriority.set(priority, [...(byPriority.get(priority) ?? []), name])
  for (const [priority, names] of byPriority)
    if (names.length > 1 && priority !== 255)
      report.warn(
        'equal-priority',
        [...path, ...(given.priorities === undefined ? [] : ['priorities'])],
        `${names.join(' and ')} have the same priority ${priority} in ${router.name}: the higher address decides`,
        { at: 'key' },
      )
  const weighted = [
    router.track.interfaces,
    router.track.scripts,
    router.track.files,
    router.track.processes,
    router.track.virtualServers,
  ]
    .flat()
    .concat(router.track.gateway ?? [])
    .some(({ weight }) => weight !== 0)
  if (owners.length > 0 && weighted)
    report.error(
      'owner-weights',
      [...path, 'track'],
      `${owners[0]?.name} owns the addresses of ${router.name} (priority 255): weights cannot move its priority`,
      { at: 'key' },
    )
}

/** The director that holds a router when all is well. */
function best(router: RouterConfig | undefined): string {
  const [first] = [...(router?.directors ?? [])].sort((a, b) => b.priority - a.priority)
  return first?.name ?? ''
}

function collisions(file: File, resolved: readonly RouterConfig[], report: Reporter): void {
  const vrids = new Map<string, string>()
  const vips = new Map<string, string>()
  const macvlans = new Map<string, string>()
  const groups = new Map<string, string[]>()
  for (const router of resolved) {
    const path: Path = ['virtual_routers', router.name]
    const id = `${router.interface} ${router.family} ${router.transport} ${router.vrid}`
    const other = vrids.get(id)
    if (other !== undefined)
      report.error(
        'vrid-collision',
        [...path, 'vrid'],
        `vrid ${router.vrid} is taken on ${file.virtual_routers?.[router.name]?.interface} by ${other}`,
      )
    else vrids.set(id, router.name)
    for (const key of ['vips', 'excludedVips'] as const)
      for (const [index, vip] of router[key].entries()) {
        const earlier = vips.get(vip.address)
        if (earlier !== undefined)
          report.error(
            'duplicate-vip',
            [...path, key === 'vips' ? 'vips' : 'excluded_vips', index],
            earlier === router.name
              ? `${vip.address} stands twice in ${router.name}`
              : `${vip.address} belongs to ${earlier} already`,
          )
        else vips.set(vip.address, router.name)
      }
    if (router.virtualMac !== undefined) {
      const earlier = macvlans.get(router.virtualMac.interface)
      if (earlier !== undefined)
        report.error(
          'virtual-mac-name',
          [...path, 'virtual_mac'],
          `the macvlan ${router.virtualMac.interface} belongs to ${earlier} already`,
          { suggestion: 'name it: virtual_mac: { interface: ... }', at: 'key' },
        )
      else macvlans.set(router.virtualMac.interface, router.name)
    }
    if (router.syncGroup !== undefined)
      groups.set(router.syncGroup, [...(groups.get(router.syncGroup) ?? []), router.name])
  }
  for (const [group, members] of groups) {
    const preferred = members.map(name => `${name} ${best(resolved.find(router => router.name === name))}`)
    if (new Set(preferred.map(text => text.split(' ')[1])).size > 1)
      report.error(
        'sync-group-order',
        ['virtual_routers', members[0] ?? '', 'sync_group'],
        `the routers of the sync group ${group} prefer different directors: ${preferred.join(', ')}`,
        { suggestion: 'give them the same order of priorities: they change state together' },
      )
    if (members.length === 1)
      report.warn(
        'lonely-sync-group',
        ['virtual_routers', members[0] ?? '', 'sync_group'],
        `${members[0]} is alone in the sync group ${group}`,
      )
  }
}
