import { carriers, effective, type Facts, type Interface, type Route } from '../doctor/facts.js'
import type { Finding } from '../doctor/finding.js'
import { type Half, sameNetwork } from './half.js'
import { deviceOf, isV6 } from './steps.js'
import { commands, defaultRoute, finding } from './verify-common.js'

// ---- dr, tun: the VIP is here, whole and unseen

export function vips(facts: Facts, half: Half): Finding[] {
  const { v4, v6 } = deviceOf(half)
  return half.vips.flatMap(vip => {
    const whole = isV6(vip) ? 128 : 32
    const device = isV6(vip) ? v6 : v4
    const add = commands(half, `${vip}/`)
    const found = carriers(facts, vip)
    if (found.length === 0)
      return [
        finding(
          'problem',
          'vip-missing',
          `${vip} is not on this machine: packets to it are dropped (clients time out, the director shows SYN_RECV).`,
          add,
        ),
      ]
    return found.flatMap(({ on, as }): Finding[] => {
      const remove = `ip address del ${vip}/${as.prefix} dev ${on.name}`
      if (as.prefix !== whole && (on.loopback || hidden(on)))
        return [
          finding(
            'problem',
            'vip-prefix',
            `${vip}/${as.prefix} on ${on.name} makes the whole network seem to be on this machine: it cannot reach its neighbours.`,
            [remove, ...add],
          ),
        ]
      if (!on.loopback && !hidden(on))
        return [
          finding(
            'problem',
            'vip-on-wire',
            `${vip} is on ${on.name}, which answers ARP for it: clients come here past the director.`,
            [remove, ...add],
          ),
        ]
      if (half.mode === 'tun' && on.name !== device && !on.loopback)
        return [finding('note', 'vip-elsewhere', `${vip} is on ${on.name}; that works as on ${device}.`)]
      return on.up
        ? []
        : [
            finding('problem', 'device-down', `${on.name}, which carries ${vip}, is down.`, [
              `ip link set ${on.name} up`,
            ]),
          ]
    })
  })
}

/** Interfaces that show their addresses to nobody. */
function hidden(on: Interface): boolean {
  return on.loopback || on.noArp || on.kind === 'dummy' || ['ipip', 'gre', 'ip6tnl', 'ip6gre', 'sit'].includes(on.kind)
}

export function onWire(facts: Facts): Interface[] {
  return facts.interfaces.filter(on => on.up && !hidden(on) && on.addresses.some(({ address }) => !isV6(address)))
}

export function arp(facts: Facts, half: Half): Finding[] {
  if (!half.vips.some(vip => !isV6(vip))) return []
  return onWire(facts).flatMap(({ name }): Finding[] => {
    const ignore = effective(facts, name, 'arp_ignore')
    const announce = effective(facts, name, 'arp_announce')
    const result: Finding[] = []
    if (ignore === 0)
      result.push(
        finding(
          'problem',
          'arp-ignore',
          `${name} answers ARP for every address of this machine (arp_ignore 0): the router learns this machine's MAC for the VIP, and clients come here past the director.`,
          commands(half, 'arp_ignore'),
        ),
      )
    if (ignore >= 3)
      result.push(
        finding(
          'warning',
          'arp-ignore-strict',
          `arp_ignore is ${ignore} on ${name}: ${ignore === 8 ? 'it answers no ARP at all' : 'it tells by scope, not by interface'}. 1 is meant.`,
          commands(half, 'arp_ignore'),
        ),
      )
    if (announce < 2)
      result.push(
        finding(
          announce === 0 ? 'problem' : 'warning',
          'arp-announce',
          `${name} may name the VIP as sender of its own ARP requests (arp_announce ${announce}): neighbours then learn this machine's MAC for it.`,
          commands(half, 'arp_announce'),
        ),
      )
    return result
  })
}

/** Answers leave straight to the client, with the VIP as sender: not through the director. */
export function wayBack(facts: Facts, half: Half): Finding[] {
  const result: Finding[] = []
  for (const family of [4, 6] as const) {
    if (!half.vips.some(vip => (isV6(vip) ? 6 : 4) === family)) continue
    const route = defaultRoute(facts, family)
    if (!route) {
      result.push(
        finding(
          'warning',
          'no-default-route',
          `There is no IPv${family} default route: clients from other networks get no answer.`,
        ),
      )
      continue
    }
    if (route.via !== undefined && [...half.directors, ...half.vips].includes(route.via))
      result.push(
        finding(
          'problem',
          'gateway-is-director',
          `The default gateway ${route.via} is a director: with ${half.mode} answers must go to the client by the router's way.`,
          [`ip route replace default via ROUTER${route.interface === undefined ? '' : ` dev ${route.interface}`}`],
        ),
      )
    if (family === 4) result.push(...strictFilter(facts, half, route))
  }
  return result
}

/** Packets from clients arrive on the interface of the directors; a strict filter wants them on that of the default route. */
function strictFilter(facts: Facts, half: Half, route: Route): Finding[] {
  if (half.mode !== 'dr') return []
  const arriving = onWire(facts).filter(on =>
    on.addresses.some(own => half.directors.some(director => sameNetwork(own.address, director, own.prefix))),
  )
  return arriving
    .filter(on => on.name !== route.interface && effective(facts, on.name, 'rp_filter') === 1)
    .map(on =>
      finding(
        'problem',
        'rp-filter',
        `Clients' packets come in on ${on.name}, answers go out on ${route.interface}: the strict rp_filter of ${on.name} drops them.`,
        [`sysctl -w net.ipv4.conf.${on.name.replaceAll('.', '/')}.rp_filter=2`],
      ),
    )
}
