import type { Config } from '../../config/config.js'
import { sameNetwork } from '../realserver/half.js'
import { conf, effective, type Facts, number } from './facts.js'
import type { Finding } from './finding.js'

/** Packets on their way through the director: forwarding, redirects, reverse path filter, reachable real servers. */
export function forwardingFindings(facts: Facts, config: Config | undefined): Finding[] {
  if (!config) return []
  return [
    ...natForwarding(facts, config),
    ...redirects(facts, config),
    ...filters(facts, config),
    ...ways(facts, config),
    ...sameNet(config),
    ...udp(config),
  ]
}

function uses(config: Config, forward: 'nat' | 'dr' | 'tun', family?: 4 | 6): boolean {
  return config.services.some(service =>
    service.realServers.some(
      server =>
        server.forward === forward && (family === undefined || (server.address.includes(':') ? 6 : 4) === family),
    ),
  )
}

function natForwarding(facts: Facts, config: Config): Finding[] {
  const names = [
    ...(uses(config, 'nat', 4) ? ['net.ipv4.ip_forward'] : []),
    ...(uses(config, 'nat', 6) ? ['net.ipv6.conf.all.forwarding'] : []),
  ]
  return names
    .filter(name => number(facts, name) === 0)
    .map(name => ({
      level: 'note' as const,
      code: 'ip-forward',
      text: `${name} is 0: with nat the answers of real servers are not passed on (clients send SYN and hear nothing). lvskeeper sets it when it starts.`,
      fix: [`sysctl -w ${name}=1`],
    }))
}

/** net/ipv4/devinet.h: send_redirects holds when `all` OR the interface says so. */
function redirects(facts: Facts, config: Config): Finding[] {
  if (!uses(config, 'nat', 4)) return []
  const on = facts.interfaces.filter(
    ({ name, up, loopback }) =>
      up &&
      !loopback &&
      (number(facts, conf('all', 'send_redirects')) === 1 || number(facts, conf(name, 'send_redirects')) === 1),
  )
  if (on.length === 0) return []
  return [
    {
      level: 'warning',
      code: 'send-redirects',
      text: `This director sends ICMP redirects on ${on.map(({ name }) => name).join(', ')}: with nat on one network real servers would learn a way past it.`,
      fix: ['all', ...on.map(({ name }) => name)].map(name => `sysctl -w ${conf(name, 'send_redirects')}=0`),
    },
  ]
}

/** dr: answers do not pass here, but adverts and checks do; nat on several interfaces: both directions must be believed. */
function filters(facts: Facts, config: Config): Finding[] {
  const wired = facts.interfaces.filter(
    ({ up, loopback, addresses }) => up && !loopback && addresses.some(({ address }) => !address.includes(':')),
  )
  if (wired.length < 2 || config.services.length === 0) return []
  return wired
    .filter(({ name }) => effective(facts, name, 'rp_filter') === 1)
    .map(({ name }) => ({
      level: 'warning' as const,
      code: 'rp-filter',
      text: `rp_filter is strict on ${name}: packets of clients whose way back is another interface are dropped silently (nstat: TcpExtIPReversePathFilter).`,
      fix: [`sysctl -w ${conf(name, 'rp_filter')}=2`],
    }))
}

function ways(facts: Facts, config: Config): Finding[] {
  const found = new Map<string, Finding>()
  for (const service of config.services)
    for (const { address, forward } of service.realServers) {
      const way = facts.ways[address]
      if (!way || found.has(address)) continue
      if (way.error !== undefined)
        found.set(address, {
          level: 'problem',
          code: 'no-route',
          text: `There is no route to the real server ${address}.`,
          fix: [],
        })
      else if (forward === 'dr' && way.via !== undefined)
        found.set(address, {
          level: 'problem',
          code: 'dr-behind-gateway',
          text: `The real server ${address} is behind the gateway ${way.via}: dr needs it on the same segment. Use forward: tun.`,
          fix: [],
        })
      const neighbour = facts.neighbours.find(one => one.address === address)
      if (neighbour?.state === 'FAILED' && way.via === undefined && !found.has(address))
        found.set(address, {
          level: 'warning',
          code: 'neighbour-failed',
          text: `The real server ${address} does not answer ${address.includes(':') ? 'neighbour solicitations' : 'ARP'} on ${neighbour.interface}.`,
          fix: [`ip neighbour flush to ${address} dev ${neighbour.interface}`],
        })
    }
  return [...found.values()]
}

/** Answers of nat real servers to clients of their own network go past the director. */
function sameNet(config: Config): Finding[] {
  const vips = config.routers.flatMap(router => [...router.vips, ...router.excludedVips])
  return config.services.flatMap(service => {
    const ids = service.ids.flatMap(id => ('mark' in id ? [] : id.address))
    const server = service.realServers.find(
      one =>
        one.forward === 'nat' &&
        vips.some(
          vip => ids.includes(vip.address) && vip.prefix < 32 && sameNetwork(vip.address, one.address, vip.prefix),
        ),
    )
    if (!server) return []
    const text = `${service.name}: the VIP and the real server ${server.address} share a network. Clients of that network get answers straight from the real server and drop them.`
    return [
      {
        level: 'warning' as const,
        code: 'nat-same-network',
        text: `${text} Mend it on the real server (lvskeeper realserver verify), or use forward: dr.`,
        fix: [],
      },
    ]
  })
}

function udp(config: Config): Finding[] {
  return config.services
    .filter(
      ({ ids, realServers }) =>
        ids.some(id => 'port' in id && id.protocol === 'udp') && realServers.some(({ forward }) => forward !== 'nat'),
    )
    .map(({ name, ids }) => ({
      level: 'note' as const,
      code: 'udp-bind',
      text: `${name}: with dr and tun a UDP program on the real servers must answer from the VIP: bind it to ${ids.flatMap(id => ('mark' in id ? [] : id.address))[0] ?? 'the VIP'}.`,
      fix: [],
    }))
}
