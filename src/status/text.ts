import { serverKey, serviceKey } from '../ipvs/table.js'
import type { RealServerStatus, RouterStatus, ServiceStatus } from '../messages.js'
import { type PeerReport, type PeerView, ready } from '../peer/view.js'
import { age } from './age.js'
import { causeText } from './causes.js'
import { columns } from './columns.js'
import { fewerNotices } from './fewer-notices.js'
import { noticeLines } from './notice-lines.js'
import { oneLine } from './one-line.js'
import { type Colour, type Paint, plain } from './paint.js'
import type { Status } from './status.js'

export type TextOptions = {
  readonly paint?: Paint
  /** Columns and rows of the screen; absent: no limit. */
  readonly width?: number | undefined
  readonly rows?: number | undefined
}

/**
 * The status for a terminal: who is master and why, what serves, and, last because it stands above the prompt, what is
 * different from normal. Where the screen is too small, what is normal is counted instead of listed.
 */
export function statusText(status: Status, { paint = plain, width, rows }: TextOptions = {}): string {
  const top = header(status, paint)
  const peers = section(peerRows(status, paint), width)
  const notices = noticeSection(status, paint, width, rows)
  const all = section(routerRows(status, paint), width)
  const routers = rows === undefined ? all : limited(all, Math.max(6, Math.floor(rows / 3)))
  const room = (rows ?? Number.POSITIVE_INFINITY) - 2 - routers.length - peers.length - notices.length
  // Counted before it is written: laying out 37,000 rows to throw them away takes half a second.
  const detail = details.find(each => countRows(status.services, each) + 2 <= room) ?? 'abnormal-alone'
  const services = limited(section(serviceRows(status, detail, paint), width), room)
  return `${[top, ...routers, ...peers, ...services, ...notices].join('\n')}\n`
}

/** How much is shown of the services: the first of these that the screen has room for. */
const details = ['all', 'abnormal-servers', 'abnormal-services', 'services', 'abnormal-alone'] as const
type Detail = (typeof details)[number]

function countRows(services: readonly ServiceStatus[], detail: Detail): number {
  const shown = shownOf(services, detail)
  const rest = shown.length < services.length ? 1 : 0
  return shown.reduce(
    (sum, { realServers }) => sum + 1 + realServers.filter(server => listed(server, detail)).length,
    rest,
  )
}

function shownOf(services: readonly ServiceStatus[], detail: Detail): readonly ServiceStatus[] {
  if (detail !== 'abnormal-services' && detail !== 'abnormal-alone') return services
  const abnormal = services.filter(service => !normal(service))
  // Where even they do not fit, what is down is not what is cut off.
  const down = abnormal.filter(({ state }) => state === 'down')
  return detail === 'abnormal-alone' ? [...down, ...abnormal.filter(({ state }) => state !== 'down')] : abnormal
}

function listed(server: RealServerStatus, detail: Detail): boolean {
  if (detail === 'services' || detail === 'abnormal-alone') return false
  return detail === 'all' || server.state !== 'up'
}

/** The first of them, and how many there are beside. */
function limited(lines: readonly string[], room: number): readonly string[] {
  const most = Math.max(room, 4)
  return lines.length <= most ? lines : [...lines.slice(0, most - 1), `and ${lines.length - most + 1} more lines`]
}

function header({ node, version, at, since, config, maintenance }: Status, paint: Paint): string {
  const running = `configuration ${config.hash.slice(0, 8)}, generation ${config.generation}`
  const away = maintenance ? paint('yellow', ' MAINTENANCE') : ''
  return `${paint('bold', node)}${away}  lvskeeper ${version}, up ${age(at - since)}, ${running}`
}

function section(rows: readonly (readonly string[])[], width?: number): string[] {
  return rows.length > 1 ? ['', ...columns(rows, width)] : []
}

function routerRows({ routers, at, peers }: Status, paint: Paint): string[][] {
  const head = ['ROUTER', 'VRID', 'STATE', 'FOR', 'PRIORITY', 'MASTER', 'WHY']
  return [head.map(word => paint('dim', word)), ...routers.map(router => routerRow(router, at, peers, paint))]
}

const routerColours: Readonly<Record<RouterStatus['state'], Colour>> = {
  master: 'green',
  backup: 'cyan',
  init: 'yellow',
  fault: 'red',
}

function routerRow(router: RouterStatus, now: number, peers: readonly PeerView[], paint: Paint): string[] {
  const { name, vrid, state, since, priority } = router
  const { base, effective } = priority
  return [
    name,
    String(vrid),
    paint(routerColours[state], state),
    age(now - since),
    effective === base ? String(base) : paint('yellow', `${effective} of ${base}`),
    masterName(router, peers),
    oneLine(causeText(router)),
  ]
}

function masterName({ state, master }: RouterStatus, peers: readonly PeerView[]): string {
  if (state === 'master') return 'this director'
  if (master === undefined) return 'none heard'
  return peers.find(({ addresses }) => addresses.includes(master))?.name ?? master
}

function peerRows({ peers, peerChannel, at, config }: Status, paint: Paint): string[][] {
  const head = ['DIRECTOR', 'HEARD', 'READY', 'CONFIG', 'VERSION', 'ROUTERS']
  const rows = peers.map(peer => {
    const { name, state, lastHeard, report } = peer
    const heard = lastHeard === undefined ? 'never' : `${age(at - lastHeard)} ago`
    if (peerChannel === 'off') return [name, 'unknown', 'unknown', 'unknown', 'unknown', 'unknown']
    if (state !== 'fresh' || !report) return [name, paint('red', heard), 'unknown', 'unknown', 'unknown', 'unknown']
    return [
      name,
      heard,
      ready(peer) ? paint('green', 'yes') : paint('red', report.maintenance ? 'maintenance' : 'no'),
      configuration(peer, report, config.hash, paint),
      report.version,
      report.routers.map(router => `${router.name} ${router.state} ${router.priority}`).join(', '),
    ]
  })
  return [head.map(word => paint('dim', word)), ...rows]
}

function configuration({ secretsDiffer }: PeerView, { configHash }: PeerReport, hash: string, paint: Paint): string {
  if (configHash !== hash) return paint('yellow', configHash.slice(0, 8))
  return secretsDiffer ? paint('yellow', 'secrets differ') : 'same'
}

function serviceRows({ services, at }: Status, detail: Detail, paint: Paint): string[][] {
  const head = ['SERVICE', 'STATE', 'FOR', 'WEIGHT', 'CONNS', 'DETAIL']
  const shown = shownOf(services, detail)
  const rows = shown.flatMap(service => [
    serviceRow(service, at, paint),
    ...service.realServers.filter(server => listed(server, detail)).map(server => serverRow(server, at, paint)),
  ])
  const left = services.filter(service => !shown.includes(service))
  const servers = left.reduce((sum, { realServers }) => sum + realServers.length, 0)
  const rest = left.length > 0 ? [[`${left.length} services with ${servers} real servers, all up`]] : []
  return [head.map(word => paint('dim', word)), ...rows, ...rest]
}

function normal({ state, sorry, realServers }: ServiceStatus): boolean {
  return state === 'up' && !sorry && realServers.every(server => server.state === 'up' || server.state === 'unchecked')
}

function serviceRow(service: ServiceStatus, now: number, paint: Paint): string[] {
  const { name, state, since, scheduler, ids, realServers, sorry } = service
  const up = realServers.filter(server => server.state === 'up' || server.state === 'unchecked').length
  const some = `${up} of ${realServers.length} up`
  const addresses = ids.length > 2 ? `${serviceKey1(ids)} and ${ids.length - 1} more` : ids.map(serviceKey).join(', ')
  return [
    paint('bold', name),
    state === 'up' ? paint('green', 'up') : paint('red', 'DOWN'),
    age(now - since),
    String(service.weightUp),
    connections(realServers),
    `${addresses} ${scheduler}, ${up < realServers.length ? paint('yellow', some) : some}${sorry ? ', sorry server' : ''}`,
  ]
}

function serviceKey1([first]: ServiceStatus['ids']): string {
  return first ? serviceKey(first) : ''
}

const serverColours: Readonly<Record<RealServerStatus['state'], Colour>> = {
  up: 'green',
  unchecked: 'cyan',
  down: 'red',
  unknown: 'yellow',
  drain: 'yellow',
  maint: 'yellow',
}

function serverRow(server: RealServerStatus, now: number, paint: Paint): string[] {
  const { state, since, weight, kernelWeight } = server
  const kernel = kernelWeight === undefined ? `- of ${weight}` : `${kernelWeight} of ${weight}`
  return [
    `  ${serverKey(server)}`,
    paint(serverColours[state], state === 'down' ? 'DOWN' : state),
    age(now - since),
    kernelWeight === weight ? String(weight) : kernel,
    connections([server]),
    [server.forward, ...server.checks.map(lastResult), ...stuck(server)].join(' '),
  ]
}

function stuck({ stuckHandshakes }: RealServerStatus): string[] {
  return stuckHandshakes === undefined ? [] : [`${stuckHandshakes} stuck in SYN_RECV`]
}

function connections(servers: readonly RealServerStatus[]): string {
  const known = servers.flatMap(server => (server.connections ? [server.connections.active] : []))
  return known.length === 0 ? '-' : String(known.reduce((sum, active) => sum + active, 0))
}

/** HAProxy's short form: `L7OK in 2ms`. */
function lastResult({ name, last }: RealServerStatus['checks'][number]): string {
  if (!last) return `${name} -`
  const ms = last.latency < 10 ? last.latency.toFixed(1) : last.latency.toFixed(0)
  return `${name} ${last.layer}${last.detail ? ` ${oneLine(last.detail)}` : ''} in ${ms}ms`
}

function noticeSection(status: Status, paint: Paint, width?: number, rows?: number): string[] {
  if (status.notices.length === 0) return ['', paint('green', 'Everything is normal.')]
  const room = rows === undefined ? status.notices.length : Math.max(5, Math.floor(rows / 3))
  const notices = fewerNotices(status, room)
  const shown = notices.slice(0, notices.length > room ? room - 1 : room)
  const more = notices.length - shown.length
  return [
    '',
    paint('dim', 'DIFFERENT FROM NORMAL'),
    ...noticeLines(shown, paint, width),
    ...(more > 0 ? [`and ${more} more: lvskeeper status --json`] : []),
  ]
}
