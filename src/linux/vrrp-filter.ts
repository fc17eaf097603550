import { bpf, type Condition, filter, type Instruction, networkHeader } from './bpf.js'

export type FilterOptions = {
  readonly family: 4 | 6
  readonly kind: 'multicast' | 'unicast'
  /** Hop limit that a packet must have left: 255 (RFC 9568 §5.1.1.3), less only for routed unicast. */
  readonly minTtl: number
  readonly vrids: readonly number[]
}

/** Lets through what one of our virtual routers may have to hear; everything else ends in the kernel and costs this process nothing. */
export const advertFilter = (options: FilterOptions): Instruction[] =>
  filter([destination(options)], conditions(options), true)

/** The complement: packets of protocol 112 for us that `advertFilter` drops. */
export const strayFilter = (options: FilterOptions): Instruction[] =>
  filter([destination(options)], conditions(options), false)

/** Version and type in one byte: an advertisement of VRRP version 2 or 3. */
const advertisement = [0x21, 0x31]

/** 224.0.0.18, and the first and last word of ff02::12 (RFC 9568 §5.1.1.2, §5.1.2.2). */
const group = { ipv4: 0xe0000012, ipv6First: 0xff020000, ipv6Last: 0x00000012 } as const

function destination({ family, kind }: FilterOptions): Condition {
  const [offset, value] = family === 4 ? [16, group.ipv4] : [24, group.ipv6First]
  return {
    load: [{ code: bpf.loadWord, k: networkHeader + offset }],
    pass: kind === 'multicast' ? { equal: [value] } : { not: value },
  }
}

function conditions({ family, kind, minTtl, vrids }: FilterOptions): Condition[] {
  const ttl = [{ code: bpf.loadByte, k: networkHeader + (family === 4 ? 8 : 7) }]
  // An IPv4 raw socket sees the IP header, an IPv6 one does not.
  const byte = (k: number): Instruction[] =>
    family === 4
      ? [
          { code: bpf.loadHeaderLength, k: 0 },
          { code: bpf.loadByteX, k },
        ]
      : [{ code: bpf.loadByte, k }]
  return [
    { load: ttl, pass: { atLeast: minTtl } },
    ...(family === 6 && kind === 'multicast'
      ? [{ load: [{ code: bpf.loadWord, k: networkHeader + 36 }], pass: { equal: [group.ipv6Last] } }]
      : []),
    { load: byte(0), pass: { equal: advertisement } },
    { load: byte(1), pass: { equal: vrids } },
  ]
}
