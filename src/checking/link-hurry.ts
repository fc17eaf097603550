import type { Link } from '../linux/links.js'
import type { Member } from './pool.js'

/** Of more checks than this each is made once: six of each within 200 ms would be late themselves, and keep others waiting. */
const many = 100

/** When the link that leads to real servers comes back their checks hurry. While it is down nothing can be found out. */
export function linkHurry(ports: {
  members(): Iterable<Pick<Member, 'server' | 'checkKeys'>>
  /** The whole series, or these pauses alone. */
  hasty(key: string, pauses?: readonly number[]): void
}): (addresses: readonly string[], link: Pick<Link, 'running'>) => void {
  return (addresses, link) => {
    if (!link.running) return
    const behind = new Set(addresses)
    const keys = new Set<string>()
    for (const { server, checkKeys } of ports.members())
      if (behind.has(server.address)) for (const key of checkKeys) keys.add(key)
    for (const key of keys) ports.hasty(key, keys.size > many ? [0] : undefined)
  }
}
