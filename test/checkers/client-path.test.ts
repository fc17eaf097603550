import { describe, expect, test } from 'vitest'
import { clientPathProbe } from '../../checkers/client-path.js'
import type { Outcome } from '../../checkers/ports.js'

const vip = '10.9.0.100'

/** What the check says of an attempt that ended like this. */
async function said(forward: 'dr' | 'tun', outcome: Outcome): Promise<string | undefined> {
  const probe = clientPathProbe(
    { kind: 'client-path', vip, vport: 80, mark: 1, forward, inner: { kind: 'tcp', steps: [] } },
    async () => outcome,
  )
  const result = await probe({ address: '10.9.0.21', port: 80 }, new AbortController().signal)
  return 'detail' in result ? result.detail : undefined
}

const failed = (
  reason: 'refused' | 'unreachable' | 'timeout',
  layer: 'L4CON' | 'L4TOUT',
  detail?: string,
): Outcome => ({
  passed: false,
  reason,
  layer,
  ...(detail === undefined ? {} : { detail }),
})

describe('the likely cause of a broken clients’ way', () => {
  test.each([
    ['dr', failed('refused', 'L4CON', 'ECONNREFUSED'), /nothing listens on it/],
    ['tun', failed('refused', 'L4CON', 'ECONNREFUSED'), /nothing listens on it/],
    ['dr', failed('unreachable', 'L4CON', 'ENOPROTOOPT'), /a firewall on the real server rejects/],
    ['tun', failed('unreachable', 'L4CON', 'ENOPROTOOPT'), /takes no tunnel packets: tunl0 is missing or down/],
    ['dr', failed('unreachable', 'L4CON', 'EHOSTUNREACH'), /sends the packets on: VIP missing on lo$/],
    ['tun', failed('unreachable', 'L4CON', 'EHOSTUNREACH'), /sends the packets on: VIP missing on tunl0$/],
    ['dr', failed('timeout', 'L4TOUT'), /is missing on lo, or the answers do not come back/],
    ['tun', failed('timeout', 'L4TOUT'), /missing on tunl0, or rp_filter drops/],
  ] as const)('%s, %o', async (forward, outcome, cause) => {
    expect(await said(forward, outcome)).toMatch(cause)
  })

  test('is none where an answer came, even a wrong one', async () => {
    const answered: Outcome = { passed: false, reason: 'bad-status', layer: 'L7STS', detail: '503' }
    expect(await said('dr', answered)).toBe('503')
  })
})
