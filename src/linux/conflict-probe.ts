import { addressBytes, canonical } from '../../vrrp/address.js'
import { arpConflict, arpProbe } from '../../vrrp/arp.js'
import { decodeAdvertisement, neighbourProbe } from '../../vrrp/neighbour.js'
import { bpf, type Instruction, wholePacket } from './bpf.js'
import { codeOf } from './errno.js'
import { familyOf, macBytes, macText } from './ip-address.js'
import type { Links } from './links.js'
import { type Listener, listenFrames } from './packet-socket.js'

export type Probe = {
  readonly interface: string
  readonly address: string
  /** How long answers are waited for, in ms. */
  readonly timeout: number
  /** Do not stop at the first answer: somebody else may answer as well. */
  readonly everybody?: boolean
  /** Ends the waiting early. */
  readonly signal?: AbortSignal
}

/** Who says to have the address; nobody; or an errno name when asking was not possible. */
export type Conflict =
  | { readonly mac: string; readonly others?: readonly string[] }
  | { readonly nobody: true }
  | { readonly refused: string }

const ethertype = { arp: 0x0806, ipv6: 0x86dd } as const

/**
 * Asks the segment whether another machine has an address, without claiming it (RFC 5227 §2.1.1: sender 0.0.0.0; RFC 4862 §5.4.2: from the unspecified
 * address). Two questions, the second at a third of the time, lest one lost frame says "nobody". Never rejects, ends within `timeout`.
 */
export function probeConflict(
  links: Links,
  { interface: name, address, timeout, everybody, signal }: Probe,
): Promise<Conflict> {
  const link = links.byName(name)
  if (!link) return Promise.resolve({ refused: 'ENODEV' })
  if (link.mac.length !== 17) return Promise.resolve({ refused: 'EOPNOTSUPP' })
  const ipv4 = familyOf(address) === 4
  const target = canonical(address)
  const own = links.all().map(({ mac }) => mac)
  const ownBytes = own.map(macBytes)
  const question = ipv4 ? arpProbe(macBytes(link.mac), address) : neighbourProbe(macBytes(link.mac), address)

  return new Promise(resolve => {
    let socket: Listener | undefined
    const timers: NodeJS.Timeout[] = []
    const end = (result: Conflict) => {
      for (const timer of timers) clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
      socket?.close()
      resolve(result)
    }
    const heard = new Set<string>()
    const over = () => {
      const [mac, ...others] = heard
      end(mac === undefined ? { nobody: true } : others.length > 0 ? { mac, others } : { mac })
    }
    const aborted = over
    const ask = () => {
      const code = socket?.send(link.index, question)
      if (code !== undefined) end({ refused: code })
    }
    try {
      const [type, filter] = ipv4 ? [ethertype.arp, arpFrom(address)] : [ethertype.ipv6, advertisementOf(address)]
      socket = listenFrames(link.index, type, filter, frame => {
        const mac = ipv4 ? arpConflict(frame, target, ownBytes) : advertiser(frame, target, own)
        if (!mac) return
        heard.add(macText(mac))
        if (!everybody) over()
      })
    } catch (error) {
      return end({ refused: codeOf(error) ?? 'EIO' })
    }
    timers.push(setTimeout(over, timeout), setTimeout(ask, timeout / 3))
    signal?.addEventListener('abort', aborted)
    ask()
  })
}

function advertiser(frame: Buffer, target: string, own: readonly string[]): Uint8Array | undefined {
  const advertisement = decodeAdvertisement(frame)
  if (advertisement?.target !== target || own.includes(macText(advertisement.mac))) return undefined
  return advertisement.mac
}

/** ARP whose sender is the address: a reply, or somebody's announcement. */
function arpFrom(address: string): Instruction[] {
  return words(addressBytes(address), 28)
}

/** A neighbour advertisement (ICMPv6 type 136) whose target is the address. */
function advertisementOf(address: string): Instruction[] {
  return [
    { code: bpf.loadByte, k: 20 },
    { code: bpf.jumpEqual, jt: 1, k: 58 },
    { code: bpf.answer, k: 0 },
    { code: bpf.loadByte, k: 54 },
    { code: bpf.jumpEqual, jt: 1, k: 136 },
    { code: bpf.answer, k: 0 },
    ...words(addressBytes(address), 62),
  ]
}

/** The bytes, four at a time, must stand at `offset`. */
function words(bytes: Uint8Array, offset: number): Instruction[] {
  const view = Buffer.from(bytes)
  const compared = Array.from({ length: view.length / 4 }, (_, index): Instruction[] => [
    { code: bpf.loadWord, k: offset + index * 4 },
    { code: bpf.jumpEqual, jt: 1, k: view.readUInt32BE(index * 4) },
    { code: bpf.answer, k: 0 },
  ])
  return [...compared.flat(), { code: bpf.answer, k: wholePacket }]
}
