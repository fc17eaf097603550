import { join } from 'node:path'
import { movingVips } from '../../vrrp/virtual-router.js'
import { kernelAddresses } from '../linux/addresses.js'
import { frameAnnouncer } from '../linux/announcer.js'
import { watchLinks } from '../linux/links.js'
import { kernelMacvlans } from '../linux/macvlan.js'
import { kernelRoutes } from '../linux/routes.js'
import { ownProtocol } from '../linux/rtnetlink.js'
import { applyScheduling } from '../linux/scheduling.js'
import { sysctlJournal } from '../linux/sysctl-journal.js'
import { withBalancing } from '../linux/with-balancing.js'
import { withRoutes } from '../linux/with-routes.js'
import { createLog, type LogLevel } from '../log.js'
import type { Address, Event, Held, Leave, Message } from '../messages.js'
import { exactClock } from '../vrrp/clock.js'
import { createConflicts } from '../vrrp/conflicts.js'
import { addressesEvent, conflictEvent, noteEvent, strayEvents } from '../vrrp/events.js'
import { createHush } from '../vrrp/hush.js'
import { loopLag } from '../vrrp/lag.js'
import { sparingOwn } from '../vrrp/own-addresses.js'
import { quiet } from '../vrrp/quiet.js'
import { createRouters } from '../vrrp/routers.js'
import { createSockets } from '../vrrp/sockets.js'
import { statusNews } from '../vrrp/status-news.js'
import { statusTurns } from '../vrrp/status-turns.js'
import { createVirtualMacs } from '../vrrp/virtual-macs.js'
import { openChannel } from './channel.js'
import { pathsFromEnvironment } from './paths.js'

/** The vrrp process: adverts, election, VIPs, announcements. Nothing else may run here, nothing may delay an advert. */

const spare = process.env['LVSKEEPER_SPARE'] === '1'
const node = process.env['LVSKEEPER_NODE']
const log = createLog({
  level: (process.env['LVSKEEPER_LOG_LEVEL'] ?? 'info') as LogLevel,
  role: 'vrrp',
  ...(node ? { node } : {}),
})
/** Changes of one burst are one status message. */
const statusDelay = 20
/** How long the other processes hear nothing of a takeover but what they must, ms. */
const hushed = 100
/** The parent watches this: silence means frozen, and frozen means that the VIPs must go. */
const aliveEvery = 50
/** Whoever goes on as master has its routes again by then, ms. */
const sweepRoutesAfter = 500
/** After a takeover: when the old master has let go, and when its kernel must have (the VIPs' lifetime). */
const conflictLooks = [1_000, 5_000]

process.on('SIGTERM', () => {})
process.on('SIGINT', () => {})
const early: [Address, Message][] = []
let handle: (from: Address, message: Message) => void = (from, message) => early.push([from, message])
const channel = openChannel(
  'vrrp',
  (from, message) => handle(from, message),
  () => undefined,
  () => void leave('restart'),
)

const obtained = applyScheduling({ realtime: 10, nice: -20, oomScoreAdjust: -1000 })
const clock = exactClock(error =>
  log.warn({ event: 'clock.coarse', err: error }, 'no exact timer; deadlines are whole milliseconds'),
)
const lag = loopLag(aliveEvery)
const mayTell = quiet(clock.now)
const news = statusNews()
const hush = createHush(clock, hushed)
const links = await watchLinks()
const kernel = kernelAddresses(links, {
  onLost(router, { address }) {
    for (const one of routers.each()) if (one.name === router) one.handle.vipLost(address)
  },
  onRefused(router, error) {
    const left = mayTell(`renew ${router}`)
    if (left !== undefined) tell(addressesEvent(router, error.message, left, Date.now()))
  },
})
const routes = kernelRoutes(links)
const find = (name: string) => routers.config(name)
const addresses = withBalancing(withRoutes(sparingOwn(kernel, links, find), routes, find))
const virtualMacs = createVirtualMacs({
  links,
  macvlans: kernelMacvlans(links),
  journal: sysctlJournal(join(pathsFromEnvironment(process.env).run, 'sysctl.json')),
  refused: (name, why) => log.error({ event: 'virtual-mac.refused', interface: name, why }, 'virtual-mac.refused'),
})
const announcer = frameAnnouncer(links)
const sockets = createSockets(links)
const conflicts = createConflicts({
  links,
  found(conflict) {
    const left = mayTell(`conflict ${conflict.address} ${conflict.mac}`)
    if (left !== undefined) tell(conflictEvent(conflict, Date.now()))
  },
})
const routers = createRouters({
  clock,
  links,
  sockets,
  addresses,
  announcer,
  notify(note) {
    if (note.type === 'state') {
      if (note.to === 'master') hush.begin()
      tellHeldSoon()
      lookForConflicts(note.router, note.to === 'master' ? conflictLooks : note.to === 'backup' ? [0] : [])
    }
    const event = noteEvent(note, Date.now())
    if (event) tell(event)
    // In good time: the timer runs for three intervals yet, and does not wait for the answer.
    if (note.type === 'notice' && note.code === 'will-preempt') lookForConflicts(note.router, [0])
    publish()
  },
  returned: router => channel.send('control', { type: 'returned', router }),
})
/** What the process before this one was master of; undefined until the parent says that it is our turn. */
let promoted: { readonly held: readonly Held[]; readonly at: number } | undefined
let synced = false
let leaving = false
let publishing = false
const readStatuses = statusTurns({
  names: routers.names,
  status: routers.status,
  each: news.look,
  done() {
    const longest = Math.round(lag.read(clock.now()) * 10) / 10
    channel.send('control', { type: 'router-status', ...news.take(), lag: longest })
  },
  turn: setImmediate,
})
let tellingHeld = false

links.watch(event => {
  if (event.type === 'link' || event.type === 'link-gone') {
    sockets.rebind()
    // A parent that appears carries its macvlans again.
    if (routers.active() && (event.type === 'link-gone' || !event.before))
      void virtualMacs.look().then(changed => changed && sockets.rebind())
    const { name } = event.link
    const former = event.type === 'link' && event.before && event.before.name !== name ? event.before.name : undefined
    const moved = event.type === 'link' && event.before !== undefined && event.before.master !== event.link.master
    for (const { handle: router } of routers.each()) {
      router.linkChanged(name, links.byName(name)?.running)
      if (former !== undefined) router.linkChanged(former, links.byName(former)?.running)
      if (moved) router.reannounce()
    }
  }
  // The kernel tells the neighbours as often as the bond's num_grat_arp says, which may be never.
  if (event.type === 'link-moved') for (const { handle: router } of routers.each()) router.reannounce()
  // VIPs are no source of adverts: that 255 of them came must not make 255 routers look 255 times.
  const ours = 'address' in event && event.address.protocol === ownProtocol
  if (!ours) for (const { handle: router } of routers.each()) router.addressChanged()
})

handle = receive
log.info({ event: 'vrrp.ready', spare, ...obtained }, spare ? 'spare vrrp process stands ready' : 'vrrp process is up')
hello(true)
for (const [from, message] of early) receive(from, message)
if (!spare) sayAlive()
setInterval(publish, 2_000)
setInterval(lookForStrays, 1_000)

function receive(_: Address, message: Message): void {
  switch (message.type) {
    case 'routers':
      routers.upsert(message.upsert)
      return routers.remove(message.remove)
    case 'introduce':
      news.forget()
      hello(true)
      return publish()
    case 'synced':
      synced = true
      return void carryOut()
    case 'promote':
      // Nobody asks whether a spare is alive; from now on everybody does.
      if (spare && !promoted) sayAlive()
      promoted = { held: message.held, at: clock.now() }
      return void carryOut()
    case 'contribution':
      return routers.contribution(message.contribution)
    case 'ready':
      return routers.ready(message.ready)
    case 'peers':
      routers.peers(message.peers)
      return routers.impostor(message.impostor)
    case 'behind':
      return routers.behind(message.behind)
    case 'leave':
      return void leave(message.how)
    default:
  }
}

function sayAlive(): void {
  setInterval(() => {
    lag.beat(clock.now())
    const advertAge = routers.advertAge()
    channel.send('parent', { type: 'alive', ...(advertAge === undefined ? {} : { advertAge }) })
  }, aliveEvery)
}

/**
 * Brings what runs to what was told: once there is a configuration and, for a spare, once it is its turn. The interfaces
 * of virtual MACs come first; without any this goes through in one turn of the loop.
 */
async function carryOut(): Promise<void> {
  if (!synced) return
  if (promoted === undefined) return hello(false)
  const needed = virtualMacs.set(routers.configs())
  if (needed) await needed
  if (leaving) return
  if (routers.active()) routers.converge()
  else {
    routers.start(promoted.held, promoted.at)
    void sweep()
  }
  tellHeld()
  publish()
  hello(false)
}

/** Removes what a crash left and nobody took up again. */
async function sweep(): Promise<void> {
  const gone = await kernel.sweep(routers.configs().flatMap(movingVips))
  // Routes are claimed after the VIPs: those of a router that goes on must not be gone for a moment.
  await new Promise<void>(wake => clock.at(clock.now() + sweepRoutesAfter, wake))
  const lost = leaving ? 0 : await routes.sweep()
  if (gone.length > 0 || lost > 0)
    log.warn(
      { event: 'vip.swept', addresses: gone.map(({ address }) => address), routes: lost },
      'VIPs and routes of an earlier process were removed',
    )
}

function lookForConflicts(router: string, delays: readonly number[]): void {
  const at = delays.map(delay => clock.now() + delay)
  for (const when of at)
    clock.at(when, () => {
      const running = routers.each().find(({ name }) => name === router)
      if (!running || leaving) return
      void conflicts.look(running.config, () => running.handle.membership().state === 'master')
    })
}

function lookForStrays(): void {
  if (!routers.active()) return
  for (const { interface: name, strays } of sockets.look())
    for (const event of strayEvents(name, strays, mayTell, Date.now())) tell(event)
}

function hello(fresh: boolean): void {
  const message = { type: 'hello', role: 'vrrp', pid: process.pid, fresh, holds: routers.holds() } as const
  channel.send('control', message)
  // The checkers tell a new process all that is tracked, and whether the table is complete.
  if (fresh && !synced) channel.send('checkers', message)
}

function tell(event: Event): void {
  hush.later(() => channel.send('control', { type: 'event', event }))
}

/** Once for all routers that change in this turn, and after the kernel was asked for their VIPs. */
function tellHeldSoon(): void {
  if (tellingHeld) return
  tellingHeld = true
  setImmediate(() => {
    tellingHeld = false
    tellHeld()
  })
}

function tellHeld(): void {
  // Who leaves says by itself what stays.
  if (routers.active() && !leaving) channel.send('parent', { type: 'held', held: routers.held() })
}

function publish(): void {
  if (!routers.active() || publishing) return
  publishing = true
  setTimeout(() => hush.later(tellStatus), statusDelay)
}

function tellStatus(): void {
  publishing = false
  readStatuses()
}

async function leave(how: Leave): Promise<void> {
  if (leaving) return
  leaving = true
  hush.end()
  if (routers.active()) {
    // The last advert announces a slower pace: this is how long the others wait for the next process.
    const kept = routers.keptOverRestart()
    if (how === 'restart') channel.send('parent', { type: 'held', held: kept })
    await routers.leave(how === 'restart' ? 'restart' : 'stop')
    if (how !== 'restart') await virtualMacs.clear()
  }
  if (how !== 'restart') channel.send('parent', { type: 'held', held: [] })
  announcer.close()
  sockets.close()
  // The last messages leave first.
  setTimeout(() => process.exit(0), 20)
}
