import type { CheckConfig } from '../check-config.js'
import type { TrackingConfig } from '../config.js'
import type { Reporter } from '../context.js'
import type { File } from '../schema/file.js'
import type { RouterFile } from '../schema/router.js'
import { keyOf } from './checks.js'
import { defined } from './defined.js'

type Given = NonNullable<RouterFile['witness']>

/** What its contributions are called. */
export const witnessSource = ({ address }: Pick<Given, 'address'>): string => `witness ${address}`

/** One check per witness; two routers that describe the same one differently cannot both be right. */
export function witnesses(
  file: File,
  rename: (name: string) => string,
  report: Reporter,
): TrackingConfig['gateways'][number][] {
  const found = new Map<string, TrackingConfig['gateways'][number]>()
  for (const [name, router] of Object.entries(file.virtual_routers ?? {})) {
    const { witness: given } = router
    if (given === undefined) continue
    const path = ['virtual_routers', name, 'witness']
    if ((given.by === 'tcp') !== (given.port !== undefined))
      report.error('key-needs', [...path, 'port'], 'port belongs to by: tcp, and by: tcp needs it', { at: 'key' })
    const check = checkOf(given, rename(given.interface ?? router.interface))
    const earlier = found.get(given.address)
    if (earlier !== undefined && earlier.check.key !== check.key)
      report.error('witness-differs', path, `another virtual router asks the witness ${given.address} in another way`, {
        suggestion: 'describe it in the same words in each',
        at: 'key',
      })
    found.set(given.address, { source: check.name, address: given.address, check, ...defined({ port: given.port }) })
  }
  return [...found.values()]
}

/** It counts as reached until every attempt of `within` has failed, and again with the first that does not. */
function checkOf(given: Given, out: string): CheckConfig {
  const { by = 'arp', interval = 1000, within = 5000 } = given
  const parameters = {
    probe: probeOf(by, out),
    ...{ downInterval: interval, jitter: 0, severity: 'fail' as const, watch: { enabled: false, final: false } },
    interval,
    fastInterval: interval,
    timeout: Math.min(500, interval),
    rise: 1,
    fall: Math.max(1, Math.ceil(within / interval)),
  }
  return { name: witnessSource(given), key: keyOf({ ...parameters, port: given.port }), ...parameters }
}

function probeOf(by: 'arp' | 'icmp' | 'tcp', out: string): CheckConfig['probe'] {
  if (by === 'arp') return { kind: 'arp', interface: out }
  return by === 'icmp' ? { kind: 'icmp', count: 1, maxLoss: 0, size: 56 } : { kind: 'tcp', steps: [] }
}
