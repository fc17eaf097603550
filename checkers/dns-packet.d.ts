/** The part of dns-packet that the checks use; the package brings no types. */
declare module 'dns-packet' {
  export type Answer = { readonly name: string; readonly type: string; readonly ttl?: number; readonly data?: unknown }
  export type Packet = {
    readonly id: number
    readonly type: 'query' | 'response'
    readonly rcode: string
    readonly flag_aa: boolean
    readonly flag_tc: boolean
    readonly questions: readonly { readonly name: string; readonly type: string }[]
    readonly answers: readonly Answer[]
  }
  export const RECURSION_DESIRED: number
  export function encode(packet: {
    readonly type: 'query'
    readonly id: number
    readonly flags: number
    readonly questions: readonly { readonly name: string; readonly type: string }[]
  }): Buffer
  export function decode(bytes: Buffer): Packet
}
