import { bpf, type Instruction, netlinkAttribute, wholePacket } from './bpf.js'
import { ownProtocol, rtm } from './rtnetlink.js'

/** Loads are in network order, netlink is in the host's, which is the other one (x86-64, arm64). */
const swapped = (value: number) => ((value & 0xff) << 8) | (value >> 8)
/** NLM_F_MULTI: part of a list that somebody asked for. */
const multi = 0x2
/** Behind struct nlmsghdr and struct ifaddrmsg. */
const attributes = 24
/** IFA_CACHEINFO and IFA_PROTO (linux/if_addr.h). */
const ifa = { cacheInfo: 6, protocol: 11 } as const
/** struct nlattr's header, then struct ifa_cacheinfo: preferred, valid, created, updated. */
const at = { value: 4, created: 12, updated: 16 } as const

/**
 * Drops what nobody who watches addresses needs to hear: that the lifetime of a VIP of ours was renewed. 255 virtual routers at adverts of a second
 * would wake each watching process of the director 255 times a second. An address that is new, is gone, or is somebody else's
 * passes, as does everything else; so does all where the kernel keeps no IFA_PROTO (before 5.18).
 */
export function withoutRenewals(): Instruction[] {
  const steps: (Instruction | { readonly code: number; readonly k: number; readonly unless: true })[] = [
    { code: bpf.loadHalf, k: 4 },
    { code: bpf.jumpEqual, k: swapped(rtm.newAddress), unless: true },
    { code: bpf.loadHalf, k: 6 },
    { code: bpf.jumpAnyBit, k: swapped(multi) },
    ...find(ifa.protocol),
    { code: bpf.loadByteX, k: at.value },
    { code: bpf.jumpEqual, k: ownProtocol, unless: true },
    ...find(ifa.cacheInfo),
    { code: bpf.loadWordX, k: at.created },
    { code: bpf.store, k: 0 },
    { code: bpf.loadWordX, k: at.updated },
    { code: bpf.fetchX, k: 0 },
    { code: bpf.jumpEqualX, k: 0 },
  ]
  return [
    ...steps.map((step, index): Instruction => {
      if (![bpf.jumpEqual, bpf.jumpEqualX, bpf.jumpAnyBit].some(code => code === step.code)) return step
      // To the end, which passes it: on this condition, or unless it holds.
      const rest = steps.length - index
      const { code, k } = step
      return 'unless' in step ? { code, jf: rest, k } : { code, jt: rest, k }
    }),
    { code: bpf.answer, k: 0 },
    { code: bpf.answer, k: wholePacket },
  ]
}

/** X = where the attribute is; without it the message passes. */
function find(type: number): Instruction[] {
  return [
    { code: bpf.setA, k: attributes },
    { code: bpf.setX, k: type },
    { code: bpf.loadWord, k: netlinkAttribute },
    { code: bpf.jumpEqual, k: 0 },
    { code: bpf.copyToX, k: 0 },
  ]
}
