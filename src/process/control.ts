import { chmodSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../../config/config.js'
import type { Problem } from '../../config/problem.js'
import { createAlerter } from '../alerts/alerter.js'
import { createApi } from '../api/api.js'
import { createMetrics } from '../api/metrics.js'
import { loadFile } from '../cli/load-file.js'
import { systemClock } from '../clock.js'
import { readApplied, writeApplied } from '../control/applied.js'
import { current, readOrders, writeOrders } from '../control/behind.js'
import { createDistribution } from '../control/distribution.js'
import { createHandlers } from '../control/handlers.js'
import { active, merge, nextEnd, prune, unmatched } from '../control/overrides.js'
import { createPeers } from '../control/peers.js'
import { type Pending, readPending, writePending } from '../control/pending.js'
import { createProcesses } from '../control/processes.js'
import { label } from '../control/servers.js'
import { event, noTable, ordersFile, overridesFile, type State } from '../control/state.js'
import { readJson, writeJson } from '../control/state-file.js'
import { tcpOptions } from '../control/tcp-options.js'
import { wantedOf } from '../control/wanted.js'
import { openEventStore } from '../events/store.js'
import { openIpvs } from '../linux/ipvs.js'
import { credentialsOf } from '../linux/peer-credentials.js'
import { createLog, type LogLevel, logEvent } from '../log.js'
import type { Address, Behind, CheckResult, Event, Leave, Message, Override } from '../messages.js'
import { openChannel, sayAlive } from './channel.js'
import { appliedFile, controlSocket, pathsFromEnvironment, statusSocket } from './paths.js'

/** The control process: configuration, API, events, alerts, metrics, peer channel. Decides nothing that traffic waits for. */

const paths = pathsFromEnvironment(process.env)
const respawn = process.env['LVSKEEPER_RESPAWN'] === '1'
const node = process.env['LVSKEEPER_NODE']
const log = createLog({
  level: (process.env['LVSKEEPER_LOG_LEVEL'] ?? 'info') as LogLevel,
  role: 'control',
  ...(node ? { node } : {}),
})
/** How long vrrp and checkers may take to carry out a new configuration, ms. */
const applyLimit = 20_000
/** A spare vrrp process has said what it is master of by then, ms. */
const spareLimit = 300
/** How long alerts may take on the way out, ms. */
const lastWords = 1_000
/** setTimeout counts in 31 bits of ms. */
const longest = 2 ** 31 - 1
let seenFile = ''
let pathsSaid = ''

const channel = openChannel(
  'control',
  receive,
  () => undefined,
  () => process.exit(0),
)
sayAlive(channel, 1_000)
const distribution = createDistribution((to, message) => channel.send(to, message))
const first = firstConfig()
const events = openEventStore({ directory: paths.state, maxBytes: first.config.eventsMaxSize / 2 })
const state: State = {
  config: first.config,
  generation: first.generation,
  loadedAt: first.loadedAt,
  refused: undefined,
  differs: first.differs,
  confirm: first.confirm,
  orders: current(readOrders(ordersFile(paths.state)), Date.now()),
  overrides: readOverrides(),
  routers: new Map(),
  services: new Map(),
  table: noTable,
  processes: createProcesses(process.ppid, Date.now()),
  events,
  alerter: alerterFor(first.config),
  peers: () => [],
  brokenPaths: undefined,
  storage: new Map(),
  file: paths.config,
  startedAt: Date.now(),
}
state.processes.up('control', process.pid, Date.now())
const metrics = createMetrics()
let overrideTimer: NodeJS.Timeout | undefined
let orderTimer: NodeJS.Timeout | undefined
let vrrpGone: NodeJS.Timeout | undefined
let confirmTimer: NodeJS.Timeout | undefined
const peers = createPeers(state, {
  clock: systemClock,
  event: record,
  learned: added => setOverrides(added, false),
  changed(priorities, impostor) {
    channel.send('vrrp', { type: 'peers', peers: priorities, ...(impostor === undefined ? {} : { impostor }) })
    tellPaths()
  },
})
state.peers = peers.views

process.on('SIGTERM', () => {})
process.on('SIGINT', () => {})

const handlers = createHandlers(state, {
  reload: confirm => inTurn(() => reload(confirm)),
  problems: () => {
    const result = readFile()
    return result.ok ? [] : result.errors
  },
  confirm: confirmed,
  setOverrides: added => setOverrides(added, true),
  setOrders,
  leave: how => channel.send('parent', { type: 'stop', how }),
  record,
  async kernelTable(ids) {
    const ipvs = await openIpvs()
    try {
      return await ipvs.list(ids)
    } finally {
      ipvs.close()
    }
  },
  async push({ id, passed, text }) {
    await channel.ask('checkers', { what: 'push', id, passed, ...(text === undefined ? {} : { text }) })
  },
  async resume(service, address, port) {
    return (await channel.ask('checkers', { what: 'resume', service, address, port })) as number
  },
  async results(service, address, port) {
    return (await channel.ask('checkers', { what: 'explain-server', service, address, port })) as readonly CheckResult[]
  },
})
const api = await createApi(handlers, {
  controlSocket: first.config.api.socket ?? controlSocket(paths),
  statusSocket: first.config.api.statusSocket ?? statusSocket(paths),
  group: first.config.api.group,
  metrics,
  peerOf: credentialsOf,
  failed: (error, path) => log.error({ err: error, path }, 'api.failed'),
})
log.info({ event: 'api.listening', where: api.where }, 'api.listening')
await openTcp(state.config)
rearmOverrides()
rearmOrders()
if (state.confirm) armConfirm(state.confirm.until)
setInterval(lookAtFile, 5_000).unref()

remember()
if (respawn) for (const role of ['vrrp', 'checkers'] as const) channel.send(role, { type: 'introduce' })
const lacking = await distribution.apply(wantedOf(state.config), applyLimit)
if (lacking.length > 0)
  log.warn({ event: 'config.lacking', lacking }, 'not every process carries the configuration yet')
peers.open(state.config)
if (!respawn) {
  record(
    event(
      'director.started',
      'notice',
      `director ${state.config.node.name}`,
      `${state.config.node.name} runs generation ${state.generation}`,
    ),
  )
}
tellRolledBack(first.pending)
channel.send('parent', { type: 'started' })

function firstConfig() {
  const applied = respawn ? readApplied(appliedFile(paths)) : undefined
  if (applied) return { ...applied, confirm: applied.confirm, differs: false, pending: undefined }
  const pending = readPending(paths.state)
  const start = { generation: 1, loadedAt: Date.now(), confirm: undefined, pending }
  if (pending && pending !== 'unreadable') return { ...start, config: pending.before, differs: true }
  const result = loadFile(paths.config, { node })
  if (!result.ok) {
    log.fatal({ event: 'config.invalid', errors: result.errors }, 'the configuration is not valid')
    process.exit(78)
  }
  return { ...start, config: result.config, differs: false }
}

/** A start inside the window of `reload --confirm`: nobody has confirmed, so what ran before runs. */
function tellRolledBack(pending: Pending | 'unreadable' | undefined): void {
  if (!pending) return
  setPending(undefined)
  const text =
    pending === 'unreadable'
      ? 'started before `lvskeeper confirm`, and the last confirmed configuration is of another version: the file runs'
      : 'started before `lvskeeper confirm`: the last confirmed configuration runs; the file differs from it'
  record(event('config.rolled-back', 'alarm', 'configuration', text))
}

function readOverrides(): Override[] {
  const value = readJson(overridesFile(paths.state))
  return Array.isArray(value) ? prune(value as Override[], Date.now()) : []
}

function alerterFor(config: Config) {
  return createAlerter({
    alerts: config.alerts,
    stateDir: paths.state,
    node: config.node.name,
    master: () => [...state.routers.values()].some(router => router.state === 'master'),
    report: record,
  })
}

/** Keeps an event: history, log, metrics, alerts. */
function record(happened: Event): void {
  events.append(happened)
  logEvent(log, happened)
  metrics.observe(happened)
  state.alerter.raise(happened)
}

function receive(from: Address, message: Message): void {
  switch (message.type) {
    case 'hello':
      state.processes.up(message.role, message.pid, Date.now())
      if (message.fresh) tellAgain(from)
      return distribution.hello(message)
    case 'child':
      state.processes.heard(message, Date.now())
      if (message.state === 'died') {
        distribution.lost(message.role)
        if (message.role === 'vrrp') vrrpGone = setTimeout(forgetRouters, spareLimit)
        record(
          event(
            'process.died',
            'warning',
            `process ${message.role}`,
            `${message.role} died (${message.reason}) and is started again`,
            { pid: message.pid },
          ),
        )
      } else if (message.state === 'promoted') {
        state.processes.up('vrrp', message.pid, Date.now())
        record(
          event('process.promoted', 'warning', 'process vrrp', 'the spare vrrp process goes on with the adverts', {
            pid: message.pid,
          }),
        )
      }
      return
    case 'router-status':
      clearTimeout(vrrpGone)
      if (message.lag !== undefined) state.processes.lag('vrrp', message.lag)
      for (const router of message.routers) state.routers.set(router.name, router)
      for (const name of state.routers.keys())
        if (!state.config.routers.some(router => router.name === name)) state.routers.delete(name)
      return peers.tell()
    case 'service-status':
      for (const service of message.services) state.services.set(service.name, service)
      for (const name of message.removed) state.services.delete(name)
      return
    case 'table-status':
      if (state.table.complete !== message.table.complete) queueMicrotask(peers.tell)
      state.table = message.table
      return
    case 'checked':
      state.processes.lag('checkers', message.lag)
      return metrics.checked(message.checks, message.engine)
    case 'paths':
      state.brokenPaths = message.broken
      return peers.tell()
    case 'returned': {
      const { [message.router]: order, ...rest } = state.orders
      if (order) setOrders(rest)
      return
    }
    case 'event':
      return record(message.event)
    case 'signal':
      return void inTurn(() => reload(undefined)).then(result => {
        if (!result.ok)
          log.error({ event: 'config.rejected', errors: result.errors }, 'reload refused; what runs is unchanged')
      })
    case 'leave':
      return leave(message.how)
    default:
  }
}

/** The vrrp process is dead, and no spare has gone on: what it said last is true no more. */
function forgetRouters(): void {
  const faults = ['the vrrp process is dead']
  for (const [name, router] of state.routers) {
    const { master: _, ...rest } = router
    state.routers.set(name, { ...rest, state: 'fault', cause: 'process-died', since: Date.now(), faults })
  }
  peers.tell()
}

/** What the other directors found on the clients' paths, when it has changed. */
function tellPaths(): void {
  const paths = peers.paths()
  const said = JSON.stringify(paths)
  if (said === pathsSaid) return
  pathsSaid = said
  channel.send('checkers', { type: 'peer-paths', ...paths })
}

/** A process that has just started knows nothing of what was said at run time. */
function tellAgain(to: Address): void {
  if (to === 'vrrp') channel.send('vrrp', { type: 'behind', behind: state.orders })
  if (to !== 'checkers') return
  channel.send('checkers', { type: 'overrides', overrides: active(state.overrides, Date.now()) })
  pathsSaid = ''
  tellPaths()
}

/** One at a time: a signal, a request and the end of a window would undo each other half way. */
let turn: Promise<unknown> = Promise.resolve()
function inTurn<T>(act: () => Promise<T>): Promise<T> {
  const next = turn.then(act)
  turn = next.catch(() => {})
  return next
}

function readFile(): ReturnType<typeof loadFile> {
  try {
    return loadFile(paths.config, { node: state.config.node.name })
  } catch (error) {
    const problem: Problem = {
      code: 'unreadable',
      message: error instanceof Error ? error.message : String(error),
      file: paths.config,
      line: 0,
      col: 0,
      path: '',
      snippet: '',
    }
    return { ok: false, errors: [problem], warnings: [] }
  }
}

async function reload(confirm: number | undefined) {
  const result = readFile()
  if (!result.ok) {
    const [one] = result.errors
    const text = `${result.errors.length} errors; the first: ${one?.file}:${one?.line}: ${one?.message}`
    state.refused = { at: Date.now(), text }
    record(event('config.rejected', 'warning', 'configuration', `reload refused: ${text}`))
    return { ok: false as const, errors: result.errors }
  }
  const lacking = await apply(result.config, windowFor(result.config, confirm))
  return { ok: true as const, lacking, unmatched: reportUnmatched() }
}

/** What a reload leaves to be confirmed. It always goes back to what was confirmed last. */
function windowFor(next: Config, confirm: number | undefined): State['confirm'] {
  const same = next.hash === state.config.hash
  if (confirm === undefined) return same ? state.confirm : undefined
  const before = state.confirm?.before ?? state.config
  return before.hash === next.hash ? undefined : { until: Date.now() + confirm, before }
}

/** Nothing temporary lasts silently: an override whose real server has left the file is named. */
function reportUnmatched(): readonly string[] {
  // What sources name stands in no file.
  const services = state.config.services.map(({ name, realServers, sources }) => ({
    name,
    realServers:
      sources.length === 0 ? realServers : [...realServers, ...(state.services.get(name)?.realServers ?? [])],
  }))
  return unmatched(state.overrides, services, Date.now()).map(override => {
    const name = `${override.verb} of ${label(override)} by ${override.author}`
    record(
      event('override.unmatched', 'notice', `server ${label(override)}`, `${name} fits no real server any more`, {
        verb: override.verb,
        author: override.author,
      }),
    )
    return name
  })
}

async function apply(config: Config, confirm: State['confirm']): Promise<readonly string[]> {
  const { hash } = state.config
  state.refused = undefined
  state.differs = false
  setConfirm(confirm)
  if (config.hash === hash) {
    remember()
    return distribution.lacking()
  }
  state.config = config
  state.generation++
  state.loadedAt = Date.now()
  const before = state.alerter
  state.alerter = alerterFor(config)
  before.stop()
  remember()
  const missing = await distribution.apply(wantedOf(config), applyLimit)
  peers.open(config)
  await openTcp(config)
  record(
    event('config.applied', 'notice', 'configuration', `generation ${state.generation} runs`, {
      hash: config.hash,
      before: hash,
    }),
  )
  return missing
}

async function openTcp(config: Config): Promise<void> {
  try {
    const where = await api.tcp(tcpOptions(config))
    if (where) log.info({ event: 'api.listening', where }, 'api.listening')
    state.storage.delete('listen')
  } catch (error) {
    state.storage.set('listen', `api: ${error instanceof Error ? error.message : String(error)}`)
    log.error({ err: error, event: 'api.listen-failed' }, 'the TCP listener could not be opened')
  }
}

function remember(): void {
  const { config, generation, loadedAt, confirm } = state
  try {
    writeApplied(appliedFile(paths), { config, generation, loadedAt, ...(confirm ? { confirm } : {}) })
    state.storage.delete('applied')
  } catch (error) {
    state.storage.set('applied', `${appliedFile(paths)}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function setConfirm(confirm: State['confirm']): void {
  clearTimeout(confirmTimer)
  if (confirm !== state.confirm) setPending(confirm)
  state.confirm = confirm
  if (confirm) armConfirm(confirm.until)
}

function setPending(pending: Pending | undefined): void {
  try {
    writePending(paths.state, pending)
    state.storage.delete('confirm')
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    state.storage.set('confirm', `a restart would not roll back: ${text}`)
  }
}

function armConfirm(until: number): void {
  confirmTimer = setTimeout(
    () => void inTurn(() => (Date.now() < until ? rearm(until) : rollBack())),
    Math.min(longest, Math.max(0, until - Date.now())),
  )
}

async function rearm(until: number): Promise<void> {
  armConfirm(until)
}

async function rollBack(): Promise<void> {
  const { confirm } = state
  // Confirmed, or given more time, while this waited for its turn.
  if (!confirm || confirm.until > Date.now()) return
  record(
    event(
      'config.rolled-back',
      'alarm',
      'configuration',
      'not confirmed in time: the configuration before runs again; the file differs from it',
    ),
  )
  await apply(confirm.before, undefined)
  state.differs = true
}

function confirmed(): boolean {
  if (!state.confirm) return false
  setConfirm(undefined)
  remember()
  return true
}

/** Merges stamps, keeps them, tells the checkers and (unless they told us) the other directors. */
function setOverrides(added: readonly Override[], tell: boolean): void {
  state.overrides = prune(merge(state.overrides, added), Date.now())
  try {
    writeJson(overridesFile(paths.state), state.overrides)
    state.storage.delete('overrides')
  } catch (error) {
    state.storage.set('overrides', `overrides: ${error instanceof Error ? error.message : String(error)}`)
  }
  channel.send('checkers', { type: 'overrides', overrides: active(state.overrides, Date.now()) })
  rearmOverrides()
  if (tell) peers.tell()
}

function rearmOverrides(): void {
  clearTimeout(overrideTimer)
  const now = Date.now()
  const end = nextEnd(state.overrides, now)
  if (end === undefined) return
  overrideTimer = setTimeout(
    () => {
      const before = active(state.overrides, end - 1)
      const left = new Set(active(state.overrides, Date.now()))
      for (const override of before.filter(each => !left.has(each)))
        record(
          event(
            'override.ended',
            'notice',
            `server ${override.service}/${override.address}`,
            `${override.verb} by ${override.author} has ended: its time is up`,
          ),
        )
      setOverrides([], true)
    },
    Math.min(longest, Math.max(0, end - now)),
  )
}

function setOrders(orders: Readonly<Record<string, Behind>>): void {
  state.orders = orders
  try {
    writeOrders(ordersFile(paths.state), orders)
    state.storage.delete('orders')
  } catch (error) {
    state.storage.set('orders', `orders: ${error instanceof Error ? error.message : String(error)}`)
  }
  channel.send('vrrp', { type: 'behind', behind: orders })
  rearmOrders()
  peers.tell()
}

function rearmOrders(): void {
  clearTimeout(orderTimer)
  const now = Date.now()
  const ends = Object.values(state.orders).flatMap(({ until }) => (until === undefined ? [] : [until]))
  if (ends.length === 0) return
  orderTimer = setTimeout(
    () => setOrders(current(state.orders, Date.now())),
    Math.min(longest, Math.max(0, Math.min(...ends) - now)),
  )
}

/** Says in `status` that somebody edited the file and has not reloaded. Cheap: the file is only read when it changed. */
function lookAtFile(): void {
  try {
    const stamp = stampOf([...new Set([paths.config, ...state.config.files])])
    if (stamp === seenFile) return
    seenFile = stamp
    const result = loadFile(paths.config, { node: state.config.node.name })
    state.differs = !result.ok || result.config.hash !== state.config.hash
  } catch {
    state.differs = true
  }
}

/** Changes with any of the files that were read, and when a file comes or goes beside an included one. */
function stampOf(files: readonly string[]): string {
  const folders = files.slice(1).map(file => dirname(file))
  return [...files, ...new Set(folders)]
    .map(path => statSync(path))
    .map(({ mtimeMs, size }) => `${mtimeMs}/${size}`)
    .join()
}

function leave(how: Leave): void {
  if (how !== 'restart')
    record(
      event(
        'director.stopped',
        'notice',
        `director ${state.config.node.name}`,
        `${state.config.node.name} leaves (${how})`,
      ),
    )
  peers.stop()
  // The others end first: their last events still arrive here and are kept.
  setTimeout(() => {
    setTimeout(() => process.exit(0), how === 'restart' ? 300 : lastWords + 500).unref()
    void lastWordsOf(how).finally(() => process.exit(0))
  }, 150)
}

/** Sends what waits. Not before a restart: the queue is on disk, and the next process is due before the peers lose patience. */
async function lastWordsOf(how: Leave): Promise<void> {
  await Promise.all([how === 'restart' ? undefined : state.alerter.flush(lastWords), api.stop()])
  state.alerter.stop()
  events.close()
}

chmodSync(paths.run, 0o755)
