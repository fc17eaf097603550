import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { dial } from '../../checkers/dial.js'
import { mayBeFinal } from '../../checkers/final-share.js'
import { createMonitor } from '../../checkers/monitor.js'
import { probeFor } from '../../checkers/probe-for.js'
import type { ServiceConfig } from '../../config/config.js'
import { createKernelSettings } from '../checking/kernel-settings.js'
import { createPool } from '../checking/pool.js'
import { checkResult, serviceStatus } from '../checking/service-status.js'
import { createTracking } from '../checking/tracking.js'
import { turnEvent } from '../checking/turns.js'
import { systemClock } from '../clock.js'
import type { CheckerSettings } from '../control/wanted.js'
import { desired } from '../ipvs/desired.js'
import { fileJournal } from '../ipvs/journal.js'
import { type Manager, manager } from '../ipvs/manager.js'
import { descriptorLimit } from '../linux/descriptor-limit.js'
import { openIpvs } from '../linux/ipvs.js'
import { createLog, type LogLevel } from '../log.js'
import type { Address, Event, Leave, Message, Question, TableReport } from '../messages.js'
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
const startedAt = systemClock.now()

process.on('SIGTERM', () => {})
process.on('SIGINT', () => {})
const channel = openChannel('checkers', receive, answer, () => void leave('restart'))
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

const monitor = createMonitor({
  clock: systemClock,
  random: Math.random,
  probeFor,
  onVerdict: ({ key }) => turned(key),
  onResult(key, { outcome }) {
    // Without a new verdict something else may have changed: what the server asks for.
    if (outcome.wish) turned(key)
  },
  // Idle connections that see a server's process die (docs/checks.md); a quarter of the file descriptors at most.
  watch: { dial, budget: Math.floor(descriptorLimit() / 4) },
  mayBeFinal: key => mayBeFinal(key, pool.servicesOf(key), monitor.byWatch),
})
const kernelSettings = createKernelSettings(paths.run, tell)
const checks = { report: monitor.report }
const pool = createPool(checks, systemClock.now)
const tracking = createTracking(contribution => channel.send('vrrp', { type: 'contribution', contribution }))

hello(true)
setInterval(() => {
  tracking.look(systemClock.now())
  sayReady()
}, 250)
setInterval(() => publish([...pool.services().keys()]), 2_000)
setTimeout(sayReady, readyAnyway + 50)

function receive(from: Address, message: Message): void {
  switch (message.type) {
    case 'introduce':
      hello(true)
      return publish([...pool.services().keys()])
    case 'settings':
      settings = message.settings.value as CheckerSettings
      settingsHash = message.settings.hash
      return tracking.set(settings.tracking)
    case 'services':
      for (const { key, hash, value } of message.upsert) pool.upsert(key, hash, value as ServiceConfig)
      for (const name of message.remove) {
        pool.remove(name)
        serviceSince.delete(name)
        removed.push(name)
      }
      return
    case 'synced':
      monitor.set(new Map([...pool.wanted(), ...tracking.wanted()]))
      pool.judge()
      kernelSettings.converge({
        services: pool.inputs(() => false),
        twoBox: settings?.twoBox === true,
        sync: settings?.sync !== undefined,
        conntrack: false,
      })
      void openTable().then(async () => {
        table?.look()
        await table?.settled()
        publish([...pool.services().keys()])
        hello(false)
      })
      return
    case 'overrides':
      pool.setOverrides(message.overrides)
      table?.look()
      return publish([...pool.services().keys()])
    case 'hello':
      // A vrrp process has started: it must hear all contributions and whether we are ready.
      if (from === 'vrrp') {
        tracking.tellAgain()
        readySaid = undefined
      }
      return
    case 'leave':
      return void leave(message.how)
    default:
  }
}

function answer(question: Question): unknown {
  if (question.what !== 'explain-server') throw new Refusal('unknown', `checkers cannot answer ${question.what}`)
  const member = pool.member(question.service, question.address, question.port)
  if (!member) throw new Refusal('not-found', 'no such real server')
  return member.checkKeys
    .flatMap(key => monitor.report(key)?.results ?? [])
    .map(checkResult)
    .sort((a, b) => a.at - b.at)
}

function turned(key: string): void {
  if (tracking.verdict(key, checks)) return
  const turns = pool.judge(key)
  for (const turn of turns) {
    if (turn.from === turn.to) continue
    const event = turnEvent(turn, checks, Date.now())
    if (event) tell(event)
  }
  if (turns.length === 0) return
  table?.look()
  publish(turns.map(turn => turn.member.service.name))
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
          want: context =>
            desired(
              pool.inputs(() => false),
              context,
            ),
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
              if (outcome.pending || known?.state === outcome.state) continue
              serviceSince.set(name, { state: outcome.state, since: Date.now() })
              serviceTurned(name, known?.state, outcome)
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
        tell({ at: Date.now(), name: 'table.unavailable', level: 'alarm', subject: 'table', text })
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

function serviceTurned(
  name: string,
  from: string | undefined,
  { state, weightUp, quorum, sorry }: { state: string; weightUp: number; quorum: number; sorry: boolean },
): void {
  if (from === undefined && state === 'up') return
  const tail = sorry ? '; the sorry server answers' : ''
  tell({
    at: Date.now(),
    name: `service.${state}`,
    level: state === 'up' ? 'notice' : 'alarm',
    subject: `service ${name}`,
    text: `service ${name} is ${state}: weight ${weightUp} of quorum ${quorum}${state === 'down' ? tail : ''}`,
    data: { service: name, weightUp, quorum, sorry },
  })
}

/** The table is complete: every check has its first result, and the kernel holds what follows from them. */
function sayReady(): void {
  const settled = table?.state().complete === true && settings !== undefined
  const ready = settled && (monitor.pending() === 0 || systemClock.now() - startedAt > readyAnyway)
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
  monitor.stop()
  const clear = how === 'clear' || (how === 'stop' && settings?.onStop === 'clear')
  await table?.stop({ clear }).catch(error => log.error({ err: error }, 'the table could not be cleared'))
  if (how === 'clear') kernelSettings.restore()
  setTimeout(() => process.exit(0), 20)
}
