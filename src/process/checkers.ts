import { promises as dns } from 'node:dns'
import { join } from 'node:path'
import { mayBeFinal } from '../../checkers/final-share.js'
import type { ServiceConfig } from '../../config/config.js'
import { createAnswers } from '../checking/answers.js'
import { createArpLeaks, leakPause } from '../checking/arp-leaks.js'
import { createClientPaths, doubtEvent } from '../checking/client-paths.js'
import { createEngine } from '../checking/engine.js'
import { createEvidence } from '../checking/evidence.js'
import { createKernelSettings } from '../checking/kernel-settings.js'
import { createMassFailure } from '../checking/mass-failure.js'
import { neighbourHurry } from '../checking/neighbour-hurry.js'
import { createPool, type Member } from '../checking/pool.js'
import { createProbePorts } from '../checking/probe-ports.js'
import { createProbes } from '../checking/probes.js'
import { createPublisher } from '../checking/publisher.js'
import { createReadiness, slowestStart } from '../checking/readiness.js'
import { serviceStatus } from '../checking/service-status.js'
import { createSilence } from '../checking/silence.js'
import { sourceMemory } from '../checking/source-memory.js'
import { createSources } from '../checking/sources.js'
import { createStale } from '../checking/stale.js'
import { createStuckHandshakes } from '../checking/stuck-handshakes.js'
import { createTableKeeper } from '../checking/table-keeper.js'
import { createTally } from '../checking/tally.js'
import { createTracking } from '../checking/tracking.js'
import { turnEvent } from '../checking/turns.js'
import { createTwoBox } from '../checking/two-box.js'
import { createWays } from '../checking/ways.js'
import { systemClock } from '../clock.js'
import type { CheckerSettings } from '../control/wanted.js'
import { desired } from '../ipvs/desired.js'
import { fastKey } from '../ipvs/fast-key.js'
import { serviceKey } from '../ipvs/table.js'
import { descriptorLimit } from '../linux/descriptor-limit.js'
import { readHalfOpen } from '../linux/half-open.js'
import { watchLinks } from '../linux/links.js'
import { loopbackVips } from '../linux/loopback.js'
import { openNetlink } from '../linux/netlink.js'
import { type NeighbourWatch, watchNeighbours } from '../linux/watch-neighbours.js'
import { createLog, type LogLevel } from '../log.js'
import type { Address, Event, Leave, Message } from '../messages.js'
import { loopLag } from '../vrrp/lag.js'
import { openChannel, sayAlive } from './channel.js'
import { hurry } from './giving-way.js'
import { pathsFromEnvironment } from './paths.js'
import { promotion } from './promotion.js'

/** The checkers process: health checks, tracking, and the only writer of the IPVS table. A spare one waits, loaded. */

const paths = pathsFromEnvironment(process.env)
const node = process.env['LVSKEEPER_NODE']
const log = createLog({
  level: (process.env['LVSKEEPER_LOG_LEVEL'] ?? 'info') as LogLevel,
  role: 'checkers',
  ...(node ? { node } : {}),
})
await promotion(process.env, () =>
  log.info({ event: 'checkers.ready', spare: true, pid: process.pid }, 'spare checkers process stands ready'),
)
// A spare was loaded without hurry; from its turn on it replaces one that died.
if (process.env['LVSKEEPER_SPARE'] === '1') hurry()
/** ms */
const lagBeat = 50
const startedWall = Date.now()

process.on('SIGTERM', () => {})
process.on('SIGINT', () => {})
const early: [Address, Message][] = []
let handle = (from: Address, message: Message): void => void early.push([from, message])
const channel = openChannel(
  'checkers',
  (from, message) => handle(from, message),
  question => answer(question),
  () => void leave('restart'),
)
sayAlive(channel, 500)

let settings: CheckerSettings | undefined
let settingsHash = ''
/** Virtual servers that were told, or found real servers, since the last settlement. */
const touched = new Set<string>()
const readiness = createReadiness({
  now: systemClock.now,
  say(ready) {
    if (ready) hurry()
    channel.send('vrrp', { type: 'ready', ready })
    tellTable()
  },
})
/** Once and for all: a control process that starts again has to learn them anew. */
let overridesKnown = false
let leaving = false
const links = await watchLinks()
const ways = createWays(links)
const probePorts = createProbePorts(links, ways, systemClock.now)
const clientPaths = createClientPaths(vip =>
  links.addresses().some(({ address, index }) => address === vip && links.byIndex(index)?.name !== 'lo'),
)
const silence = createSilence(systemClock.now)
const tally = createTally()
const lag = loopLag(lagBeat)
let servers: ReadonlySet<string> = new Set()
const engine = createEngine({
  clock: systemClock,
  random: Math.random,
  probeFor: createProbes(probePorts, links, clientPaths, address => neighbours.watch?.all().get(address)),
  onVerdict: ({ key }) => turned(key),
  onResult(key, { name, probe }, outcome, latency) {
    tally.add(name, probe.kind, outcome, latency)
    silence.heard(key, outcome)
    stale.heard(key)
    // Without a new verdict something else may have changed: what the server asks for.
    if (outcome.wish || pool.asks(key)) turned(key)
  },
  dial: probePorts.dial,
  descriptors: descriptorLimit(),
  mayBeFinal: key => mayBeFinal(key, pool.servicesOf(key), key => engine.monitor().byWatch(key)),
  excuse(target, outcome) {
    if (outcome.passed || (outcome.reason !== 'timeout' && outcome.reason !== 'unreachable')) return undefined
    // A tracked gateway that is silent because our link is down is just what tracking shall find.
    return servers.has(target.address) ? ways.excuse(target) : undefined
  },
})
const kernelSettings = createKernelSettings(paths.run, tell)
const twoBox = createTwoBox({ links, loopback: loopbackVips(links, openNetlink()), set: kernelSettings.set, tell })
const checks = { report: (key: string) => engine.monitor().report(key) }
const pool = createPool(checks, systemClock.now, (spec, own) => clientPaths.verdict(spec, own))
const answer = createAnswers(pool, checks, () => engine.monitor(), probePorts.reports)
const tracking = createTracking(contribution => channel.send('vrrp', { type: 'contribution', contribution }))
const neighbours: { watch?: NeighbourWatch } = {}
const evidence = createEvidence(
  { links, ways, resolve: probePorts.resolve, now: systemClock.now },
  () => neighbours.watch,
)
const massFailure = createMassFailure({
  now: systemClock.now,
  pool,
  silence,
  evidence: () => evidence.read(servers),
  doubt: evidence.doubt,
  tell,
  contribute: contribution => channel.send('vrrp', { type: 'contribution', contribution }),
})
const sources = createSources({
  resolver: dns,
  memory: sourceMemory(join(paths.state, 'sources.json'), error =>
    log.error({ err: error }, 'the answers of sources could not be kept'),
  ),
  tell,
  changed(service, found) {
    pool.discover(service, found)
    touched.add(service)
    if (synced) void settle()
  },
})
const table = createTableKeeper(paths.state, {
  pool,
  settings: () => settings,
  want(context) {
    // Before the verdicts of a burst are carried out, once for all of them.
    if (massFailure.look(settings?.massFailureGuard.hold ?? 0)) publish(pool.services().keys())
    return desired([...pool.inputs(massFailure.held), ...clientPaths.inputs(pool)], context)
  },
  tell,
  passed(services) {
    tracking.quorum(services)
    lookWhetherReady()
  },
  hidden: clientPaths.isPath,
})
const stale = createStale(name => [
  table.services()?.get(name),
  ...(pool.services().get(name)?.config.ids ?? []).map(id => table.state()?.fast?.get(fastKey(serviceKey(id)))),
])
const { publish, refresh, removed, again } = createPublisher(
  name => {
    const state = table.state()
    const outcome = table.services()?.get(name)
    const since = table.since(name) ?? startedWall
    return serviceStatus(name, pool, checks, outcome, state?.fast, since, {
      held: massFailure,
      leaks: leaks.of(name),
      stuck: handshakes.of,
    })
  },
  (services, gone) => {
    channel.send('control', { type: 'service-status', services, removed: gone })
  },
)
const leaks = createArpLeaks({ links, pool, tell, changed: service => publish([service]) })
const handshakes = createStuckHandshakes({
  pool,
  now: systemClock.now,
  read: () => readHalfOpen(links.addresses().map(({ address }) => address)),
  quiet: table.settled,
  hasten: key => engine.monitor().hasty(key, false, [0]),
  changed: service => publish([service]),
})
let synced = false
let seeded: Promise<(member: Member) => 'up' | 'down' | undefined> | undefined
let pathsSaid: string | undefined
let tableSaid: string | undefined
let pathsDue = false

watchNeighbours(
  neighbourHurry({
    now: systemClock.now,
    thinksUp,
    hasty: address => engine.monitor().hastyAddress(address),
    back: address => engine.monitor().back(address),
  }),
).then(
  watch => {
    neighbours.watch = watch
  },
  error => log.warn({ err: error }, 'neighbours cannot be watched'),
)
ways.watch((addresses, link) => {
  // While it is down nothing can be found out.
  if (!link.running) return
  const behind = new Set(addresses)
  for (const { members } of pool.services().values())
    for (const { server, checkKeys } of members)
      if (behind.has(server.address)) for (const key of checkKeys) engine.monitor().hasty(key, false, [0])
})
links.watch(event => {
  // Becoming the holder of a VIP changes what counts for its client paths.
  if (event.type !== 'address' && event.type !== 'address-gone') return
  twoBox.look()
  rejudge()
})

handle = receive
hello(true)
for (const [from, message] of early) receive(from, message)
setInterval(() => {
  tracking.look(systemClock.now())
  evidence.look()
  lookForMassFailure()
  lookWhetherReady()
  tellTable()
}, 250)
setInterval(() => lag.beat(systemClock.now()), lagBeat)
setInterval(() => refresh(stale.take(pool.services().keys(), pool.namesOf)), 2_000)
setInterval(tellChecked, 2_000)
setInterval(() => void leaks.look(), leakPause)
setInterval(() => handshakes.look().catch(error => log.debug({ err: error }, 'connections could not be read')), 1_000)
setTimeout(() => void leaks.look(), 5_000)
// One that is never complete, for want of a table or for good, has started by then all the same.
setTimeout(hurry, slowestStart).unref()

function receive(from: Address, message: Message): void {
  switch (message.type) {
    case 'introduce':
      hello(true)
      pathsSaid = undefined
      tableSaid = undefined
      again()
      tellTable()
      return publish(pool.services().keys())
    case 'settings':
      settings = message.settings.value as CheckerSettings
      settingsHash = message.settings.hash
      engine.limit(settings.checkLimits)
      return tracking.set(settings.tracking)
    case 'services':
      for (const { key, hash, value } of message.upsert) {
        pool.upsert(key, hash, value as ServiceConfig)
        touched.add(key)
        readiness.working()
        sources.upsert(value as ServiceConfig)
      }
      for (const name of message.remove) {
        sources.remove(name)
        pool.remove(name)
        table.forget(name)
        stale.forget(name)
        removed(name)
      }
      return
    case 'synced':
      synced = true
      return void settle().then(() => hello(false))
    case 'peer-paths':
      clientPaths.hear(message.broken, message.heard)
      return rejudge()
    case 'overrides':
      pool.setOverrides(message.overrides)
      overridesKnown ||= message.known
      table.look()
      return publish(pool.services().keys())
    case 'hello':
      // A vrrp process has started: it must hear all contributions and whether we are ready.
      if (from === 'vrrp') {
        tracking.tellAgain()
        massFailure.tellAgain()
        readiness.again()
      }
      return
    case 'leave':
      return void leave(message.how)
    default:
  }
}

/** Carries out what was told: checks, kernel settings, table. */
async function settle(): Promise<void> {
  seeded ??= table.firstVerdicts()
  const first = await seeded
  // What is added later is new: the kernel's table says nothing of it.
  seeded = Promise.resolve(() => undefined)
  readiness.working()
  const { gone, wanted, moved } = pool.changes(first)
  if (moved) {
    servers = pool.addresses()
    ways.learn(servers)
  }
  silence.forget(gone)
  readiness.working()
  const tracked = tracking.changes()
  engine.change([...gone, ...tracked.gone], new Map([...wanted, ...tracked.wanted]))
  readiness.working()
  lookForDoubt()
  pool.judgeServices(touched)
  const told = [...touched]
  touched.clear()
  readiness.working()
  kernelSettings.converge(
    {
      services: pool.configured(),
      sync: settings?.sync !== undefined,
      conntrack: false,
    },
    [
      ...twoBox.settings(settings?.loopback ?? []),
      ...clientPaths.sysctls(
        pool,
        links.all().flatMap(({ name }) => (name === 'lo' ? [] : [name])),
      ),
      ...Object.entries(settings?.sysctls ?? {}).map(([name, value]) => ({
        name,
        value: `${value}`,
        why: 'in the file',
      })),
    ],
  )
  await twoBox.converge()
  await table.open()
  table.look()
  await table.answered()
  publish(told)
}

function turned(key: string): void {
  // After the others of the same moment: what is told is the whole list.
  if (checks.report(key)?.kind === 'client-path' && !pathsDue) {
    pathsDue = true
    setTimeout(pathsTurned, 10)
  }
  if (tracking.verdict(key, checks)) return
  apply(pool.judge(key))
}

/** Something outside the checks changed what those along the clients' paths mean. */
function rejudge(): void {
  lookForDoubt()
  if (synced) apply(pool.judgeServices(clientPaths.services(pool)))
}

function lookForDoubt(): void {
  const { doubted, changed, paths: count } = clientPaths.doubt(pool)
  if (changed) tell(doubtEvent(doubted, count))
}

function apply(turns: ReturnType<typeof pool.judge>): void {
  for (const turn of turns) {
    if (turn.from === turn.to) continue
    const event = turnEvent(turn, checks, Date.now())
    if (event) tell(event)
  }
  if (turns.length === 0) return
  table.look()
  publish(turns.map(turn => turn.member.service.name))
}

function lookForMassFailure(): void {
  if (!massFailure.look(settings?.massFailureGuard.hold ?? 0)) return
  table.look()
  publish(pool.services().keys())
}

function thinksUp(address: string): boolean {
  if (!servers.has(address)) return false
  return [...pool.services().values()].some(({ members }) =>
    members.some(({ server, verdict }) => server.address === address && verdict === 'up'),
  )
}

function tellChecked(): void {
  const { inFlight, queued, lag: late, watch, checks: running } = engine.monitor().metrics()
  channel.send('control', {
    type: 'checked',
    checks: tally.take(),
    lag: Math.round(lag.read(systemClock.now()) * 10) / 10,
    engine: {
      checks: running,
      inFlight,
      queued,
      lag: late.p99,
      watched: watch.held,
      unwatched: Math.max(0, watch.wanted - watch.held),
    },
  })
  engine.monitor().resetLag()
  tellPaths()
}

function pathsTurned(): void {
  pathsDue = false
  tellPaths()
}

/** The other directors hear at once what this one finds along the clients' way. */
function tellPaths(): void {
  const broken = clientPaths.broken(pool, checks)
  const said = JSON.stringify(broken ?? null)
  if (said === pathsSaid) return
  pathsSaid = said
  channel.send('control', { type: 'paths', ...(broken === undefined ? {} : { broken }) })
}

function lookWhetherReady(): void {
  readiness.look({
    configured: settings !== undefined,
    learned: overridesKnown,
    needsTable: pool.services().size > 0,
    table: table.state(),
    refused: table.report(false).failure !== undefined,
    pending: engine.monitor().pending(),
  })
}

function tellTable(): void {
  const report = table.report(readiness.ready())
  const said = JSON.stringify(report)
  if (said === tableSaid) return
  tableSaid = said
  channel.send('control', { type: 'table-status', table: report })
}

function hello(fresh: boolean): void {
  const holds = settingsHash === '' ? {} : { settings: settingsHash }
  channel.send('control', {
    type: 'hello',
    role: 'checkers',
    pid: process.pid,
    fresh,
    holds: { ...pool.holds(), ...holds },
  })
}

function tell(event: Event): void {
  log.debug({ event: event.name }, event.text)
  channel.send('control', { type: 'event', event })
}

async function leave(how: Leave): Promise<void> {
  if (leaving) return
  leaving = true
  sources.stop()
  engine.monitor().stop()
  const clear = how === 'clear' || (how === 'stop' && settings?.onStop === 'clear')
  await table.stop({ clear }).catch(error => log.error({ err: error }, 'the table could not be cleared'))
  if (how === 'stop') await twoBox.leave()
  if (how === 'clear') kernelSettings.restore()
  setTimeout(() => process.exit(0), 20)
}
