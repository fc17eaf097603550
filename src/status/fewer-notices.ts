import type { ServiceStatus } from '../messages.js'
import { age } from './age.js'
import { why } from './notices.js'
import type { Notice, Status } from './status.js'

/**
 * The notices on at most so many lines, as far as real servers that are down are to blame: those of one service on one
 * line, or all of them. A switch that dies at night is one sentence, not a hundred.
 */
export function fewerNotices({ notices, services, at }: Status, room: number): readonly Notice[] {
  if (notices.length <= room) return notices
  const broken = services.filter(service => downOf(service).length > 0)
  const each = replaced(
    notices,
    broken.map(service => oneService(service, at)),
  )
  if (each.length <= room || broken.length < 2) return each
  return replaced(notices, [allServices(broken, at)])
}

/** These in place of one notice for each real server. */
function replaced(notices: readonly Notice[], by: readonly Notice[]): readonly Notice[] {
  const first = notices.findIndex(isDown)
  if (first < 0) return notices
  return [...notices.slice(0, first), ...by, ...notices.slice(first).filter(notice => !isDown(notice))]
}

const isDown = ({ code }: Notice) => code === 'server.down'

function downOf({ realServers }: ServiceStatus): ServiceStatus['realServers'] {
  return realServers.filter(({ state }) => state === 'down')
}

function oneService(service: ServiceStatus, now: number): Notice {
  const { name, realServers } = service
  const text = `${downOf(service).length} of ${realServers.length} real servers ${reasons([service], now)}`
  return { level: 'warning', code: 'server.down', subject: `service ${name}`, text, next: `lvskeeper explain ${name}` }
}

function allServices(services: readonly ServiceStatus[], now: number): Notice {
  const down = services.reduce((sum, service) => sum + downOf(service).length, 0)
  const text = `${down} real servers of ${services.length} services ${reasons(services, now)}`
  return { level: 'warning', code: 'server.down', subject: 'services', text, next: 'lvskeeper events' }
}

/** Since when, and the most frequent reason. */
function reasons(services: readonly ServiceStatus[], now: number): string {
  const down = services.flatMap(service => downOf(service))
  const counts = new Map<string, number>()
  for (const server of down) counts.set(why(server), (counts.get(why(server)) ?? 0) + 1)
  const [first, ...others] = [...counts].sort(([, a], [, b]) => b - a)
  const most = `${first?.[0]}${others.length === 0 ? '' : ` (${first?.[1]} of them)`}`
  return `down, the first for ${age(now - Math.min(...down.map(({ since }) => since)))}: ${most}`
}
