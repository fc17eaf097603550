import type { Vip } from '../../vrrp/ports.js'
import { ignoreGone, removal } from './addresses.js'
import { attribute } from './attributes.js'
import { codeOf } from './errno.js'
import { openNetlink, type Request } from './netlink.js'
import { rtm } from './rtnetlink.js'

/**
 * Takes VIPs off their interfaces at once, for a process that is no router itself: the parent, when vrrp has died. Never rejects: what is
 * gone is fine. Resolves with an errno name for each that the kernel would not remove (its lifetime ends it then).
 */
export async function withdraw(vips: readonly Vip[]): Promise<readonly string[]> {
  const netlink = openNetlink()
  const indexes = new Map<string, Promise<number | undefined>>()
  try {
    const results = await Promise.all(
      vips.map(async vip => {
        const index = indexes.get(vip.interface) ?? indexOf(vip.interface)
        indexes.set(vip.interface, index)
        const found = await index
        if (found === undefined) return undefined
        return netlink.request(removal(vip, found)).then(() => undefined, kept)
      }),
    )
    return results.filter(code => code !== undefined)
  } finally {
    netlink.close()
  }

  function kept(error: unknown): string | undefined {
    try {
      ignoreGone(error)
      return undefined
    } catch {
      return codeOf(error) ?? 'EIO'
    }
  }

  /** The kernel looks a name up itself (IFLA_IFNAME); a dump of all interfaces would grow with their number. */
  async function indexOf(name: string): Promise<number | undefined> {
    const request: Request = {
      type: rtm.getLink,
      data: Buffer.concat([Buffer.alloc(16), attribute(3, name)]),
      what: `find ${name}`,
    }
    const reply = await netlink.ask(request).catch(() => undefined)
    return reply?.data.readInt32LE(4)
  }
}
