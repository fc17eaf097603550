import { systemClock } from '../clock.js'
import { kernelAddresses } from '../linux/addresses.js'
import { frameAnnouncer } from '../linux/announcer.js'
import { watchLinks } from '../linux/links.js'
import { applyScheduling } from '../linux/scheduling.js'
import { createLog, type LogLevel } from '../log.js'
import type { Address, Event, Held, Leave, Message } from '../messages.js'
import { noteEvent } from '../vrrp/events.js'
import { createRouters } from '../vrrp/routers.js'
import { createSockets } from '../vrrp/sockets.js'
import { openChannel } from './channel.js'

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
const links = await watchLinks()
const addresses = kernelAddresses(links, {
  onLost(router, { address }) {
    for (const one of routers.each()) if (one.name === router) one.handle.vipLost(address)
  },
  onRefused: (router, error) =>
    tell({
      at: Date.now(),
      name: 'vrrp.renew-refused',
      level: 'alarm',
      subject: `router ${router}`,
      text: `router ${router}: the kernel refused to keep a VIP: ${error.message}`,
    }),
})
const announcer = frameAnnouncer(links)
const sockets = createSockets(links)
const routers = createRouters({
  clock: systemClock,
  links,
  sockets,
  addresses,
  announcer,
  notify(note) {
    const event = noteEvent(note, Date.now())
    if (event) tell(event)
    if (note.type === 'state') tellHeld()
    publish()
  },
  returned: router => channel.send('control', { type: 'returned', router }),
})
/** What the process before this one was master of; undefined until the parent says that it is our turn. */
let promoted: readonly Held[] | undefined
let synced = false
let leaving = false
let publishing = false

links.watch(event => {
  if (event.type === 'link' || event.type === 'link-gone') {
    sockets.rebind()
    const up = event.type === 'link' && event.link.running
    const moved = event.type === 'link' && event.before !== undefined && event.before.master !== event.link.master
    for (const { handle: router } of routers.each()) {
      router.linkChanged(event.link.name, up)
      if (event.type === 'link' && event.before && event.before.name !== event.link.name)
        router.linkChanged(event.before.name, false)
      if (moved) router.reannounce()
    }
  }
  for (const { handle: router } of routers.each()) router.addressChanged()
})

handle = receive
log.info({ event: 'vrrp.ready', spare, ...obtained }, spare ? 'spare vrrp process stands ready' : 'vrrp process is up')
hello(true)
for (const [from, message] of early) receive(from, message)
// The parent watches this: silence means frozen, and frozen means that the VIPs must go.
setInterval(() => channel.send('parent', { type: 'alive' }), 50)
setInterval(publish, 2_000)

function receive(_: Address, message: Message): void {
  switch (message.type) {
    case 'routers':
      routers.upsert(message.upsert)
      return routers.remove(message.remove)
    case 'introduce':
      hello(true)
      return publish()
    case 'synced':
      synced = true
      begin()
      routers.converge()
      tellHeld()
      publish()
      return hello(false)
    case 'promote':
      promoted = message.held
      return begin()
    case 'contribution':
      return routers.contribution(message.contribution)
    case 'ready':
      return routers.ready(message.ready)
    case 'peers':
      return routers.peers(message.peers)
    case 'behind':
      return routers.behind(message.behind)
    case 'leave':
      return void leave(message.how)
    default:
  }
}

/** Starts once there is a configuration, and, for a spare, once it is its turn. */
function begin(): void {
  if (!synced || promoted === undefined || routers.active()) return
  routers.start(promoted)
  // What a crash left and nobody took up again.
  void addresses.sweep().then(gone => {
    if (gone.length > 0)
      log.warn(
        { event: 'vip.swept', addresses: gone.map(({ address }) => address) },
        'VIPs of an earlier process were removed',
      )
  })
  tellHeld()
  publish()
}

function hello(fresh: boolean): void {
  const message = { type: 'hello', role: 'vrrp', pid: process.pid, fresh, holds: routers.holds() } as const
  channel.send('control', message)
  // The checkers tell a new process all that is tracked, and whether the table is complete.
  if (fresh && !synced) channel.send('checkers', message)
}

function tell(event: Event): void {
  channel.send('control', { type: 'event', event })
}

function tellHeld(): void {
  if (routers.active()) channel.send('parent', { type: 'held', held: routers.held() })
}

function publish(): void {
  if (!routers.active() || publishing) return
  publishing = true
  setTimeout(() => {
    publishing = false
    channel.send('control', { type: 'router-status', routers: routers.statuses() })
  }, statusDelay)
}

async function leave(how: Leave): Promise<void> {
  if (leaving) return
  leaving = true
  if (routers.active()) await routers.leave(how === 'restart' ? 'restart' : 'stop')
  if (how !== 'restart') channel.send('parent', { type: 'held', held: [] })
  announcer.close()
  sockets.close()
  // The last messages leave first.
  setTimeout(() => process.exit(0), 20)
}
