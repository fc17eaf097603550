import { parseAttributes } from './attributes.js'
import { addressText, macText } from './ip-address.js'
import type { Links } from './links.js'
import { openNetlink } from './netlink.js'
import { rtm } from './rtnetlink.js'

export type Neighbour = {
  readonly address: string
  readonly interface: string
  /** Empty while it is being asked for, or when nobody answers. */
  readonly mac: string
  readonly state: 'reachable' | 'stale' | 'incomplete' | 'failed' | 'permanent' | 'other'
}

/** struct ndmsg: family, pads, index, state, flags, type. */
const nda = { destination: 1, linkLayerAddress: 2 } as const
const states: ReadonlyMap<number, Neighbour['state']> = new Map([
  [0x01, 'incomplete'],
  [0x02, 'reachable'],
  [0x04, 'stale'],
  [0x08, 'stale'],
  [0x10, 'stale'],
  [0x20, 'failed'],
  [0x80, 'permanent'],
])

/** The kernel's neighbour table (ip-neighbour(8)): who has which MAC on the segments of this machine. */
export async function readNeighbours(links: Links): Promise<readonly Neighbour[]> {
  const netlink = openNetlink()
  try {
    const replies = await netlink.dump({ type: rtm.getNeighbour, data: Buffer.alloc(12), what: 'list neighbours' })
    return replies.flatMap(({ data }) => {
      const attributes = parseAttributes(data, 12)
      const address = attributes.get(nda.destination)
      const name = links.byIndex(data.readInt32LE(4))?.name
      if (!address || name === undefined || ![4, 16].includes(address.length)) return []
      const mac = macText(attributes.get(nda.linkLayerAddress) ?? Buffer.alloc(0))
      return [
        { address: addressText(address), interface: name, mac, state: states.get(data.readUInt16LE(8)) ?? 'other' },
      ]
    })
  } finally {
    netlink.close()
  }
}
