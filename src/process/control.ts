import { chmodSync } from 'node:fs'
import type { Config } from '../../config/config.js'
import { createAlerter } from '../alerts/alerter.js'
import { createApi } from '../api/api.js'
import { createMetrics } from '../api/metrics.js'
import { changedSettings, reachableAddresses, settableInterfaces } from '../checking/kernel-settings.js'
import { systemClock } from '../clock.js'
import { writeApplied } from '../control/applied.js'
import { current, readOrders } from '../control/behind.js'
import { createConfirmWindow } from '../control/confirm-window.js'
import { createDistribution } from '../control/distribution.js'
import { createFileWatch } from '../control/file-watch.js'
import { firstConfig, readConfig } from '../control/first-config.js'
import { createHandlers } from '../control/handlers.js'
import { createKeep } from '../control/keep.js'
import { createListeners, socketPaths } from '../control/listeners.js'
import { createOrderBook } from '../control/order-book.js'
import { createOverrideBook, readOverrides } from '../control/override-book.js'
import { createPeers } from '../control/peers.js'
import { eventsAgain, processEvent } from '../control/process-events.js'
import { createProcesses } from '../control/processes.js'
import { createRouterBook } from '../control/router-book.js'
import { createRunTimeNews } from '../control/run-time-news.js'
import { sameConfig } from '../control/same-config.js'
import { event, noTable, ordersFile, type State } from '../control/state.js'
import { stillThere } from '../control/subjects.js'
import { wantedOf } from '../control/wanted.js'
import { type Lines, withLines } from '../control/with-lines.js'
import { openEventStore } from '../events/store.js'
import { openIpvs } from '../linux/ipvs.js'
import { credentialsOf } from '../linux/peer-credentials.js'
import { readSysctl } from '../linux/sysctl.js'
import { createLog, type LogLevel, logEvent } from '../log.js'
import type { Address, CheckResult, Event, Leave, Message } from '../messages.js'
import { openChannel, sayAlive } from './channel.js'
import { appliedFile, pathsFromEnvironment } from './paths.js'
import { runningSince } from './running.js'

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
/** How long alerts may take on the way out, ms. */
const lastWords = 1_000
/** Of the configuration with this hash. */
let lines: { readonly hash: string; readonly of: Lines } | undefined
/** A source names other real servers; the next status of the services says which. */
let sourcesChanged = false
let turn: Promise<unknown> = Promise.resolve()

const channel = openChannel(
  'control',
  receive,
  () => undefined,
  () => process.exit(0),
)
sayAlive(channel, 1_000)
const distribution = createDistribution((to, message) => channel.send(to, message))
const first = start()
const events = openEventStore({ directory: paths.state, maxBytes: first.config.eventsMaxSize / 2 })
const state: State = {
  config: first.config,
  generation: first.generation,
  loadedAt: first.loadedAt,
  refused: undefined,
  differs: first.differs,
  confirm: first.confirm,
  orders: current(readOrders(ordersFile(paths.state)), Date.now()),
  overrides: readOverrides(paths.state),
  routers: new Map(),
  services: new Map(),
  table: noTable,
  processes: createProcesses(process.ppid, runningSince(paths)),
  events,
  alerter: alerterFor(first.config),
  peers: () => [],
  brokenPaths: undefined,
  storage: new Map(),
  file: paths.config,
  startedAt: runningSince(paths),
}
state.processes.up('control', process.pid, Date.now())
const metrics = createMetrics()
const keep = createKeep(state.storage)
const overrides = createOverrideBook(state, paths.state, {
  keep,
  record,
  tell: held => news.overrides(held),
  tellPeers: () => peers.tell(),
})
const orders = createOrderBook(state, paths.state, keep, behind => {
  news.orders(behind)
  peers.tell()
})
const confirmWindow = createConfirmWindow(state, paths.state, {
  keep,
  inTurn,
  apply: config => apply(config, undefined),
  record,
})
const peers = createPeers(state, {
  clock: systemClock,
  event: record,
  learned: added => overrides.set(added, false),
  changed: (priorities, impostor) => news.heard(priorities, impostor),
})
state.peers = peers.views
const news = createRunTimeNews(state, { send: channel.send, peers })
const routerBook = createRouterBook(state, {
  introduce: () => channel.send('vrrp', { type: 'introduce' }),
  changed: () => peers.tell(),
})

process.on('SIGTERM', () => {})
process.on('SIGINT', () => {})

const handlers = createHandlers(state, {
  reload: confirm => inTurn(() => reload(confirm)),
  problems: () => {
    const result = readConfig(paths.config, state.config)
    return result.ok ? [] : result.errors
  },
  confirm: confirmed,
  setOverrides: added => overrides.set(added, true),
  setOrders: orders.set,
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
  kernelSettings: () => ({
    interfaces: settableInterfaces(),
    read: readSysctl,
    addresses: reachableAddresses(),
    changed: changedSettings(paths.run),
  }),
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
  ...socketPaths(first.config, paths),
  metrics,
  peerOf: credentialsOf,
  failed: (error, path) => log.error({ err: error, path }, 'api.failed'),
})
const listen = createListeners(api, paths, state.storage, log)
await listen(state.config)
overrides.arm()
orders.arm()
confirmWindow.arm()
setInterval(createFileWatch(state), 5_000).unref()

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
state.alerter.settle(stillThere(state))
confirmWindow.started(first.pending)
channel.send('parent', { type: 'started' })

function start() {
  const found = firstConfig({
    appliedFile: appliedFile(paths),
    stateFolder: paths.state,
    file: paths.config,
    node,
    respawn,
  })
  if (!('errors' in found)) return found
  log.fatal({ event: 'config.invalid', errors: found.errors }, 'the configuration is not valid')
  process.exit(78)
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

/** An event of another process. */
function heard(happened: Event): void {
  if (happened.name === 'sources.changed') sourcesChanged = true
  record(withLines(happened, linesNow))
}

function receive(from: Address, message: Message): void {
  switch (message.type) {
    case 'hello':
      state.processes.up(message.role, message.pid, Date.now())
      if (message.fresh) news.again(from)
      return distribution.hello(message)
    case 'child': {
      state.processes.heard(message)
      if (message.state === 'died') {
        distribution.lost(message.role)
        if (message.role === 'vrrp') routerBook.died()
      }
      const happened = processEvent(message)
      if (happened) record(happened)
      return
    }
    case 'again':
      for (const told of message.messages) if (told.type === 'child') state.processes.heard(told)
      return eventsAgain(message, events.recent(10_000)).forEach(heard)
    case 'spare':
      return state.processes.spare(message.role, message.spare, Date.now())
    case 'router-status':
      if (message.lag !== undefined) state.processes.lag('vrrp', message.lag)
      return routerBook.heard(message)
    case 'service-status':
      for (const service of message.services) state.services.set(service.name, service)
      for (const name of message.removed) state.services.delete(name)
      if (sourcesChanged) state.alerter.settle(stillThere(state))
      sourcesChanged = false
      return
    case 'table-status':
      if (state.table.complete !== message.table.complete || state.table.unsynced !== message.table.unsynced)
        queueMicrotask(peers.tell)
      state.table = message.table
      return
    case 'checked':
      state.processes.lag('checkers', message.lag)
      return metrics.checked(message.checks, message.engine)
    case 'paths':
      state.brokenPaths = message.broken
      return peers.tell()
    case 'returned':
      return orders.done(message.router)
    case 'event':
      return heard(message.event)
    case 'events':
      return message.events.forEach(heard)
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

/** The file is read for them once it comes to that: most never are asked for. One that has been edited since says nothing of what runs. */
function linesNow(): Lines {
  if (lines?.hash !== state.config.hash) {
    const read = readConfig(paths.config, state.config, false)
    const same = read.ok && read.config.hash === state.config.hash
    lines = { hash: state.config.hash, of: same ? read.lines : {} }
  }
  return lines.of
}

/** One at a time: a signal, a request and the end of a window would undo each other half way. */
function inTurn<T>(act: () => Promise<T>): Promise<T> {
  const next = turn.then(act)
  turn = next.catch(() => {})
  return next
}

async function reload(confirm: number | undefined) {
  const result = readConfig(paths.config, state.config)
  if (!result.ok) {
    const [one] = result.errors
    const others = result.errors.length > 1 ? ` (the first of ${result.errors.length} errors)` : ''
    const text = `${one?.file}${one?.line ? `:${one.line}` : ''}: ${one?.message}${others}`
    state.refused = { at: Date.now(), text }
    record(event('config.rejected', 'warning', 'configuration', `reload refused: ${text}`))
    return { ok: false as const, errors: result.errors }
  }
  lines = { hash: result.config.hash, of: result.lines }
  const lacking = await apply(result.config, confirmWindow.after(result.config, confirm))
  return { ok: true as const, lacking, unmatched: overrides.reportUnmatched() }
}

async function apply(config: Config, confirm: State['confirm']): Promise<readonly string[]> {
  const { hash } = state.config
  const same = sameConfig(config, state.config)
  state.refused = undefined
  state.differs = false
  confirmWindow.set(confirm)
  state.config = config
  if (same) {
    // A port that was taken may be free, a certificate renewed.
    await listen(config)
    remember()
    return distribution.lacking()
  }
  state.generation++
  state.loadedAt = Date.now()
  const before = state.alerter
  state.alerter = alerterFor(config)
  before.stop()
  remember()
  const missing = await distribution.apply(wantedOf(config), applyLimit)
  peers.open(config)
  state.alerter.settle(stillThere(state))
  events.limit(config.eventsMaxSize / 2)
  await listen(config)
  record(
    event('config.applied', 'notice', 'configuration', `generation ${state.generation} runs`, {
      hash: config.hash,
      before: hash,
    }),
  )
  return missing
}

function remember(): void {
  const { config, generation, loadedAt, confirm } = state
  const file = appliedFile(paths)
  keep('applied', file, () => writeApplied(file, { config, generation, loadedAt, ...(confirm ? { confirm } : {}) }))
}

function confirmed(): boolean {
  if (!state.confirm) return false
  confirmWindow.set(undefined)
  remember()
  return true
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
