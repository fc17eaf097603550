import type { StoredEvent } from '../events/store.js'
import type { RouterStatus } from '../messages.js'
import { type PeerView, unreadiness } from '../peer/view.js'
import { age } from './age.js'
import { eventLine } from './events-text.js'
import { oneLine } from './one-line.js'
import type { Paint } from './paint.js'
import type { ConfigStatus, Maintenance, Notice, ProcessStatus, Status } from './status.js'

/** A director as this one knows it; absent `peer`: it is this one. */
export type ExplainedDirector = {
  readonly name: string
  readonly peer?: PeerView
  readonly peerChannel: Status['peerChannel']
  /** Of the one that explains, to compare with. */
  readonly version: string
  readonly config: ConfigStatus
  readonly since: number
  readonly maintenance?: Maintenance
  readonly tableComplete: boolean
  readonly routers: readonly Pick<RouterStatus, 'name' | 'state' | 'priority'>[]
  readonly processes: readonly ProcessStatus[]
  readonly notices: readonly Notice[]
  readonly events: readonly StoredEvent[]
}

/** What a virtual router makes of something that it tracks. */
export type ExplainedTracked = {
  readonly source: string
  readonly router: string
  /** What it adds to the priority. Absent: the router is in fault because of it. */
  readonly value?: number
  readonly reason: string
}

/** The director that a name or an address of it means. @param known all of the file, for where the peer channel is off */
export function findDirector(
  status: Status,
  subject: string,
  known: readonly { readonly name: string; readonly addresses: readonly string[] }[],
  about: (subject: string) => readonly StoredEvent[],
): ExplainedDirector[] {
  const called = known.find(({ name, addresses }) => name === subject || addresses.includes(subject))
  const peer = status.peers.find(({ name, addresses }) => name === subject || addresses.includes(subject))
  const name = peer?.name ?? called?.name ?? subject
  if (!peer && !called && name !== status.node) return []
  const { peerChannel, version, config, since, maintenance, table, routers, processes } = status
  const other: PeerView | undefined =
    name === status.node ? undefined : (peer ?? { name, addresses: called?.addresses ?? [], state: 'never' })
  const concerned = `director ${name}`
  return [
    {
      ...{ name, peerChannel, version, config, since, routers, processes, tableComplete: table.complete },
      ...(other ? { peer: other } : {}),
      ...(maintenance ? { maintenance } : {}),
      notices: status.notices.filter(({ subject }) => subject === concerned),
      events: about(concerned),
    },
  ]
}

/** What virtual routers make of an interface, script, file, process or gateway: `eth1`, `interface eth1`. */
export function findTracked(routers: readonly RouterStatus[], subject: string): ExplainedTracked[] {
  const means = (source: string) => source === subject || source.slice(source.indexOf(' ') + 1) === subject
  return routers.flatMap(({ name, interface: link, faults, priority }) => {
    const own = `interface ${link}`
    const failing = faults.flatMap(fault => {
      const [source = '', ...rest] = fault === `${own} is down` ? [own, 'is down'] : fault.split(': ')
      return means(source) && rest.length > 0 ? [{ source, router: name, reason: rest.join(': ') }] : []
    })
    const counted = priority.contributions.filter(({ source }) => means(source)).map(one => ({ ...one, router: name }))
    const runs = means(own) && failing.length === 0 && counted.length === 0
    return [...failing, ...counted, ...(runs ? [{ source: own, router: name, value: 0, reason: 'it runs there' }] : [])]
  })
}

export function directorText(director: ExplainedDirector, now: number, paint: Paint): string[] {
  const { name, peer, notices, events } = director
  return [
    ...(peer ? otherLines(director, peer, now, paint) : ownLines(director, now, paint)),
    ...titled(
      'different from normal',
      notices.map(({ level, text }) => `${level} ${oneLine(text)}`),
    ),
    ...titled(
      'events',
      events.map(event => eventLine(event, paint)),
    ),
    ...(peer ? [`  on ${name}: lvskeeper status`] : []),
  ]
}

function ownLines(director: ExplainedDirector, now: number, paint: Paint): string[] {
  const { name, version, since, config, routers, processes, maintenance, tableComplete } = director
  const obstacles = [
    ...(maintenance ? ['in maintenance'] : []),
    ...(tableComplete ? [] : ['its table is not complete']),
    ...processes.filter(({ state }) => state !== 'running').map(({ role, state }) => `${role} is ${state}`),
  ]
  return [
    paint('bold', `director ${name}, this one: lvskeeper ${version}, up ${age(now - since)}`),
    obstacles.length === 0 ? '  could take over' : `  could not take over: ${obstacles.join(', ')}`,
    `  configuration ${config.hash.slice(0, 8)}, generation ${config.generation}, applied ${age(now - config.loadedAt)} ago from ${config.file}`,
    ...routers.map(({ name, state, priority }) => `  virtual router ${name}: ${state}, priority ${priority.effective}`),
    ...processes.map(({ role, state, pid, since, restarts }) => {
      const again = restarts === 0 ? '' : `, started again ${restarts} time${restarts === 1 ? '' : 's'}`
      return `  process ${role}: ${state} for ${age(now - since)}${pid === undefined ? '' : `, pid ${pid}`}${again}`
    }),
  ]
}

function otherLines(director: ExplainedDirector, peer: PeerView, now: number, paint: Paint): string[] {
  const { name, peerChannel } = director
  const { state, report, lastHeard, from, addresses } = peer
  const at = addresses.join(', ')
  if (peerChannel === 'off')
    return [
      paint('bold', `director ${name} (${at}): unknown, but for its adverts`),
      '  without peer_key_file the directors say nothing to each other',
    ]
  if (!report || lastHeard === undefined)
    return [
      paint('bold', `director ${name} (${at}): never heard since this director started`),
      '  is lvskeeper running there, with the same peer key, and may its datagrams pass?',
    ]
  const heard = `last heard ${age(now - lastHeard)} ago${from === undefined ? '' : ` from ${from}`}`
  return [
    paint('bold', `director ${name} (${at}): ${state === 'silent' ? 'silent, ' : ''}${heard}`),
    ...(state === 'silent' ? ['  not ready: silent. What it said last:'] : [`  ${readiness(peer)}`]),
    `  lvskeeper ${report.version}${report.version === director.version ? ', as here' : `, here ${director.version}`}`,
    `  ${configuration(director, peer, now)}`,
    `  table ${report.tableReady ? 'complete' : 'not complete'}${report.syncReady ? '' : ', connection sync does not run'}`,
    ...(report.maintenance ? ['  in maintenance'] : []),
    ...report.routers.map(({ name, state, priority }) => `  virtual router ${name}: ${state}, priority ${priority}`),
    ...(report.brokenPaths?.length ? [`  finds ${report.brokenPaths.length} clients' paths broken`] : []),
  ]
}

function configuration(
  { config }: ExplainedDirector,
  { report, mismatchSince, secretsDiffer }: PeerView,
  now: number,
): string {
  const same = report?.configHash === config.hash
  const since = mismatchSince === undefined ? '' : ` for ${age(now - mismatchSince)}`
  const compared = same
    ? secretsDiffer
      ? 'as here, but its secrets differ'
      : 'as here'
    : `here ${config.hash.slice(0, 8)}: they differ${since}`
  return `configuration ${report?.configHash.slice(0, 8)}, generation ${report?.generation}; ${compared}`
}

/** Whether a director could take over now, or why not. */
export function readiness(peer: PeerView): string {
  const why = unreadiness(peer)
  if (why === undefined || peer.state !== 'fresh') return why ?? 'ready'
  return `not ready: ${why}`
}

export function trackedText({ source, router, value, reason }: ExplainedTracked): string {
  const does = value === undefined ? 'puts it in fault' : `${value < 0 ? '-' : '+'} ${Math.abs(value)}`
  return `${source}, for virtual router ${router}: ${does} (${oneLine(reason)})  -> lvskeeper explain ${router}`
}

function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`  ${title}`, ...lines.map(line => `    ${line}`)]
}
