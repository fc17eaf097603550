import { describe, expect, test } from 'vitest'
import { keyedSecrets, secretsDiffer } from '../../src/peer/secrets.js'
import type { PeerReport } from '../../src/peer/view.js'
import { good } from '../config/load.js'
import { peer } from '../status/samples.js'

const [old, fresh] = [Buffer.from('the old key'), Buffer.from('the new key')]

function hashOf(files: Readonly<Record<string, string>>): string | undefined {
  return good(
    `directors:
  d1: { address: 10.9.0.11, priority: 150 }
  d2: { address: 10.9.0.12, priority: 100 }
virtual_routers:
  web: { vrid: 51, interface: eth0, version: 2, advert_interval: 1s, authentication: { pass_file: /etc/vrrp.pass }, vips: [10.9.0.100/32] }
virtual_servers:
  web:
    address: 10.9.0.100:443
    forward: dr
    check: { https: { tls: { cert_file: /etc/check.crt, key_file: /etc/check.key } } }
    real_servers: [10.9.0.21]
`,
    files,
  ).secretsHash
}
const files = { '/etc/vrrp.pass': 'hunter2\n', '/etc/check.crt': 'cert of d1', '/etc/check.key': 'key of d1' }

describe('secrets in files', () => {
  test('are part of what the directors compare; a certificate of a director itself is not', () => {
    expect(hashOf(files)).toMatch(/^[0-9a-f]{64}$/)
    expect(hashOf({ ...files, '/etc/vrrp.pass': 'hunter2' })).toBe(hashOf(files))
    expect(hashOf({ ...files, '/etc/vrrp.pass': 'hunter3\n' })).not.toBe(hashOf(files))
    expect(hashOf({ ...files, '/etc/check.crt': 'cert of d2', '/etc/check.key': 'key of d2' })).toBe(hashOf(files))
  })

  test('are told keyed: another key, another digest, and nothing of the hash in it', () => {
    const told = keyedSecrets('a'.repeat(64), old)
    expect(told).toMatch(/^[0-9a-f]{16}$/)
    expect(told).not.toContain('aaaa')
    expect(keyedSecrets('a'.repeat(64), fresh)).not.toBe(told)
  })

  test('differ where the text is the same and the digest is of none of the keys', () => {
    const hash = peer.report!.configHash
    const report = (secretsHash: string, key: Buffer, configHash = hash): PeerReport => ({
      ...peer.report!,
      configHash,
      secrets: keyedSecrets(secretsHash, key),
    })
    const own = { hash, secretsHash: 'mine' }
    expect(secretsDiffer(report('mine', old), own, [old])).toBe(false)
    expect(secretsDiffer(report('theirs', old), own, [old])).toBe(true)
    // While the peer key is changed, either may be the first one.
    expect(secretsDiffer(report('mine', fresh), own, [old, fresh])).toBe(false)
    expect(secretsDiffer(report('theirs', fresh), own, [old, fresh])).toBe(true)
    // Another text is said as such; an older version says nothing of its secrets.
    expect(secretsDiffer(report('theirs', old, 'other'), own, [old])).toBe(false)
    expect(secretsDiffer(peer.report!, own, [old])).toBe(false)
    expect(secretsDiffer(report('theirs', old), { hash }, [old])).toBe(false)
  })
})
