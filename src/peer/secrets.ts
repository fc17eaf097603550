import { createHmac } from 'node:crypto'
import type { PeerReport } from './view.js'

/** Enough to see that two are not the same, and short: a datagram holds little. */
const digits = 16

/**
 * What the other directors are told of this one's secrets. Keyed, so that nobody without the peer key can try passwords on it; the words
 * before it keep it apart from the datagrams' own MAC.
 */
export function keyedSecrets(secretsHash: string, key: Buffer): string {
  return createHmac('sha256', key).update(`secrets of lvskeeper ${secretsHash}`).digest('hex').slice(0, digits)
}

/** Whether a director with our configuration has other secrets. While the key is changed it may sign with any that we know. */
export function secretsDiffer(
  { configHash, secrets }: PeerReport,
  own: { readonly hash: string; readonly secretsHash?: string },
  keys: readonly Buffer[],
): boolean {
  const { hash, secretsHash } = own
  if (configHash !== hash || secrets === undefined || secretsHash === undefined) return false
  return !keys.some(key => keyedSecrets(secretsHash, key) === secrets)
}
