import { peekVrid } from './packet.js'
import type { Received } from './ports.js'

type Listener = { receive(packet: Received): void }

export type Segment = {
  add(vrid: number, listener: Listener): void
  remove(vrid: number, listener: Listener): void
  vrids(): readonly number[]
  /** Hands a packet to the virtual routers that have its vrid. */
  receive(packet: Received): void
  /** Packets that belong to none: too short to tell, or a vrid that nobody here has. */
  counters(): { readonly 'packet-length-error': number; readonly 'vrid-error': number }
}

/** The virtual routers that share one socket (interface, family and kind). */
export function segment(): Segment {
  const listeners = new Map<number, Set<Listener>>()
  let short = 0
  let stray = 0

  return {
    add(vrid, listener) {
      listeners.set(vrid, (listeners.get(vrid) ?? new Set()).add(listener))
    },
    remove(vrid, listener) {
      const group = listeners.get(vrid)
      group?.delete(listener)
      if (group?.size === 0) listeners.delete(vrid)
    },
    vrids: () => [...listeners.keys()],
    receive(packet) {
      const vrid = peekVrid(packet.payload)
      const group = vrid === undefined ? undefined : listeners.get(vrid)
      if (vrid === undefined) short++
      else if (!group) stray++
      else for (const listener of group) listener.receive(packet)
    },
    counters: () => ({ 'packet-length-error': short, 'vrid-error': stray }),
  }
}
