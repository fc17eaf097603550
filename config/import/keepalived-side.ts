import type { Report } from './finding.js'
import { openBlock, reportUnsupported } from './keepalived-block.js'
import { type Globals, readGlobals } from './keepalived-globals.js'
import { readGroup, type Target, targetKeys } from './keepalived-group.js'
import { type LineOptions, readPieces } from './keepalived-lines.js'
import { type Node, parsePieces } from './keepalived-parse.js'
import { type Router, readRouter } from './keepalived-router.js'
import { rulePreferences } from './keepalived-routes.js'
import { readService, type Service } from './keepalived-service.js'
import { joinGroups, readSyncGroup, type SyncGroup } from './keepalived-sync-group.js'
import { readTrackers, type Tracker, trackerKinds } from './keepalived-trackers.js'
import { type Entries, mapOf } from './yaml-writer.js'

/** One director's file, as keepalived runs it. */
export type Side = {
  readonly file: string
  readonly globals: Globals
  readonly trackers: readonly Tracker[]
  readonly routers: readonly Router[]
  readonly groups: readonly SyncGroup[]
  readonly groupOf: ReadonlyMap<string, string>
  readonly services: readonly Service[]
  readonly root: readonly Node[]
  /** Comments below the last statement. */
  readonly last: readonly string[]
  /** false: not one statement was recognised. */
  readonly readable: boolean
}

/** Reads one file (and what it includes) the way keepalived does. */
export function readSide(file: string, text: string, options: LineOptions, report: Report): Side {
  const { pieces, last } = readPieces(file, text, options, report)
  const root = parsePieces(pieces, report)
  const globals = readGlobals(root, report)
  const trackers = readTrackers(globals, report)
  const later = new Set(
    root.flatMap(node => (trackerKinds[node.keyword] ? `${trackerKinds[node.keyword]} ${node.args[0]}` : [])),
  )
  const preferences = rulePreferences(root)
  const targets = readTargetGroups(root, report)
  const tls = readTls(root, report)
  const routers: Router[] = []
  const groups: SyncGroup[] = []
  const services: Service[] = []
  let files = new Map<string, string>()
  for (const node of root) {
    const context = { globals, trackers, later, preferences, report }
    if (trackerKinds[node.keyword]) {
      trackers.add(node)
      files = filePaths(trackers.all())
    } else if (node.keyword === 'vrrp_instance') addRouter(readRouter(node, context), routers, report)
    else if (node.keyword === 'vrrp_sync_group') groups.push(readSyncGroup(node, context))
    else if (node.keyword === 'virtual_server') {
      const found = readService(node, { groups: targets, files, tls, mailServices: globals.mailServices, report })
      if (found) addService(found, services, report)
    } else if (!['global_defs', 'virtual_server_group', 'SSL'].includes(node.keyword)) reportUnsupported(node, report)
  }
  const joined = joinGroups(routers, groups, report)
  return { file, globals, trackers: trackers.all(), ...joined, groups, services, readable: root.length > 0, root, last }
}

function addRouter(router: Router | undefined, routers: Router[], report: Report): void {
  if (!router) return
  const twin = routers.find(other => other.name === router.name)
  if (twin)
    return report(
      router.node,
      'trap',
      'defined-twice',
      `keepalived has an instance "${router.name}" already (line ${twin.node.line}) and skips this one.`,
      'Left out.',
    )
  const rival = routers.find(
    other =>
      other.vrid === router.vrid &&
      other.interface === router.interface &&
      other.family === router.family &&
      other.peers.length > 0 === router.peers.length > 0,
  )
  if (rival)
    return report(
      router.node,
      'lost',
      'vrid-collision',
      `${rival.name} has the vrid ${router.vrid} on ${router.interface} already.`,
      'Left out: give it another virtual_router_id on both directors.',
    )
  const taken = new Map(
    routers.flatMap(other => [...other.vips, ...other.excluded].map(vip => [vip.address, other.name])),
  )
  const free = (vip: Router['vips'][number]) => {
    const owner = taken.get(vip.address)
    taken.set(vip.address, owner ?? router.name)
    if (owner === undefined) return true
    report(
      vip.node,
      owner === router.name ? 'trap' : 'lost',
      'duplicate-vip',
      `${vip.address} belongs to ${owner} already.`,
      'Left out here.',
    )
    return false
  }
  routers.push({ ...router, vips: router.vips.filter(free), excluded: router.excluded.filter(free) })
}

function addService(service: Service, services: Service[], report: Report): void {
  const own = serviceKeys(service)
  const index = services.findIndex(other => serviceKeys(other).some(key => own.includes(key)))
  const twin = services[index]
  if (!twin) return void services.push(service)
  if (serviceKeys(twin).sort().join() !== own.sort().join())
    return report(
      service.node,
      'lost',
      'duplicate-service',
      `Overlaps with line ${twin.node.line}: keepalived lets the two overwrite each other.`,
      'Left out: give each address and port to one virtual server.',
    )
  // In the kernel it is one service, with the settings of the first and the real servers of both.
  const known = new Set(twin.realServers.map(({ address, port }) => `${address} ${port ?? ''}`))
  const more = service.realServers.filter(({ address, port }) => !known.has(`${address} ${port ?? ''}`))
  report(
    service.node,
    'trap',
    'duplicate-service',
    `The same virtual server stands in line ${twin.node.line} too: in the kernel it is one, with the settings of the first and the real servers of both.`,
    'The YAML has one, with the real servers of both.',
  )
  services[index] = { ...twin, realServers: [...twin.realServers, ...more] }
}

export function serviceKeys(service: Service): string[] {
  return service.targets.flatMap(target =>
    targetKeys(target).map(key => (target.kind === 'mark' ? key : `${service.protocol} ${key}`)),
  )
}

function readTargetGroups(root: readonly Node[], report: Report): ReadonlyMap<string, readonly Target[]> {
  const blocks = root.filter(({ keyword }) => keyword === 'virtual_server_group')
  const names = [...new Set(blocks.map(node => node.args[0] ?? ''))]
  const groups = new Map(
    names.map(name => [
      name,
      readGroup(
        blocks.filter(node => (node.args[0] ?? '') === name),
        report,
      ),
    ]),
  )
  const used = new Set(
    root.filter(node => node.keyword === 'virtual_server' && node.args[0] === 'group').map(node => node.args[1]),
  )
  for (const node of blocks)
    if (!used.has(node.args[0] ?? ''))
      report(node, 'trap', 'unused-group', 'No virtual_server names this group: it does nothing.', 'Left out.')
  return groups
}

function filePaths(trackers: readonly Tracker[]): Map<string, string> {
  return new Map(
    trackers.flatMap(({ kind, name, entry }) => {
      const path = entry.pairs.find(({ key }) => key === 'path')?.value
      return kind === 'files' && typeof path === 'string' ? [[name, path] as const] : []
    }),
  )
}

/** The one client certificate of every SSL_GET. */
function readTls(root: readonly Node[], report: Report): Entries | undefined {
  const node = root.find(({ keyword }) => keyword === 'SSL')
  if (!node) return undefined
  const block = openBlock(node, report)
  const certificate = block.one('certificate')?.args[0]
  const key = block.one('key')?.args[0]
  const ca = block.one('ca')
  const password = block.one('password')
  block.finish()
  if (ca)
    report(
      ca,
      'note',
      'tls-ca',
      'keepalived loads the authorities but verifies nothing with them.',
      'Write ca_file and verify: full where certificates are in order.',
    )
  if (password)
    report(
      password,
      'lost',
      'tls-password',
      'Password of the key.',
      'lvskeeper wants a key without password, readable by root only.',
    )
  if (!certificate?.startsWith('/') || !key?.startsWith('/')) return undefined
  return mapOf({ cert_file: certificate, key_file: key })
}
