import { carriers, type Facts } from '../doctor/facts.js'
import type { Finding } from '../doctor/finding.js'
import { type Half, sameNetwork } from './half.js'
import { isV6, shell, stepsFor } from './steps.js'
import { defaultRoute, finding } from './verify-common.js'
import { onWire } from './verify-hidden.js'

// ---- nat: answers go back through the director

export function natRoute(facts: Facts, half: Half): Finding[] {
  if (half.gateway === undefined)
    return [
      finding(
        'warning',
        'nat-gateway-unknown',
        'The file names no VIP inside the network of this real server: with nat its default gateway must be an address that moves with the directors.',
      ),
    ]
  const family = isV6(half.gateway) ? 6 : 4
  const route = defaultRoute(facts, family)
  const fix = stepsFor(half).map(({ run }) => shell(run))
  if (route?.via === half.gateway) return []
  if (route?.via !== undefined && half.directors.includes(route.via))
    return [
      finding(
        'problem',
        'gateway-not-floating',
        `The default gateway ${route.via} is one director's own address: after a failover answers go to the wrong one.`,
        fix,
      ),
    ]
  const now =
    route === undefined
      ? 'There is no default route'
      : `The default route goes ${route.via === undefined ? `out of ${route.interface}` : `via ${route.via}`}`
  return [
    finding(
      'problem',
      'gateway-not-director',
      `${now}: answers miss the director, which would put the VIP back into them, and clients drop them.`,
      fix,
    ),
  ]
}

export function natVips(facts: Facts, half: Half): Finding[] {
  const on = half.vips.flatMap(vip => carriers(facts, vip).map(({ on: carrier, as }) => ({ vip, carrier, as })))
  const here = on.map(({ vip, carrier, as }) =>
    finding('problem', 'vip-not-wanted', `${vip} is on ${carrier.name}: with nat only directors have it.`, [
      `ip address del ${vip}/${as.prefix} dev ${carrier.name}`,
    ]),
  )
  const near = half.vips.flatMap(vip =>
    onWire(facts).flatMap(({ name, addresses }) =>
      addresses
        .filter(own => !isV6(own.address) && own.prefix < 32 && sameNetwork(own.address, vip, own.prefix))
        .map(own =>
          finding(
            'warning',
            'nat-same-network',
            `${vip} lies in the network of ${name} (${own.address}/${own.prefix}): clients of that network get answers straight from here and drop them. Other clients are served.`,
            [`ip route del ${network(own.address, own.prefix)} dev ${name} proto kernel scope link`],
          ),
        ),
    ),
  )
  return [...here, ...near]
}

export function network(address: string, prefix: number): string {
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const start = prefix === 0 ? 0 : Math.floor(value / 2 ** (32 - prefix)) * 2 ** (32 - prefix)
  return `${[24, 16, 8, 0].map(shift => Math.floor(start / 2 ** shift) % 256).join('.')}/${prefix}`
}
