import { gratuitousArp } from '../../vrrp/arp.js'
import { unsolicitedAdvertisement } from '../../vrrp/neighbour.js'
import type { Announcer, Vip } from '../../vrrp/ports.js'
import { familyOf, macBytes } from './ip-address.js'
import type { Link, Links } from './links.js'
import { openSender, type PacketSocket } from './packet-socket.js'
import { interfaceSysctl, readSysctl } from './sysctl.js'

export type AnnouncerOptions = {
  /** A frame that the kernel did not take. */
  readonly onRefused?: (vip: Vip, code: string) => void
}

export type FrameAnnouncer = Announcer & { close(): void }

/**
 * Gratuitous ARP and unsolicited neighbour advertisements through AF_PACKET, from the interface's current MAC. Frames are made once per VIP and MAC: an
 * announcement of 255 VIPs is 510 system calls and nothing else.
 */
export function frameAnnouncer(links: Links, options: AnnouncerOptions = {}): FrameAnnouncer {
  const socket: PacketSocket = openSender()
  const made = new Map<string, readonly Uint8Array[]>()

  return {
    announce(vips) {
      let taken = 0
      const routing = new Map<string, boolean>()
      for (const vip of vips) {
        const link = links.byName(vip.interface)
        // NOARP and point-to-point interfaces have no MAC to announce.
        if (link?.mac.length !== 17) {
          options.onRefused?.(vip, link ? 'EOPNOTSUPP' : 'ENODEV')
          continue
        }
        for (const frame of frames(vip, link, isRouter)) {
          const code = socket.send(link.index, frame)
          if (code === undefined) taken++
          else options.onRefused?.(vip, code)
        }
      }
      return taken

      /** Hosts drop their default route when the router flag goes: it says what the interface does now. */
      function isRouter(name: string): boolean {
        const known = routing.get(name) ?? readSysctl(interfaceSysctl('ipv6', name, 'forwarding')) === '1'
        routing.set(name, known)
        return known
      }
    },
    close: () => socket.close(),
  }

  function frames(vip: Vip, link: Link, isRouter: (name: string) => boolean): readonly Uint8Array[] {
    const router = familyOf(vip.address) === 6 && isRouter(link.name)
    const key = `${vip.address} ${link.mac} ${router}`
    const known = made.get(key)
    if (known) return known
    const mac = macBytes(link.mac)
    const fresh =
      familyOf(vip.address) === 4
        ? [gratuitousArp('request', mac, vip.address), gratuitousArp('reply', mac, vip.address)]
        : [unsolicitedAdvertisement(mac, vip.address, router)]
    // Reloads and new MACs leave old frames behind; a fresh start is cheap.
    if (made.size >= 4096) made.clear()
    made.set(key, fresh)
    return fresh
  }
}
