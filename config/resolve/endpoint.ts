import { canonicalAddress, family } from '../schema/values.js'

/** Most addresses that one range may stand for. */
const mostOfRange = 4096

export type Endpoint = { readonly addresses: readonly string[]; readonly port?: number }

/**
 * `10.9.0.21`, `10.9.0.21:80`, `[fd00::1]:80`, `fd00::1`, and ranges: `10.9.0.21-29`, `10.9.0.21-10.9.0.40:80`,
 * `[fd00::10-fd00::1f]:80`. undefined: none of these.
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^[\]]*?))(?::(0|[1-9]\d{0,4}))?$/.exec(text) ?? []
  // A bare IPv6 address ends in digits too: only brackets give it a port.
  const colons = text.split(':').length - 1
  const [host, port] = bracketed === undefined && colons > 1 ? [text, undefined] : [bracketed ?? plain ?? '', digits]
  if (bracketed !== undefined && !bracketed.includes(':')) return undefined
  if (port !== undefined && Number(port) > 65_535) return undefined
  const addresses = range(host)
  return addresses === undefined ? undefined : { addresses, ...(port === undefined ? {} : { port: Number(port) }) }
}

function range(host: string): string[] | undefined {
  const [from = '', to, more] = host.split('-')
  if (more !== undefined) return undefined
  const first = canonicalAddress(from)
  if (first === undefined) return undefined
  if (to === undefined) return [first]
  const kind = family(first)
  const last = canonicalAddress(to) ?? canonicalAddress(lastPart(first, to, kind))
  if (last === undefined || family(last) !== kind) return undefined
  const [low, high] = [toNumber(first), toNumber(last)]
  if (high < low || high - low >= BigInt(mostOfRange)) return undefined
  return Array.from({ length: Number(high - low) + 1 }, (_, index) => fromNumber(low + BigInt(index), kind))
}

/** `10.9.0.21` and `29` -> `10.9.0.29`; `fd00::10` and `1f` -> `fd00::1f`. */
function lastPart(first: string, to: string, kind: 4 | 6): string {
  if (kind === 4) return /^\d{1,3}$/.test(to) ? `${first.slice(0, first.lastIndexOf('.'))}.${to}` : ''
  return /^[0-9a-fA-F]{1,4}$/.test(to) ? `${first.slice(0, first.lastIndexOf(':'))}:${to}` : ''
}

function toNumber(address: string): bigint {
  if (family(address) === 4) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0')
  return [...left, ...zeros, ...right].reduce((sum, part) => sum * 65_536n + BigInt(`0x${part}`), 0n)
}

function fromNumber(value: bigint, kind: 4 | 6): string {
  if (kind === 4) return [24n, 16n, 8n, 0n].map(shift => (value >> shift) & 255n).join('.')
  const parts = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16))
  return canonicalAddress(parts.join(':')) ?? ''
}
