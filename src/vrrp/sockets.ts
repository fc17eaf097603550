import type { Family, Lan, Received } from '../../vrrp/ports.js'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import type { Links } from '../linux/links.js'
import { openLan, type VrrpSocket } from '../linux/vrrp-socket.js'
import { type Stray, strayCounter } from './strays.js'

type Shared = {
  readonly key: string
  readonly socket: VrrpSocket
  readonly family: Family
  readonly interface: string
  readonly vrids: Map<number, (packet: Received) => void>
  /** The least of them. */
  first: number
  readonly strays: ReturnType<typeof strayCounter>
}

/** A virtual router's place on a socket that it shares. */
export type Place = {
  readonly lan: Lan
  leave(): void
  /** What came and was for none of our routers, as far as it is put to this one's account: each packet to one router, so that sums stay true. */
  strays(): Readonly<Record<string, number>>
}

/** One raw socket per interface, family and kind, shared by the virtual routers on it. */
export function createSockets(links: Links) {
  const sockets = new Map<string, Shared>()

  /** The socket that a router's configuration asks for. */
  function socketKey(router: VirtualRouter): string {
    const { transport, family, peers } = router
    const minTtl = transport === 'unicast' ? Math.min(255, ...peers.map(peer => peer.minTtl ?? 255)) : 255
    return [interfaceOf(router), family, transport, minTtl].join(' ')
  }

  /** Joins: packets of this vrid come to `receive`. */
  function join(router: VirtualRouter, receive: (packet: Received) => void): Place {
    const key = socketKey(router)
    const shared = sockets.get(key) ?? open(key, router)
    shared.vrids.set(router.vrid, receive)
    listen(shared)
    return {
      lan: { ...shared.socket.lan, drain: () => shared.socket.drain() },
      leave() {
        if (shared.vrids.get(router.vrid) === receive) shared.vrids.delete(router.vrid)
        if (shared.vrids.size > 0) return listen(shared)
        shared.socket.close()
        if (sockets.get(key) === shared) sockets.delete(key)
      },
      strays: () => shared.strays.of(router.vrid, router.vrid === shared.first),
    }
  }

  function listen(shared: Shared): void {
    const vrids = [...shared.vrids.keys()]
    shared.first = Math.min(...vrids)
    shared.socket.listen(vrids)
  }

  function open(key: string, router: VirtualRouter): Shared {
    const { family, transport: kind } = router
    const name = interfaceOf(router)
    const vrids: Shared['vrids'] = new Map()
    const ttl = Number(key.split(' ').at(-1))
    const own = router.directors.find(({ name: director }) => director === router.director)?.addresses ?? []
    const source = () => {
      // Unicast leaves from the address that the other directors know from the file.
      const configured = kind === 'unicast' ? own.find(address => address.includes(':') === (family === 6)) : undefined
      return configured ?? links.primary(name, family)
    }
    const socket = openLan({ interface: name, family, kind, source, minTtl: ttl }, packet => {
      // RFC 9568 5.2: the second byte is the virtual router; the filter let no shorter packet through.
      vrids.get(packet.payload[1] ?? 0)?.(packet)
    })
    const strays = strayCounter(family, ttl)
    const shared: Shared = { key, socket, family, interface: name, vrids, first: router.vrid, strays }
    sockets.set(key, shared)
    return shared
  }

  return {
    join,
    key: socketKey,
    /** After changes of interfaces: what vanished and came back is opened again. */
    rebind(): void {
      for (const { socket } of sockets.values()) socket.rebind()
    },
    /** Once a second: what reached protocol 112 but none of our virtual routers, by interface. */
    look(): readonly { readonly interface: string; readonly strays: readonly Stray[] }[] {
      return [...sockets.values()].map(({ interface: name, socket, vrids, strays }) => ({
        interface: name,
        strays: strays.take(socket.strays(), [...vrids.keys()]),
      }))
    },
    close(): void {
      for (const { socket } of sockets.values()) socket.close()
      sockets.clear()
    },
  }
}

export type Sockets = ReturnType<typeof createSockets>

/** Adverts leave from the macvlan with the virtual MAC unless they are to leave from its parent. */
function interfaceOf({ interface: name, virtualMac }: VirtualRouter): string {
  return virtualMac && !virtualMac.transmitOnParent ? virtualMac.interface : name
}
