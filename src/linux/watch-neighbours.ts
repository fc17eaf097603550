import { parseAttributes } from './attributes.js'
import { addressText } from './ip-address.js'
import { openNetlink, type Reply } from './netlink.js'
import { netlinkDrops } from './netlink-drops.js'
import { rtm } from './rtnetlink.js'

/** answers: reachable, stale, being looked after again, or set by hand. failed: asked for, and nobody answered. */
export type NeighbourState = 'answers' | 'asked' | 'failed'

export type NeighbourWatch = {
  /** Every neighbour that the kernel knows, by address. */
  all(): ReadonlyMap<string, NeighbourState>
  close(): void
}

/** RTNLGRP_NEIGH, RTM_NEWNEIGH and RTM_DELNEIGH (linux/rtnetlink.h). */
const group = 3
const message = { new: 28, gone: 29 } as const
/** NUD_* of linux/neighbour.h. */
const nud = { incomplete: 0x01, failed: 0x20 } as const
const destination = 1

/** Follows the kernel's neighbour table (ARP and neighbour discovery). Rejects when netlink is refused. */
export async function watchNeighbours(
  onChange: (address: string, state: NeighbourState, before: NeighbourState | undefined) => void,
): Promise<NeighbourWatch> {
  const known = new Map<string, NeighbourState>()
  const netlink = openNetlink({
    groups: [group],
    notify: take,
    overrun: read,
    drops: netlinkDrops,
  })
  try {
    await read()
  } catch (error) {
    netlink.close()
    throw error
  }

  async function read() {
    known.clear()
    await netlink.dump({ type: rtm.getNeighbour, data: Buffer.alloc(12), what: 'list neighbours' }, take)
  }

  function take({ type, data }: Reply) {
    if ((type !== message.new && type !== message.gone) || data.length < 12) return
    const bytes = parseAttributes(data, 12).get(destination)
    if (!bytes || ![4, 16].includes(bytes.length)) return
    const address = addressText(bytes)
    const before = known.get(address)
    if (type === message.gone) return void known.delete(address)
    const number = data.readUInt16LE(8)
    const state = number & nud.failed ? 'failed' : number & nud.incomplete ? 'asked' : 'answers'
    known.set(address, state)
    if (state !== before) onChange(address, state, before)
  }

  return { all: () => known, close: () => netlink.close() }
}
