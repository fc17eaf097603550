import { promises as dns } from 'node:dns'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { mayBeFinal } from '../../checkers/final-share.js'
import type { ServiceConfig } from '../../config/config.js'
import { createArpLeaks, leakPause } from '../checking/arp-leaks.js'
import { createClientPaths } from '../checking/client-paths.js'
import { createEngine } from '../checking/engine.js'
import { createEvidence } from '../checking/evidence.js'
import { firstVerdict } from '../checking/first-verdicts.js'
import { createKernelSettings } from '../checking/kernel-settings.js'
import { createMassFailure } from '../checking/mass-failure.js'
import { neighbourHurry } from '../checking/neighbour-hurry.js'
import { createPool, type Member } from '../checking/pool.js'
import { createProbePorts } from '../checking/probe-ports.js'
import { createProbes } from '../checking/probes.js'
import { checkResult, serviceStatus } from '../checking/service-status.js'
import { createSilence } from '../checking/silence.js'
import { sourceMemory } from '../checking/source-memory.js'
import { createSources } from '../checking/sources.js'
import { serviceEvent } from '../checking/table-events.js'
import { createTally } from '../checking/tally.js'
import { createTracking } from '../checking/tracking.js'
import { turnEvent } from '../checking/turns.js'
import { createWays } from '../checking/ways.js'
import { systemClock } from '../clock.js'
import type { CheckerSettings } from '../control/wanted.js'
import { desired } from '../ipvs/desired.js'
import { fileJournal } from '../ipvs/journal.js'
import { type Manager, manager } from '../ipvs/manager.js'
import { descriptorLimit } from '../linux/descriptor-limit.js'
import { openIpvs } from '../linux/ipvs.js'
import { watchLinks } from '../linux/links.js'
import { type NeighbourWatch, watchNeighbours } from '../linux/watch-neighbours.js'
import { createLog, type LogLevel } from '../log.js'
import type { Address, Event, Leave, Message, Question, TableReport } from '../messages.js'
import { loopLag } from '../vrrp/lag.js'
import { openChannel, Refusal, sayAlive } from './channel.js'
import { pathsFromEnvironment } from './paths.js'

/** The checkers process: health checks, tracking, and the only writer of the IPVS table. */

const paths = pathsFromEnvironment(process.env)
const node = process.env['LVSKEEPER_NODE']
const log = createLog({
  level: (process.env['LVSKEEPER_LOG_LEVEL'] ?? 'info') as LogLevel,
  role: 'checkers',
  ...(node ? { node } : {}),
})
/** Whatever is still unknown then, the director takes part in the election (DESIGN invariant 7). */
const readyAnyway = 10_000
const statusDelay = 50
/** ms */
const lagBeat = 50
const startedAt = systemClock.now()

process.on('SIGTERM', () => {})
process.on('SIGINT', () => {})
const early: [Address, Message][] = []
let handle = (from: Address, message: Message): void => void early.push([from, message])
const channel = openChannel(
  'checkers',
  (from, message) => handle(from, message),
  answer,
  () => void leave('restart'),
)
sayAlive(channel, 500)

let settings: CheckerSettings | undefined
let settingsHash = ''
let table: Manager | undefined
let opening: Promise<void> | undefined
let failure: string | undefined
let repairs = 0
let lastRepair: TableReport['lastRepair']
let readySaid: boolean | undefined
let leaving = false
const changed = new Set<string>()
const serviceSince = new Map<string, { state: string; since: number }>()
const removed: string[] = []
let publishing = false

const links = await watchLinks()
const ways = createWays(links)
const probePorts = createProbePorts(links, ways, systemClock.now)
const clientPaths = createClientPaths(vip => links.addresses().some(({ address }) => address === vip))
const silence = createSilence(systemClock.now)
const tally = createTally()
const lag = loopLag(lagBeat)
let servers: ReadonlySet<string> = new Set()
const engine = createEngine({
  clock: systemClock,
  random: Math.random,
  probeFor: createProbes(probePorts, links, clientPaths),
  onVerdict: ({ key }) => turned(key),
  onResult(key, result) {
    const report = engine.monitor().report(key)
    if (report) tally.add(report.name, report.kind, result)
    silence.heard(key, result.outcome)
    // Without a new verdict something else may have changed: what the server asks for.
    if (result.outcome.wish) turned(key)
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
const checks = { report: (key: string) => engine.monitor().report(key) }
const pool = createPool(checks, systemClock.now, (spec, own) => clientPaths.verdict(spec, own))
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
    if (synced) void settle()
  },
})
const leaks = createArpLeaks({ links, pool, tell, changed: service => publish([service]) })
let synced = false
let seeded: Promise<(member: Member) => 'up' | 'down' | undefined> | undefined
let pathsSaid: string | undefined

watchNeighbours(neighbourHurry(systemClock.now, thinksUp, address => engine.monitor().hastyAddress(address))).then(
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
  if (event.type === 'address' || event.type === 'address-gone') rejudge()
})

handle = receive
hello(true)
for (const [from, message] of early) receive(from, message)
setInterval(() => {
  tracking.look(systemClock.now())
  evidence.look()
  lookForMassFailure()
  sayReady()
}, 250)
setInterval(() => lag.beat(systemClock.now()), lagBeat)
setInterval(() => publish([...pool.services().keys()]), 2_000)
setInterval(tellChecked, 2_000)
setInterval(() => void leaks.look(), leakPause)
setTimeout(() => void leaks.look(), 5_000)
setTimeout(sayReady, readyAnyway + 50)

function receive(from: Address, message: Message): void {
  switch (message.type) {
    case 'introduce':
      hello(true)
      pathsSaid = undefined
      return publish([...pool.services().keys()])
    case 'settings':
      settings = message.settings.value as CheckerSettings
      settingsHash = message.settings.hash
      engine.limit(settings.checkLimits)
      return tracking.set(settings.tracking)
    case 'services':
      for (const { key, hash, value } of message.upsert) {
        pool.upsert(key, hash, value as ServiceConfig)
        sources.upsert(value as ServiceConfig)
      }
      for (const name of message.remove) {
        sources.remove(name)
        pool.remove(name)
        serviceSince.delete(name)
        removed.push(name)
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
      table?.look()
      return publish([...pool.services().keys()])
    case 'hello':
      // A vrrp process has started: it must hear all contributions and whether we are ready.
      if (from === 'vrrp') {
        tracking.tellAgain()
        massFailure.tellAgain()
        readySaid = undefined
      }
      return
    case 'leave':
      return void leave(message.how)
    default:
  }
}

/** Carries out what was told: checks, kernel settings, table. */
async function settle(): Promise<void> {
  seeded ??= readFirstVerdicts()
  const first = await seeded
  // What is added later is new: the kernel's table says nothing of it.
  seeded = Promise.resolve(() => undefined)
  const wanted = new Map([...pool.wanted(first), ...tracking.wanted()])
  servers = new Set([...pool.services().values()].flatMap(({ members }) => members.map(({ server }) => server.address)))
  ways.learn(servers)
  silence.forget(wanted)
  engine.set(wanted)
  pool.judge()
  kernelSettings.converge(
    {
      services: pool.inputs(() => false),
      twoBox: settings?.twoBox === true,
      sync: settings?.sync !== undefined,
      conntrack: false,
    },
    [
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
  await openTable()
  table?.look()
  await table?.settled()
  publish([...pool.services().keys()])
}

/** What the process before this one left in the kernel: a dead real server must not come back because we are new. */
async function readFirstVerdicts(): Promise<(member: Member) => 'up' | 'down' | undefined> {
  try {
    const kernel = await openIpvs()
    try {
      const [held, journal] = await Promise.all([
        kernel.listFast(),
        fileJournal(join(paths.state, 'table.json')).read(),
      ])
      return ({ service, server }) => firstVerdict(service, server, held, journal)
    } finally {
      kernel.close()
    }
  } catch {
    // No table to read: `openTable` tells it.
    return () => undefined
  }
}

function answer(question: Question): unknown {
  switch (question.what) {
    case 'push': {
      const { id, passed, text } = question
      const known = [...pool.services().values()].some(({ members }) =>
        members.some(({ server }) => server.checks.some(({ probe }) => probe.kind === 'push' && probe.id === id)),
      )
      if (!known) throw new Refusal('not-found', `no check of kind push has the id ${id}`)
      const detail = text === undefined ? {} : { detail: text }
      probePorts.reports.add(
        id,
        '*',
        passed
          ? { passed: true, layer: 'L7OK', ...detail }
          : { passed: false, reason: 'not-serving', layer: 'L7RSP', ...detail },
      )
      for (const [key] of pushed(id)) engine.monitor().hasty(key, false, [0])
      return null
    }
    case 'resume':
    case 'explain-server': {
      const member = pool.member(question.service, question.address, question.port)
      if (!member) throw new Refusal('not-found', 'no such real server')
      const { checkKeys } = member
      if (question.what === 'resume') {
        const held = checkKeys.filter(key => checks.report(key)?.held === 'manual-resume')
        for (const key of held) engine.monitor().resume(key)
        return held.length
      }
      return checkKeys
        .flatMap(key => checks.report(key)?.results ?? [])
        .map(checkResult)
        .sort((a, b) => a.at - b.at)
    }
    default:
      throw new Refusal('unknown', 'checkers cannot answer that')
  }
}

/** The checks that a report is for. */
function pushed(id: string): (readonly [string, Member])[] {
  return [...pool.services().values()].flatMap(({ members }) =>
    members.flatMap(member =>
      member.server.checks.flatMap(({ probe }, at) => {
        const key = member.checkKeys[at]
        return probe.kind === 'push' && probe.id === id && key !== undefined ? [[key, member] as const] : []
      }),
    ),
  )
}

function turned(key: string): void {
  if (tracking.verdict(key, checks)) return
  apply(pool.judge(key))
}

/** Something outside the checks changed what they mean. */
function rejudge(): void {
  if (synced) apply(pool.judge())
}

function apply(turns: ReturnType<typeof pool.judge>): void {
  for (const turn of turns) {
    if (turn.from === turn.to) continue
    const event = turnEvent(turn, checks, Date.now())
    if (event) tell(event)
  }
  if (turns.length === 0) return
  table?.look()
  publish(turns.map(turn => turn.member.service.name))
}

function lookForMassFailure(): void {
  if (!massFailure.look(settings?.massFailureGuard.hold ?? 0)) return
  table?.look()
  publish([...pool.services().keys()])
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
  const broken = clientPaths.broken(pool, checks)
  const said = JSON.stringify(broken ?? null)
  if (said === pathsSaid) return
  pathsSaid = said
  channel.send('control', { type: 'paths', ...(broken === undefined ? {} : { broken }) })
}

/** Opens the kernel's table once; where the kernel has none it is tried again, and said. */
async function openTable(): Promise<void> {
  if (table) return
  opening ??= (async () => {
    try {
      mkdirSync(paths.state, { recursive: true })
      const kernel = await openIpvs()
      table = manager(
        { kernel, clock: systemClock, journal: fileJournal(join(paths.state, 'table.json')) },
        {
          want(context) {
            // Before the verdicts of a burst are carried out, once for all of them.
            if (massFailure.look(settings?.massFailureGuard.hold ?? 0)) publish([...pool.services().keys()])
            return desired([...pool.inputs(massFailure.held), ...clientPaths.inputs(pool)], context)
          },
          globals: () => globals(),
          drift: () => settings?.drift ?? 'repair',
          onEvent(event) {
            if (event.name === 'table.drift') {
              repairs++
              lastRepair = { at: Date.now(), text: event.text }
            }
            tell({ ...event, at: Date.now() })
          },
          onPass({ desired: { services } }) {
            tracking.quorum(services)
            for (const [name, outcome] of services) {
              const known = serviceSince.get(name)
              if (outcome.pending || known?.state === outcome.state || clientPaths.isPath(name)) continue
              serviceSince.set(name, { state: outcome.state, since: Date.now() })
              const event = serviceEvent(name, known?.state, outcome, Date.now())
              if (event) tell(event)
            }
            sayReady()
          },
        },
      )
      failure = undefined
      await table.start()
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      if (failure === undefined)
        tell({
          at: Date.now(),
          name: 'table.unavailable',
          level: pool.services().size === 0 ? 'info' : 'alarm',
          subject: 'table',
          text,
        })
      failure = text
      opening = undefined
      setTimeout(() => void openTable(), 2_000)
    }
  })()
  return opening
}

function globals() {
  const { timeouts, sync } = settings ?? {}
  return {
    ...(timeouts ? { timeouts } : {}),
    ...(sync ? { daemons: (['master', 'backup'] as const).map(role => ({ ...sync, role })) } : {}),
  }
}

/** The table is complete: every check has its first result, and the kernel holds what follows from them. */
function sayReady(): void {
  // A director without virtual servers needs no table to be ready: VRRP alone runs on a kernel without IPVS, too.
  const complete = pool.services().size === 0 || table?.state().complete === true
  const settled = complete && settings !== undefined
  const ready = settled && (engine.monitor().pending() === 0 || systemClock.now() - startedAt > readyAnyway)
  if (ready === readySaid) return
  readySaid = ready
  channel.send('vrrp', { type: 'ready', ready })
  tellTable()
}

function tellTable(): void {
  const state = table?.state()
  const names = state?.desired?.names
  const foreign = state?.fast && names ? Math.max(0, state.fast.size - state.actual.size) : 0
  const refused = state?.failed[0]
  channel.send('control', {
    type: 'table-status',
    table: {
      complete: readySaid === true,
      repairs,
      foreign,
      ...(lastRepair ? { lastRepair } : {}),
      ...(failure !== undefined ? { failure } : refused ? { failure: `${refused.entry}: ${refused.errno}` } : {}),
    },
  })
}

/** Sends what changed, many changes as one message. */
function publish(names: readonly string[]): void {
  for (const name of names) changed.add(name)
  if (publishing) return
  publishing = true
  setTimeout(() => {
    publishing = false
    const state = table?.state()
    const services = [...changed].flatMap(
      name =>
        serviceStatus(
          name,
          pool,
          checks,
          state?.desired?.services.get(name),
          state?.fast,
          serviceSince.get(name)?.since ?? Date.now(),
          { held: massFailure, leaks: leaks.of(name) },
        ) ?? [],
    )
    changed.clear()
    channel.send('control', { type: 'service-status', services, removed: removed.splice(0) })
    tellTable()
  }, statusDelay)
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
  await table?.stop({ clear }).catch(error => log.error({ err: error }, 'the table could not be cleared'))
  if (how === 'clear') kernelSettings.restore()
  setTimeout(() => process.exit(0), 20)
}
