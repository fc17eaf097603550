import { collectFacts } from '../doctor/collect.js'
import { carriers, effective, type Facts, type Interface, type Route } from '../doctor/facts.js'
import { type Finding, type Report, toReport } from '../doctor/finding.js'
import { type Half, sameNetwork } from './half.js'
import { deviceOf, isV6, shell, stepsFor } from './steps.js'

/** Looks at this machine as a real server: what is wrong, and the commands that mend it, in a safe order. */
export function verifyRealServer(halves: readonly Half[]): Report {
  const vips = halves.flatMap(half => [...half.vips])
  return toReport(realServerFindings(collectFacts({ waysTo: vips }), halves))
}

/** Pure: the same for facts that were taken elsewhere. */
export function realServerFindings(facts: Facts, halves: readonly Half[]): Finding[] {
  return halves.flatMap(half =>
    half.mode === 'nat'
      ? [...natRoute(facts, half), ...natVips(facts, half), ...listening(facts, half)]
      : [
          ...tunnel(facts, half),
          ...arp(facts, half),
          ...vips(facts, half),
          ...wayBack(facts, half),
          ...listening(facts, half),
        ],
  )
}

function finding(level: Finding['level'], code: string, text: string, fix: readonly string[] = []): Finding {
  return { level, code, text, fix }
}

/** The commands of `prepare` that mention a word. */
function commands(half: Half, word: string): string[] {
  return stepsFor(half)
    .filter(({ run }) => run.some(part => part.includes(word)))
    .map(({ run }) => shell(run))
}

// ---- dr, tun: the VIP is here, whole and unseen

function vips(facts: Facts, half: Half): Finding[] {
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

function onWire(facts: Facts): Interface[] {
  return facts.interfaces.filter(on => on.up && !hidden(on) && on.addresses.some(({ address }) => !isV6(address)))
}

function arp(facts: Facts, half: Half): Finding[] {
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

function tunnel(facts: Facts, half: Half): Finding[] {
  if (half.mode !== 'tun') return []
  const { v4, v6 } = deviceOf(half)
  const wanted = [...(half.vips.some(vip => !isV6(vip)) ? [v4] : []), ...(half.vips.some(isV6) ? [v6] : [])]
  const result = wanted.flatMap((name): Finding[] => {
    const on = facts.interfaces.find(one => one.name === name)
    if (!on)
      return [
        finding(
          'problem',
          'tunnel-missing',
          `There is no ${name}: nothing takes packets out of the tunnel.`,
          stepsFor(half)
            .filter(({ run }) => run[0] === 'modprobe')
            .map(({ run }) => shell(run)),
        ),
      ]
    return on.up ? [] : [finding('problem', 'tunnel-down', `${name} is down.`, [`ip link set ${name} up`])]
  })
  const filter = facts.interfaces.some(on => on.name === v4) ? effective(facts, v4, 'rp_filter') : 0
  if (filter === 1)
    result.push(
      finding(
        'problem',
        'rp-filter',
        `rp_filter is strict (1) on ${v4}: packets out of the tunnel are dropped, because their senders are reached another way (nstat: TcpExtIPReversePathFilter).`,
        commands(half, 'rp_filter'),
      ),
    )
  if (half.tunnel.type === 'gue') {
    const { port } = half.tunnel
    const open = facts.listeners.some(one => one.protocol === 'udp' && one.port === port)
    if (!open)
      result.push(
        finding('problem', 'fou-port', `Nobody takes GUE packets on UDP port ${port}.`, commands(half, 'fou')),
      )
  }
  result.push(...tunnelFirewall(facts, half))
  return result
}

function tunnelFirewall({ firewall }: Facts, half: Half): Finding[] {
  if (!('rules' in firewall) || half.tunnel.type === 'gue') return []
  const number = half.tunnel.type === 'gre' ? 47 : 4
  const drops = /policy drop|:INPUT DROP|-P INPUT DROP|\breject\b|-j (DROP|REJECT)/.test(firewall.rules)
  const accepts = new RegExp(
    `(-p|protocol|nexthdr|meta l4proto) *\\{?[^\\n]*\\b(${number}|${number === 4 ? 'ipip|ipencap|ip4' : 'gre'})\\b`,
  ).test(firewall.rules)
  if (!drops || accepts) return []
  const fix =
    firewall.tool === 'nft'
      ? `nft insert rule inet filter input ip protocol ${number} accept`
      : `iptables -I INPUT 1 -p ${number} -j ACCEPT`
  return [
    finding(
      'warning',
      'firewall-tunnel',
      `The firewall drops packets and has no rule for protocol ${number}: tunnelled packets may not come in.`,
      [fix],
    ),
  ]
}

/** Answers leave straight to the client, with the VIP as sender: not through the director. */
function wayBack(facts: Facts, half: Half): Finding[] {
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

function defaultRoute(facts: Facts, family: 4 | 6): Route | undefined {
  return facts.routes.find(
    route => route.family === family && route.destination === 'default' && route.table === 'main',
  )
}

// ---- nat: answers go back through the director

function natRoute(facts: Facts, half: Half): Finding[] {
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

function natVips(facts: Facts, half: Half): Finding[] {
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

function network(address: string, prefix: number): string {
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const start = prefix === 0 ? 0 : Math.floor(value / 2 ** (32 - prefix)) * 2 ** (32 - prefix)
  return `${[24, 16, 8, 0].map(shift => Math.floor(start / 2 ** shift) % 256).join('.')}/${prefix}`
}

// ---- somebody must listen where the packets arrive

function listening(facts: Facts, half: Half): Finding[] {
  return half.services.flatMap(({ protocol, address, port }): Finding[] => {
    if (protocol === 'sctp') return []
    const all = facts.listeners.filter(one => one.protocol === protocol && one.port === port)
    const wild = all.some(one => one.address === '::' || (one.address === '0.0.0.0' && !isV6(address)))
    const where = isV6(address) ? `[${address}]:${port}` : `${address}:${port}`
    if (all.some(one => one.address === address)) return []
    if (wild && protocol === 'udp' && half.mode !== 'nat')
      return [
        finding(
          'note',
          'udp-wildcard',
          `The UDP service on port ${port} listens on every address: unless it answers from the address it was asked at, clients drop its answers. Bind it to ${address}.`,
        ),
      ]
    if (wild) return []
    const [other] = all
    if (other)
      return [
        finding(
          'problem',
          'listens-elsewhere',
          `Port ${port} (${protocol}) listens on ${other.address} only: packets to ${where} are refused, while a check of ${other.address} passes.`,
        ),
      ]
    return [finding('warning', 'not-listening', `Nobody listens on ${where} (${protocol}).`)]
  })
}
