import { addressOf } from './libc.js'

/** One instruction of the classic packet filter (linux/filter.h, struct sock_filter). */
export type Instruction = { readonly code: number; readonly jt?: number; readonly jf?: number; readonly k: number }

/** linux/bpf_common.h; the loads are absolute, and `x` ones relative to the X register. */
export const bpf = {
  loadByte: 0x30,
  loadHalf: 0x28,
  loadWord: 0x20,
  loadByteX: 0x50,
  loadWordX: 0x40,
  /** A = k, and X = k. */
  setA: 0x00,
  setX: 0x01,
  copyToX: 0x07,
  /** A into the scratch word k, and X from there. */
  store: 0x02,
  fetchX: 0x61,
  /** X = 4 * (byte at k & 15): the length of an IPv4 header. */
  loadHeaderLength: 0xb1,
  jumpEqual: 0x15,
  /** A = X */
  jumpEqualX: 0x1d,
  /** A & k */
  jumpAnyBit: 0x45,
  jumpAtLeast: 0x35,
  answer: 0x06,
} as const

/** SKF_NET_OFF: offsets from here on count from the start of the network header, wherever the data begins. */
export const networkHeader = 0xfff00000
/** SKF_AD_OFF + SKF_AD_NLATTR: A = where the netlink attribute of type X is, from A on; 0: nowhere. */
export const netlinkAttribute = 0xfffff00c
export const wholePacket = 0xffffffff

/** SO_ATTACH_FILTER */
export const attachFilter = 26

/** A filter ready for SO_ATTACH_FILTER. The kernel copies the program during setsockopt: `program` must live that long. */
export function assemble(instructions: readonly Instruction[]): { readonly option: Buffer; readonly program: Buffer } {
  const program = Buffer.alloc(instructions.length * 8)
  instructions.forEach(({ code, jt = 0, jf = 0, k }, index) => {
    program.writeUInt16LE(code, index * 8)
    program.writeUInt8(jt, index * 8 + 2)
    program.writeUInt8(jf, index * 8 + 3)
    program.writeUInt32LE(k >>> 0, index * 8 + 4)
  })
  // struct sock_fprog: length, padding, pointer.
  const option = Buffer.alloc(16)
  option.writeUInt16LE(instructions.length, 0)
  option.writeBigUInt64LE(addressOf(program), 8)
  return { option, program }
}

/** A condition on a loaded value: what is loaded, and which values pass. */
export type Condition = {
  readonly load: readonly Instruction[]
  readonly pass: { readonly equal: readonly number[] } | { readonly atLeast: number } | { readonly not: number }
}

/**
 * Every condition of `must` in turn, else the packet is dropped; then those of `accept`: all of them pass -> `whenAccepted`, else the opposite. Jumps
 * reach 255 instructions, so that a condition may name 255 values.
 */
export function filter(must: readonly Condition[], accept: readonly Condition[], whenAccepted: boolean): Instruction[] {
  const yes = { code: bpf.answer, k: whenAccepted ? wholePacket : 0 }
  const no = { code: bpf.answer, k: whenAccepted ? 0 : wholePacket }
  const drop = { code: bpf.answer, k: 0 }
  return [
    ...must.flatMap(condition => judge(condition, drop)),
    ...accept.flatMap(condition => judge(condition, no)),
    yes,
  ]
}

/** Falls through when the condition holds, answers `otherwise` when not. */
function judge({ load, pass }: Condition, otherwise: Instruction): Instruction[] {
  if ('atLeast' in pass) return [...load, { code: bpf.jumpAtLeast, jt: 1, k: pass.atLeast }, otherwise]
  if ('not' in pass) return [...load, { code: bpf.jumpEqual, jf: 1, k: pass.not }, otherwise]
  const { equal } = pass
  return [...load, ...equal.map((k, index) => ({ code: bpf.jumpEqual, jt: equal.length - index, k })), otherwise]
}
