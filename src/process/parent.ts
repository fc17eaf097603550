import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import type { Envelope, Held, Leave, Message, Role } from '../messages.js'
import { age } from '../status/age.js'
import { type Child, startChild } from './child.js'
import { createDeaths } from './deaths.js'
import { environmentOf, type Paths, pidFile } from './paths.js'
import { replacement } from './replacement.js'
import { forgetResume, readResume, writeResume } from './resume.js'
import { createSilences } from './silences.js'
import { createSpares, hasSpare, type SpareRole } from './spares.js'
import { createUnheard } from './unheard.js'

/** What the parent needs of Linux: little, because there is little in it that may fail. */
export interface ParentPorts {
  /** Removes addresses that a dead vrrp process left behind. */
  withdraw(held: readonly Held[]): Promise<void>
  /** systemd's sd_notify(3): READY=1, WATCHDOG=1, STOPPING=1. */
  notify(state: string): void
  log(level: 'info' | 'warn' | 'error', event: string, data: Readonly<Record<string, unknown>>): void
}

/** systemd restarts the unit on this exit code (RestartForceExitStatus); without systemd the parent starts over by itself. */
export const restartExitCode = 75

const roles: readonly Role[] = ['vrrp', 'checkers', 'control']
/** A process that is silent for this long hangs; vrrp's own limit is its peers' patience while it holds a VIP. */
const hungAfter: Readonly<Record<Role, number>> = { vrrp: 10_000, checkers: 15_000, control: 20_000 }
const leaveWithin = 5_000
const watchEvery = 50
/** A spare this old has not died of what its predecessor died of as it started, ms. */
const proven = 10_000

/**
 * Forks vrrp, checkers and control, carries their messages, restarts what dies, and withdraws the VIPs of a vrrp
 * process that is dead or frozen and cannot be back within the other directors' patience. A spare vrrp process, configured but
 * silent, takes over the adverts of a dead one within milliseconds, and a spare checkers process, loaded but silent, the checks.
 */
export function runParent(paths: Paths, env: Readonly<Record<string, string>>, ports: ParentPorts): void {
  const children = new Map<Role, Child>()
  const deaths = createDeaths()
  let held: readonly Held[] = []
  /** The last adverts of what is held left then at the earliest, on this process' clock. */
  let sentAt = performance.now()
  let withdrawal: NodeJS.Timeout | undefined
  let leaving: Leave | undefined
  const unheard = createUnheard()
  const silences = createSilences(tellControl)
  /** Why this process has killed one. */
  const killed = new WeakMap<Child, string>()
  const restart = replacement(
    {
      children,
      startAnew(role) {
        deaths.forget(role)
        start(role)
      },
      dropSpares: () => spares.drop(),
      startSpare: () => spares.start('vrrp'),
      succeed() {
        if (promote('vrrp')) return
        start('vrrp')
        expectHolder('restart')
      },
      tell: event => tellControl({ type: 'event', event }),
    },
    ports.log,
  )
  const spares = createSpares({
    fork: (role, ended) =>
      startChild(role, { ...env, ...environmentOf(paths), LVSKEEPER_SPARE: '1' }, carryFromSpare, ended),
    hindered: () => leaving !== undefined || restart.hinders(),
    died,
    tell: (role, spare) => tellControl({ type: 'spare', role, spare }),
    log: ports.log,
  })

  mkdirSync(paths.run, { recursive: true })
  mkdirSync(paths.state, { recursive: true })
  writeFileSync(pidFile(paths), `${process.pid}\n`)
  resume()
  expectHolder('start')

  process.on('SIGTERM', () => leave('stop'))
  process.on('SIGINT', () => leave('stop'))
  process.on('SIGUSR2', () => leave('restart'))
  process.on('SIGHUP', () => children.get('control')?.send({ type: 'signal', signal: 'reload' }))
  // Judged after the poll phase: signs of life that wait to be read are no silence.
  setInterval(() => setImmediate(watch), watchEvery)

  /** Starts all, to go on with what the processes before were master of. */
  function resume(): void {
    held = readResume(paths)
    sentAt = performance.now()
    for (const role of roles) {
      // A restart begins anew: control reads the file again, whatever died before.
      deaths.forget(role)
      start(role)
    }
  }

  function start(role: Role): void {
    const respawn = deaths.any(role) ? { LVSKEEPER_RESPAWN: '1' } : {}
    const child = startChild(role, { ...env, ...environmentOf(paths), ...respawn }, carry, died)
    children.set(role, child)
    ports.log('info', 'process.started', { role, pid: child.pid })
    const { messages, lost } = unheard.all()
    if (role === 'control' && messages.length + lost > 0) child.send({ type: 'again', messages, lost })
    tellControl({ type: 'child', role, state: 'started', pid: child.pid, at: Date.now() })
  }

  function carry(child: Child, { to, message }: Envelope): void {
    if (to === 'parent') return receive(child, message)
    // Told when it is able to go on, not when it was forked: by then the VIPs may have been withdrawn.
    if (child.role === 'vrrp' && message.type === 'hello' && message.fresh)
      child.send({ type: 'promote', held: remaining() })
    if (to === 'control') unheard.passed(message)
    children.get(to)?.send(message, child.role)
    // The spare hears what vrrp hears, so that it could go on at any moment.
    if (to === 'vrrp' && message.type !== 'ask' && message.type !== 'answer') spares.of(to)?.send(message, child.role)
  }

  function carryFromSpare(child: Child, envelope: Envelope): void {
    if (children.get(child.role) === child) return carry(child, envelope)
    const { to, message } = envelope
    if (message.type === 'stands-ready') return spares.standsReady(child)
    // Vrrp's. What it holds is not what runs: only its start is told, so that it is told everything.
    const pid = children.get('vrrp')?.pid ?? child.pid
    if (message.type === 'hello' && message.fresh && to !== 'parent')
      children.get(to)?.send({ ...message, pid }, 'vrrp')
    if (child !== spares.of('vrrp') || message.type !== 'hello' || message.fresh) return
    spares.standsReady(child)
    restart.configured()
  }

  function receive(child: Child, message: Message): void {
    if (message.type === 'held') {
      if (children.get('vrrp') !== child) return
      // Whoever has just become master has just said so.
      if (held.length === 0) sentAt = performance.now()
      held = message.held
      clearTimeout(withdrawal)
    } else if (message.type === 'alive') {
      if (child.role === 'vrrp' && message.advertAge !== undefined) sentAt = performance.now() - message.advertAge
      if (child === children.get('control')) unheard.alive()
    } else if (message.type === 'started') {
      ports.notify('READY=1')
      spares.startSoon()
      spares.tellAll()
    } else if (message.type === 'stop') leave(message.how)
  }

  function died(child: Child, how: string): void {
    if (children.get(child.role) !== child) return
    children.delete(child.role)
    silences.forget(child)
    const reason = killed.get(child) ?? how
    if (leaving) return
    if (restart.ended(child)) return
    const now = performance.now()
    deaths.add(child, now)
    const { role, pid } = child
    const delay = deaths.delay(role, now)
    const follows = hasSpare(role) && goesOn(role, delay) ? 'spare' : 'start'
    ports.log('error', 'process.died', { role, pid, reason, follows })
    tellControl({ type: 'child', role, state: 'died', pid, at: Date.now(), reason, follows })
    if (follows === 'spare' && hasSpare(role) && promote(role)) return
    if (role === 'vrrp') expectHolder('died')
    setTimeout(() => startAgain(role), delay)
  }

  /**
   * Whether the spare follows at once. Adverts wait for nothing, however often vrrp has died; the pauses are for what dies as it starts, and a
   * spare that has stood ready for long does not.
   */
  function goesOn(role: SpareRole, delay: number): boolean {
    const spare = spares.of(role)
    return spare !== undefined && (role === 'vrrp' || delay === 0 || performance.now() - spare.startedAt > proven)
  }

  function startAgain(role: Role): void {
    if (leaving || children.has(role)) return
    // One that stands ready is faster than one that must start.
    if (!hasSpare(role) || !promote(role)) start(role)
  }

  /** The spare of a role goes on in its place. Answers whether there is one. */
  function promote(role: SpareRole): boolean {
    const child = spares.take(role)
    if (!child) return false
    children.set(role, child)
    child.lastAlive = performance.now()
    deaths.promoted(child, child.lastAlive)
    if (role === 'vrrp') {
      child.send({ type: 'promote', held: remaining() })
      expectHolder('promoted')
    } else child.send({ type: 'take-over' })
    tellControl({ type: 'child', role, state: 'promoted', pid: child.pid, at: Date.now() })
    return true
  }

  /** The other directors wait this long after our last advert; then the VIPs must not be here any more. */
  function expectHolder(why: string): void {
    const lost = held
    clearTimeout(withdrawal)
    if (lost.length === 0) return
    const patience = Math.min(...remaining().map(router => router.patience))
    withdrawal = setTimeout(() => {
      ports.log('warn', 'vip.withdrawn', { routers: lost.map(router => router.router), why })
      held = []
      void ports.withdraw(lost)
    }, patience)
  }

  /** What is left of the other directors' patience: they count from the last advert, not from when we noticed. */
  function remaining(): readonly Held[] {
    const silence = performance.now() - sentAt
    return held.map(router => ({ ...router, patience: Math.max(0, router.patience - silence) }))
  }

  /** Kills what hangs. Own slowness is not theirs: after a late turn of this loop everyone gets one more period. */
  let lastWatch = performance.now()
  function watch(): void {
    const now = performance.now()
    const late = now - lastWatch > 4 * watchEvery
    lastWatch = now
    if (leaving) return
    let fine = true
    for (const child of children.values()) {
      if (late) child.lastAlive = Math.max(child.lastAlive, now - 2 * watchEvery)
      silences.look(child, now)
      const started = now - child.startedAt > 10_000
      const limit = child.role === 'vrrp' && held.length > 0 ? holderLimit() : started ? hungAfter[child.role] : 30_000
      if (now - child.lastAlive <= limit) continue
      fine = false
      const silent = Math.round(now - child.lastAlive)
      ports.log('error', 'process.hung', { role: child.role, pid: child.pid, silent })
      killed.set(child, `killed: it had not answered for ${silent < 1_000 ? `${silent} ms` : age(silent)}`)
      child.lastAlive = now
      child.kill('SIGKILL')
    }
    if (fine && children.size === roles.length) ports.notify('WATCHDOG=1')
  }

  function holderLimit(): number {
    return Math.max(250, Math.min(...held.map(router => router.patience)) * 0.8)
  }

  function leave(how: Leave): void {
    if (leaving) return
    if (how === 'restart' && children.has('vrrp') && !process.env['NOTIFY_SOCKET']) return restart.begin()
    leaving = how
    restart.cancel()
    ports.notify(how === 'restart' ? 'RELOADING=1' : 'STOPPING=1')
    ports.log('info', 'leaving', { how })
    let leftAt = process.hrtime.bigint()
    spares.drop()
    // A restart lasts as long as adverts are missing: vrrp leaves when the others, which are slower at it, are gone.
    const last = how === 'restart' ? children.get('vrrp') : undefined
    let told = last === undefined
    for (const child of children.values()) if (child !== last) child.send({ type: 'leave', how })
    let limit = setTimeout(() => kill(last), leaveWithin)
    const wait = setInterval(() => {
      if (!told && [...children.values()].every(child => child === last)) {
        told = true
        leftAt = process.hrtime.bigint()
        last?.send({ type: 'leave', how })
        clearTimeout(limit)
        limit = setTimeout(kill, leaveWithin)
      }
      if (children.size > 0) return
      clearInterval(wait)
      clearTimeout(limit)
      if (how === 'restart') writeResume(paths, held, leftAt)
      else forgetResume(paths)
      end(how)
    }, 5)
  }

  function end(how: Leave): void {
    if (how === 'restart' && !process.env['NOTIFY_SOCKET']) {
      // No service manager that would start us again: the children are new, this process goes on.
      leaving = undefined
      resume()
      expectHolder('restart')
      return
    }
    rmSync(pidFile(paths), { force: true })
    process.exit(how === 'restart' ? restartExitCode : 0)
  }

  function kill(except?: Child): void {
    for (const child of children.values()) if (child !== except) child.kill('SIGKILL')
  }

  /** Where no control process is there, or it does not go on, the next one hears it. */
  function tellControl(message: Message): void {
    unheard.passed(message)
    children.get('control')?.send(message)
  }
}
