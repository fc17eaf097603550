import { promises as dns } from 'node:dns'
import { join } from 'node:path'
import { isReading } from '../../checkers/file-start.js'
import { mayBeFinal } from '../../checkers/final-share.js'
import { createAnswers } from '../checking/answers.js'
import { createArpLeaks, leakPause } from '../checking/arp-leaks.js'
import { createClientPaths } from '../checking/client-paths.js'
import { createEngine } from '../checking/engine.js'
import { createEvidence } from '../checking/evidence.js'
import { createKernelSettings } from '../checking/kernel-settings.js'
import { linkHurry } from '../checking/link-hurry.js'
import { createMassFailure } from '../checking/mass-failure.js'
import { neighbourHurry } from '../checking/neighbour-hurry.js'
import { createPool } from '../checking/pool.js'
import { createProbePorts } from '../checking/probe-ports.js'
import { createProbes } from '../checking/probes.js'
import { createReadiness, slowestStart } from '../checking/readiness.js'
import { createReception } from '../checking/reception.js'
import { createSettlement } from '../checking/settlement.js'
import { createSilence } from '../checking/silence.js'
import { sourceMemory } from '../checking/source-memory.js'
import { createSources } from '../checking/sources.js'
import { createStatusFeed } from '../checking/status-feed.js'
import { createStuckHandshakes } from '../checking/stuck-handshakes.js'
import { createTableKeeper } from '../checking/table-keeper.js'
import { createTally } from '../checking/tally.js'
import { createTelling, engineReport, unwatched } from '../checking/telling.js'
import { createTracking } from '../checking/tracking.js'
import { createTwoBox } from '../checking/two-box.js'
import { createVerdicts } from '../checking/verdicts.js'
import { createWays } from '../checking/ways.js'
import { systemClock } from '../clock.js'
import type { CheckerSettings } from '../control/wanted.js'
import { desired } from '../ipvs/desired.js'
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
await promotion('checkers', process.env, () =>
  log.info({ event: 'checkers.ready', spare: true, pid: process.pid }, 'spare checkers process stands ready'),
)
// A spare was loaded without hurry; from its turn on it replaces one that died.
if (process.env['LVSKEEPER_SPARE'] === '1') hurry()
/** ms */
const lagBeat = 50

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
const readiness = createReadiness({
  now: systemClock.now,
  say(ready) {
    channel.send('vrrp', { type: 'ready', ready })
    telling.table()
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
const engine = createEngine({
  clock: systemClock,
  random: Math.random,
  probeFor: createProbes(probePorts, links, clientPaths, address => neighbours.watch?.all().get(address)),
  onVerdict: ({ key }) => verdicts.turned(key),
  onResult(key, { name, probe }, outcome, latency) {
    tally.add(name, probe.kind, outcome, latency)
    silence.heard(key, outcome)
    feed.heard(key)
    // Without a new verdict something else may have changed: what the server asks for.
    if (outcome.wish || pool.asks(key)) verdicts.turned(key)
  },
  dial: probePorts.dial,
  descriptors: descriptorLimit(),
  mayBeFinal: key => mayBeFinal(key, pool.servicesOf(key), key => engine.monitor().byWatch(key)),
  excuse(target, outcome) {
    if (outcome.passed || (outcome.reason !== 'timeout' && outcome.reason !== 'unreachable')) return undefined
    // A tracked gateway that is silent because our link is down is just what tracking shall find.
    return settlement.servers().has(target.address) ? ways.excuse(target) : undefined
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
  evidence: () => evidence.read(settlement.servers()),
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
    settlement.touch(service)
    if (settlement.begun()) void settlement.settle()
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
  linkIndex: name => links.byName(name)?.index ?? 0,
  hidden: clientPaths.isPath,
})
const feed = createStatusFeed(
  { pool, checks, table, held: massFailure, leaks: () => leaks, stuck: () => handshakes },
  (services, gone) => channel.send('control', { type: 'service-status', services, removed: gone }),
)
const { publish } = feed
const leaks = createArpLeaks({ links, pool, tell, changed: service => publish([service]) })
const handshakes = createStuckHandshakes({
  pool,
  now: systemClock.now,
  read: () => readHalfOpen(links.addresses().map(({ address }) => address)),
  quiet: table.settled,
  hasten: key => engine.monitor().hasty(key, false, [0]),
  changed: service => publish([service]),
})
const telling = createTelling({
  send: channel.send,
  holds: () => ({ ...pool.holds(), ...(settingsHash === '' ? {} : { settings: settingsHash }) }),
  table: () => ({ ...table.report(readiness.ready()), ...clientPaths.report(), ...unwatched(engine.monitor()) }),
  paths: () => clientPaths.broken(pool, checks),
  checked() {
    const engineNow = engineReport(engine.monitor().metrics())
    engine.monitor().resetLag()
    return { checks: tally.take(), lag: Math.round(lag.read(systemClock.now()) * 10) / 10, engine: engineNow }
  },
})
const verdicts = createVerdicts({
  pool,
  checks,
  tracking,
  clientPaths,
  tell,
  look: table.look,
  publish,
  pathsTurned: telling.pathsTurned,
})
const settlement = createSettlement({
  pool,
  tracking,
  silence,
  ways,
  links,
  clientPaths,
  kernelSettings,
  twoBox,
  table,
  settings: () => settings,
  change: engine.change,
  doubt: verdicts.doubt,
  publish,
  working: readiness.working,
})
const receive = createReception({
  introduce() {
    telling.hello(true)
    telling.again()
    feed.again()
    telling.table()
    publish(pool.services().keys())
  },
  settings(next, hash) {
    settings = next
    settingsHash = hash
    engine.limit(next.checkLimits)
    tracking.set(next.tracking)
  },
  upsert(name, hash, service) {
    pool.upsert(name, hash, service)
    settlement.touch(name)
    readiness.working()
    sources.upsert(service)
  },
  remove(name) {
    sources.remove(name)
    pool.remove(name)
    table.forget(name)
    feed.removed(name)
  },
  synced: () => void settlement.settle().then(() => telling.hello(false)),
  peerPaths(broken, heard) {
    clientPaths.hear(broken, heard)
    pathsMeanAnother()
  },
  overrides(next, known) {
    const about = pool.setOverrides(next)
    overridesKnown ||= known
    table.look()
    publish(about)
  },
  vrrpStarted() {
    tracking.tellAgain()
    massFailure.tellAgain()
    readiness.again()
  },
  leave: how => void leave(how),
})

watchNeighbours(
  neighbourHurry({
    now: systemClock.now,
    thinksUp: address => settlement.servers().has(address) && verdicts.thinksUp(address),
    hasty: address => engine.monitor().hastyAddress(address),
    back: address => engine.monitor().back(address),
  }),
).then(
  watch => {
    neighbours.watch = watch
  },
  error => log.warn({ err: error }, 'neighbours cannot be watched'),
)
ways.watch(
  linkHurry({
    *members() {
      for (const { members } of pool.services().values()) yield* members
    },
    hasty: (key, pauses) => engine.monitor().hasty(key, false, pauses),
  }),
)
links.watch(event => {
  // Becoming the holder of a VIP changes what counts for its client paths.
  if (event.type !== 'address' && event.type !== 'address-gone') return
  twoBox.look()
  pathsMeanAnother()
})

handle = receive
telling.hello(true)
for (const [from, message] of early) receive(from, message)
setInterval(() => {
  tracking.look(systemClock.now)
  evidence.look()
  lookForMassFailure()
  lookWhetherReady()
  telling.table()
}, 250)
setInterval(() => lag.beat(systemClock.now()), lagBeat)
setInterval(feed.refresh, 2_000)
setInterval(telling.checked, 2_000)
setInterval(() => void leaks.look(), leakPause)
setInterval(() => handshakes.look().catch(error => log.debug({ err: error }, 'connections could not be read')), 1_000)
setTimeout(() => void leaks.look(), 5_000)
// One that is never complete, for want of a table or for good, has started by then all the same.
setTimeout(hurry, slowestStart).unref()

/** Before the first settlement no verdict is judged anew. */
function pathsMeanAnother(): void {
  verdicts.doubt()
  if (settlement.begun()) verdicts.pathsMeanAnother()
}

function lookForMassFailure(): void {
  if (!massFailure.look(settings?.massFailureGuard.hold ?? 0)) return
  table.look()
  publish(pool.services().keys())
}

function lookWhetherReady(): void {
  readiness.look({
    configured: settings !== undefined,
    learned: overridesKnown,
    needsTable: pool.services().size > 0,
    table: table.state(),
    refused: table.failure() !== undefined,
    unsynced: table.unsynced() !== undefined,
    pending: engine.monitor().pending(),
  })
  if (readiness.ready()) hurry()
}

function tell(event: Event): void {
  log.debug({ event: event.name }, event.text)
  telling.event(event)
}

async function leave(how: Leave): Promise<void> {
  if (leaving) return
  leaving = true
  sources.stop()
  engine.monitor().stop()
  const clear = how === 'clear' || (how === 'stop' && settings?.onStop === 'clear')
  await table.stop({ clear }).catch(error => log.error({ err: error }, 'the table could not be cleared'))
  if (how === 'stop') await twoBox.leave()
  if (how === 'clear') {
    await twoBox.clear()
    kernelSettings.restore()
  }
  // process.exit waits for the threads that read files: on a dead network mount for ever.
  setTimeout(() => (isReading() ? process.kill(process.pid, 'SIGKILL') : process.exit(0)), 20)
}
