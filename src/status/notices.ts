import { leakText } from '../checking/leak-text.js'
import { serverKey } from '../ipvs/table.js'
import type { Override, RealServerStatus, RouterStatus, ServiceStatus } from '../messages.js'
import { type PeerView, ready } from '../peer/view.js'
import { age } from './age.js'
import { causeText } from './causes.js'
import { endText } from './end-text.js'
import type { Notice, ProcessStatus, Status } from './status.js'

const ranks = { alarm: 0, warning: 1, notice: 2, info: 3 }
const hour = 3_600_000
/** A spare that was used up or died is followed by another one within this time, ms. */
const spareWithin = 30_000

/** What does not happen meanwhile, of a process that does not answer. */
const standsStill: Readonly<Record<ProcessStatus['role'], string>> = {
  vrrp: 'What is shown of the routers is of then',
  checkers: 'Checks and table stand still, what is shown of them is of then',
  control: 'Nothing is answered',
  parent: 'Nothing is restarted',
}

/** What is different from normal, the gravest first; empty on a good day. Pure. */
export function notices(status: Omit<Status, 'notices'>): Notice[] {
  const found = [
    ...status.routers.flatMap(router => [...routerNotices(router, status.at)]),
    ...status.services.flatMap(service => [...serviceNotices(service, status.at)]),
    ...status.overrides.map(override => overrideNotice(override, status)),
    ...peerNotices(status),
    ...ownTrouble(status.services),
    ...directorNotices(status),
    ...alertNotices(status),
  ]
  return found.sort((a, b) => ranks[a.level] - ranks[b.level])
}

function* routerNotices(router: RouterStatus, now: number): Generator<Notice> {
  const subject = `router ${router.name}`
  const next = `lvskeeper explain ${router.name}`
  if (router.state === 'fault') {
    const why = causeText(router)
    yield {
      level: 'alarm',
      code: 'router.fault',
      subject,
      text: `in fault for ${age(now - router.since)}: ${why}`,
      next,
    }
  }
  if (router.state === 'backup' && router.master === undefined)
    yield { level: 'warning', code: 'router.no-master', subject, text: 'backup, and no master is heard', next }
  if (router.behind) {
    const { author, reason, at } = router.behind
    const text = `left by order of ${author} ${age(now - at)} ago${because(reason)}`
    yield { level: 'notice', code: 'router.behind', subject, text, next: `lvskeeper failover ${router.name} --back` }
  }
  const { base, effective, contributions } = router.priority
  if (router.state !== 'fault' && !router.behind && effective !== base) {
    const why = contributions
      .filter(({ value }) => value !== 0)
      .map(({ source, value, reason }) => `${signed(value)} ${source} (${reason})`)
    const text = `priority ${effective} instead of ${base}: ${why.join(', ')}`
    yield { level: 'notice', code: 'router.priority', subject, text, next }
  }
}

function* serviceNotices(service: ServiceStatus, now: number): Generator<Notice> {
  const subject = `service ${service.name}`
  if (service.state === 'down') {
    const text = `down for ${age(now - service.since)}: weight ${service.weightUp} of quorum ${service.quorum}${service.sorry ? ', sorry server serves' : ''}${awayByOrder(service)}`
    yield { level: 'alarm', code: 'service.down', subject, text, next: `lvskeeper explain ${service.name}` }
  } else if (service.sorry) {
    yield { level: 'warning', code: 'service.sorry', subject, text: 'the sorry server serves' }
  }
  if (service.held !== undefined)
    yield { level: 'warning', code: 'service.held', subject, text: `held as it was: ${service.held}` }
  for (const leak of service.leaks ?? []) yield { level: 'alarm', code: 'arp.leak', subject, text: leakText(leak) }
  for (const server of service.realServers) yield* serverNotices(service.name, server, now)
}

/** Nothing temporary takes a service down silently: the orders that keep real servers away are named with it. */
function awayByOrder({ realServers }: ServiceStatus): string {
  const away = realServers.filter(({ override }) => override !== undefined && awayVerbs.has(override.verb))
  if (away.length === 0) return ''
  const named = away.slice(0, 3).map(server => `${serverKey(server)} by ${server.override?.author}`)
  return `; away by order: ${named.join(', ')}${away.length > 3 ? ` and ${away.length - 3} more` : ''}`
}

const awayVerbs: ReadonlySet<Override['verb']> = new Set(['drain', 'maint', 'force-down'])

function* serverNotices(service: string, server: RealServerStatus, now: number): Generator<Notice> {
  const name = `${service}/${serverKey(server)}`
  const subject = `server ${name}`
  const next = `lvskeeper explain ${name}`
  if (server.state === 'down') {
    const text = `down for ${age(now - server.since)}: ${why(server)}`
    yield { level: 'warning', code: 'server.down', subject, text, next }
  }
  if (server.state === 'unknown')
    yield { level: 'info', code: 'server.unknown', subject, text: 'waits for its first checks', next }
}

/** Checks that this director could not make: nothing is known of their servers meanwhile, and all of them look as they did. */
function* ownTrouble(services: readonly ServiceStatus[]): Generator<Notice> {
  const met = services.flatMap(({ name, realServers }) =>
    realServers.flatMap(server =>
      server.checks
        // Along the clients' way most directors may not probe, and others tell them.
        .filter(
          ({ kind, verdict, last }) =>
            last?.reason === 'local-error' && kind !== 'client-path' && verdict !== 'unknown',
        )
        .map(({ last }) => ({ name: `${name}/${serverKey(server)}`, detail: last?.detail ?? 'our own trouble' })),
    ),
  )
  const [first] = met
  if (!first) return
  const others = met.some(({ detail }) => detail !== first.detail) ? ' and others' : ''
  yield {
    level: 'warning',
    code: 'checks.own-trouble',
    subject: 'checks',
    text: `${met.length} could not be made last time (${first.detail}${others}): their verdicts stay as they were`,
    next: `lvskeeper explain ${first.name}`,
  }
}

/** The last failed result of the checks that are down, in words. */
export function why({ checks, override }: RealServerStatus): string {
  if (override?.verb === 'force-down') return `forced by ${override.author}`
  const failing = checks.filter(({ verdict }) => verdict === 'down')
  const words = failing.map(({ name, last }) => {
    const result = last && !last.passed ? [last.layer, last.detail ?? last.reason].filter(Boolean).join(' ') : ''
    return result === '' ? name : `${name}: ${result}`
  })
  return words.join('; ') || 'its checks say so'
}

function overrideNotice(override: Override, { at: now, services, table }: Omit<Status, 'notices'>): Notice {
  const { service, address, port, author, reason, at } = override
  const place = port === 0 ? address : serverKey({ address, port })
  const name = service === '*' ? place : `${service}/${place}`
  // Before the first verdicts are in, not every real server is known here.
  const lost = table.complete && !services.some(each => fits(override, each)) ? '; no real server is called so' : ''
  const text = `${verb(override)} by ${author} ${age(now - at)} ago${because(reason)}, ${endText(override, now)}${lost}`
  return { level: 'notice', code: 'override', subject: `server ${name}`, text, next: `lvskeeper ready ${name}` }
}

function fits({ service, address, port }: Override, { name, realServers }: ServiceStatus): boolean {
  if (service !== '*' && service !== name) return false
  return realServers.some(server => server.address === address && (port === 0 || server.port === port))
}

function verb({ verb, weight }: Override): string {
  const words = {
    drain: 'drained',
    maint: 'in maintenance',
    weight: `weight ${weight}`,
    'force-up': 'forced up',
    'force-down': 'forced down',
  }
  return words[verb]
}

function* peerNotices({ peers, peerChannel, at }: Omit<Status, 'notices'>): Generator<Notice> {
  if (peers.length === 0) return
  if (peerChannel === 'off') {
    const text = 'no peer_key_file: the state of the other directors is unknown'
    yield { level: 'info', code: 'peer.off', subject: 'directors', text }
    return
  }
  if (!peers.some(ready))
    yield {
      level: 'alarm',
      code: 'peer.unready',
      subject: 'directors',
      text: 'no other director is ready to take over',
    }
  for (const peer of peers) yield* onePeer(peer, at)
}

function* onePeer(peer: PeerView, now: number): Generator<Notice> {
  const subject = `director ${peer.name}`
  if (peer.state !== 'fresh') {
    const text = peer.lastHeard === undefined ? 'never heard' : `silent for ${age(now - peer.lastHeard)}`
    yield { level: 'warning', code: 'peer.silent', subject, text, next: `on ${peer.name}: lvskeeper status` }
    return
  }
  if (peer.report?.maintenance) yield { level: 'notice', code: 'peer.maintenance', subject, text: 'in maintenance' }
  if (peer.report && !peer.report.tableReady)
    yield { level: 'notice', code: 'peer.table', subject, text: 'its table is not complete' }
  if (peer.report && !peer.report.syncReady) {
    const text = 'its connection sync does not run: at a switch-over to it connections that live would end'
    yield { level: 'warning', code: 'peer.sync', subject, text, next: `on ${peer.name}: lvskeeper status` }
  }
  if (peer.mismatchSince !== undefined) {
    const level = now - peer.mismatchSince > 10 * 60_000 ? 'warning' : 'notice'
    const text = `runs another configuration (${peer.report?.configHash.slice(0, 8)}) for ${age(now - peer.mismatchSince)}`
    yield { level, code: 'peer.mismatch', subject, text, next: 'lvskeeper plan' }
  }
  if (peer.secretsDiffer) {
    const text =
      'secrets differ: the configuration is the same, what is in its files of passwords and keys is not, or is not loaded'
    yield { level: 'warning', code: 'peer.secrets', subject, text, next: 'lvskeeper reload' }
  }
}

function* directorNotices(status: Omit<Status, 'notices'>): Generator<Notice> {
  const { at, config, maintenance, processes, table, storage } = status
  const subject = `director ${status.node}`
  if (maintenance) {
    const ends = maintenance.until === undefined ? '' : `, ends in ${age(maintenance.until - at)}`
    const text = `in maintenance by ${maintenance.author} since ${age(at - maintenance.at)}${because(maintenance.reason)}${ends}`
    yield { level: 'notice', code: 'maintenance', subject, text, next: 'lvskeeper maintenance off' }
  }
  if (config.refused)
    yield {
      level: 'warning',
      code: 'config.rejected',
      subject,
      text: `last reload refused ${age(at - config.refused.at)} ago: ${config.refused.text}`,
      next: `lvskeeper check ${config.file}`,
    }
  if (config.confirmUntil !== undefined)
    yield {
      level: 'notice',
      code: 'config.confirm',
      subject,
      text: `rolls back in ${age(config.confirmUntil - at)} unless confirmed`,
      next: 'lvskeeper confirm',
    }
  if (config.differs && !config.refused)
    yield {
      level: 'notice',
      code: 'config.differs',
      subject,
      text: `${config.file} differs from what runs`,
      next: 'lvskeeper plan',
    }
  for (const process of processes) {
    if (process.state === 'dead')
      yield {
        level: 'alarm',
        code: 'process.dead',
        subject: `process ${process.role}`,
        text: process.died?.reason ?? 'not running',
      }
    else if (process.died && at - process.died.at < hour)
      yield {
        level: 'notice',
        code: 'process.restarted',
        subject: `process ${process.role}`,
        text: `died ${age(at - process.died.at)} ago (${process.died.reason}), running again`,
        next: 'lvskeeper events',
      }
    const { role, spare, silentSince } = process
    if (silentSince !== undefined)
      yield {
        level: 'warning',
        code: 'process.silent',
        subject: `process ${role}`,
        text: `has not answered for ${age(at - silentSince)}: stopped, hung, or without processor. ${standsStill[role]}; if it stays so, it is killed and replaced`,
        next: `ps -o stat,wchan,pcpu -p ${process.pid}`,
      }
    if (spare && !spare.ready && at - spare.since > spareWithin)
      yield {
        level: 'notice',
        code: 'process.no-spare',
        subject: `process ${role}`,
        text: `no spare has stood ready for ${age(at - spare.since)}${because(spare.reason)}: if ${role} dies, its work waits until another process has started`,
        next: 'journalctl -u lvskeeper',
      }
  }
  if (table.failure !== undefined)
    yield {
      level: 'alarm',
      code: 'table.failure',
      subject: 'table',
      text: `the kernel refuses: ${table.failure}`,
      next: 'lvskeeper doctor',
    }
  if (table.unsynced !== undefined)
    yield {
      level: 'alarm',
      code: 'table.unsynced',
      subject: 'table',
      text: `${table.unsynced}. The others count this director as not ready: at a switch-over to it connections that live would end`,
      next: 'lvskeeper events',
    }
  if (table.comparedEvery !== undefined)
    yield {
      level: 'info',
      code: 'table.slow',
      subject: 'table',
      text: `compared with the kernel every ${table.comparedEvery} s, not every second: one look takes long here`,
    }
  if (table.pathsDoubted !== undefined)
    yield {
      level: 'alarm',
      code: 'paths.doubted',
      subject: 'table',
      text: `the other directors find all ${table.pathsDoubted} clients' paths broken: more likely their own trouble, so it does not count`,
      next: "at another director: lvskeeper status, and its firewall's marks",
    }
  if (table.unwatched !== undefined) {
    const { targets, room } = table.unwatched
    yield {
      level: 'notice',
      code: 'watch.lacking',
      subject: 'checks',
      text: `no watch connection for ${targets} servers' ports, there is room for ${room}: these die unseen until their next check`,
      next: 'more: check_limits.watch_share, or LimitNOFILE of the unit',
    }
  }
  if (table.lastRepair && at - table.lastRepair.at < hour)
    yield {
      level: 'notice',
      code: 'table.drift',
      subject: 'table',
      text: `changed behind our back and mended ${age(at - table.lastRepair.at)} ago: ${table.lastRepair.text}`,
      next: 'lvskeeper events',
    }
  for (const text of storage) yield { level: 'warning', code: 'storage', subject, text }
}

function* alertNotices({ alerts, at }: Omit<Status, 'notices'>): Generator<Notice> {
  for (const { name, queued, failure, oldest, dropped } of alerts) {
    const waits = oldest === undefined ? '' : `, the oldest for ${age(at - oldest)}`
    if (failure !== undefined)
      yield {
        level: 'warning',
        code: 'alert.failed',
        subject: `alert ${name}`,
        text: `${queued} waiting${waits}: ${failure}`,
      }
    if (dropped > 0)
      yield {
        level: 'notice',
        code: 'alert.dropped',
        subject: `alert ${name}`,
        text: `${dropped} given up since start`,
        next: 'lvskeeper events',
      }
  }
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : ` ("${reason}")`
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value)
}
