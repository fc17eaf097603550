import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Override, RouterState } from '../messages.js'
import type { PeerReport, PeerRouter } from './view.js'

/*
 *  0       4   5                37
 *  +-------+---+-----------------+----------------------+
 *  | LVSK  | 1 | HMAC-SHA256     | body: JSON in UTF-8  |
 *  +-------+---+-----------------+----------------------+
 * The MAC covers version and body. Nothing is parsed before it is verified. Every datagram stands for itself: what
 * does not fit into one goes into several, in any order.
 */
const magic = Buffer.from('LVSK')
const version = 1
const bodyAt = 37

/** Fits an Ethernet frame with room for a tunnel or two: never fragmented. */
export const largest = 1_400

export type Datagram = {
  readonly from: string
  /** Random, new with each start of the sender. */
  readonly boot: string
  /** Grows with each datagram of one boot. */
  readonly seq: number
  /** Boots of the receiver that the sender has heard lately: proves that this was made for the receiver's present life. */
  readonly echo: readonly string[]
  readonly report: PeerReport
  /** Fingerprint of the sender's overrides: a receiver that holds others sends its own. */
  readonly digest: string
  /** Some of the overrides, where fingerprints differ. */
  readonly overrides: readonly Override[]
  /** Some of the routers, where there are many; absent ones are unchanged until `routerCount` says otherwise. */
  readonly routerCount: number
}

export type Discard = 'too-short' | 'no-magic' | 'version' | 'mac' | 'body'

/** Authenticates and packs one datagram. @param keys the first one signs */
export function encode(datagram: Datagram, key: Buffer): Buffer {
  const body = Buffer.from(JSON.stringify(datagram))
  const bytes = Buffer.alloc(bodyAt + body.length)
  magic.copy(bytes)
  bytes[4] = version
  body.copy(bytes, bodyAt)
  mac(bytes, key).copy(bytes, 5)
  return bytes
}

/** A datagram that one of the keys vouches for, or why it is discarded. Never throws. */
export function decode(
  bytes: Buffer,
  keys: readonly Buffer[],
): { readonly datagram: Datagram } | { readonly discard: Discard } {
  if (bytes.length <= bodyAt) return { discard: 'too-short' }
  if (!bytes.subarray(0, 4).equals(magic)) return { discard: 'no-magic' }
  if (bytes[4] !== version) return { discard: 'version' }
  const given = bytes.subarray(5, bodyAt)
  if (!keys.some(key => timingSafeEqual(mac(bytes, key), given))) return { discard: 'mac' }
  const datagram = parse(bytes.subarray(bodyAt).toString('utf8'))
  return datagram ? { datagram } : { discard: 'body' }
}

function mac(bytes: Buffer, key: Buffer): Buffer {
  return createHmac('sha256', key).update(bytes.subarray(0, 5)).update(bytes.subarray(bodyAt)).digest()
}

/** The sender has the key, but perhaps another version: everything is looked at before it is believed. */
function parse(text: string): Datagram | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isDatagram(value) ? value : undefined
  } catch {
    return undefined
  }
}

type Shape = Readonly<Record<string, unknown>>

function isDatagram(value: unknown): value is Datagram {
  if (!isRecord(value)) return false
  const { from, boot, seq, echo, report, digest, overrides, routerCount } = value
  return (
    isName(from) &&
    isName(boot) &&
    isWhole(seq) &&
    isWhole(routerCount) &&
    isName(digest) &&
    isList(echo, isName) &&
    isList(overrides, isOverride) &&
    isReport(report)
  )
}

function isReport(value: unknown): value is PeerReport {
  if (!isRecord(value)) return false
  const { version, configHash, secrets, generation, tableReady, syncReady, maintenance, routers, brokenPaths } = value
  const flags = [tableReady, syncReady, maintenance].every(flag => typeof flag === 'boolean')
  return (
    isName(version) &&
    isName(configHash) &&
    (secrets === undefined || isName(secrets)) &&
    isWhole(generation) &&
    flags &&
    isList(routers, isRouter) &&
    (brokenPaths === undefined || isList(brokenPaths, isWhole))
  )
}

const states: readonly RouterState[] = ['init', 'backup', 'master', 'fault']

function isRouter(value: unknown): value is PeerRouter {
  if (!isRecord(value)) return false
  const { name, vrid, state, priority, source } = value
  const known = source === undefined || isName(source)
  return isName(name) && isWhole(vrid) && isWhole(priority) && known && states.some(each => each === state)
}

const verbs: readonly Override['verb'][] = ['drain', 'maint', 'weight', 'force-up', 'force-down']

function isOverride(value: unknown): value is Override {
  if (!isRecord(value)) return false
  const { service, address, port, verb, weight, author, reason, at, until, deadline, activeOnly, ended } = value
  return (
    isName(service) &&
    isName(address) &&
    isWhole(port) &&
    verbs.some(each => each === verb) &&
    (weight === undefined || isWhole(weight)) &&
    isName(author) &&
    (reason === undefined || typeof reason === 'string') &&
    isWhole(at) &&
    (until === undefined || isWhole(until)) &&
    (deadline === undefined || isWhole(deadline)) &&
    (activeOnly === undefined || activeOnly === true) &&
    (ended === undefined || typeof ended === 'boolean')
  )
}

function isRecord(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList<T>(value: unknown, each: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(each)
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 300
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
