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
  readonly strays: ReturnType<typeof strayCounter>
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

  /** Joins: packets of this vrid come to `receive`. Call the result to leave. */
  function join(router: VirtualRouter, receive: (packet: Received) => void): { readonly lan: Lan; leave(): void } {
    const key = socketKey(router)
    const shared = sockets.get(key) ?? open(key, router)
    shared.vrids.set(router.vrid, receive)
    shared.socket.listen([...shared.vrids.keys()])
    return {
      lan: { ...shared.socket.lan, drain: () => shared.socket.drain() },
      leave() {
        if (shared.vrids.get(router.vrid) === receive) shared.vrids.delete(router.vrid)
        if (shared.vrids.size > 0) return shared.socket.listen([...shared.vrids.keys()])
        shared.socket.close()
        if (sockets.get(key) === shared) sockets.delete(key)
      },
    }
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
    const shared = { key, socket, family, interface: name, vrids, strays: strayCounter(family, ttl) }
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
    /** Of those, what is put to this router's account: each packet to one router, so that sums stay true. */
    strayCounters(router: VirtualRouter): Readonly<Record<string, number>> {
      const shared = sockets.get(socketKey(router))
      return shared?.strays.of(router.vrid, Math.min(...shared.vrids.keys()) === router.vrid) ?? {}
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
