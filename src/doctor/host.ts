import type { Config } from '../../config/config.js'
import { type Facts, number } from './facts.js'
import type { Finding } from './finding.js'

/** The machine around it: rivals, firewall, limits of the kernel, rights. */
export function hostFindings(facts: Facts, config: Config | undefined): Finding[] {
  return [
    ...rivals(facts),
    ...firewall(facts, config),
    ...neighbourTable(facts, config),
    ...conntrack(facts),
    ...tunnelMtu(facts, config),
    ...rights(facts),
    ...quota(facts),
  ]
}

const others: Readonly<Record<string, string>> = {
  keepalived: 'keepalived manages VIPs and the IPVS table too',
  ldirectord: 'ldirectord manages the IPVS table too',
  'kube-proxy': 'kube-proxy may manage the IPVS table too',
}

function rivals({ processes, interfaces }: Facts): Finding[] {
  const found: Finding[] = Object.entries(others)
    .filter(([name]) => processes.has(name))
    .map(([name, text]) => ({
      level: name === 'kube-proxy' ? ('warning' as const) : ('problem' as const),
      code: 'rival',
      text: `${name} runs here: ${text}.${name === 'kube-proxy' ? '' : ' Stop it before lvskeeper runs; docs/migration.md shows how without a gap.'}`,
      fix: name === 'kube-proxy' ? [] : [`systemctl disable --now ${name}`],
    }))
  if (interfaces.some(({ name }) => name === 'kube-ipvs0'))
    found.push({
      level: 'warning',
      code: 'foreign-ipvs',
      text: 'kube-proxy balances with IPVS here (kube-ipvs0). lvskeeper leaves its services alone; never flush the table by hand.',
      fix: [],
    })
  return found
}

function firewall({ firewall: rules }: Facts, config: Config | undefined): Finding[] {
  if (!config || config.routers.length === 0 || !('rules' in rules)) return []
  const drops = /policy drop|:INPUT DROP|\breject\b|-j (DROP|REJECT)/.test(rules.rules)
  const accepts = /\b(vrrp|112)\b/.test(rules.rules)
  if (!drops || accepts) return []
  return [
    {
      level: 'warning',
      code: 'firewall-vrrp',
      text: 'The firewall drops packets and has no rule for VRRP (protocol 112): adverts may not come in, and both directors become master.',
      fix: [
        rules.tool === 'nft'
          ? 'nft insert rule inet filter input ip protocol 112 accept'
          : 'iptables -I INPUT 1 -p 112 -j ACCEPT',
      ],
    },
  ]
}

/** Every real server on a segment needs an entry; above gc_thresh3 the kernel refuses new ones. */
function neighbourTable(facts: Facts, config: Config | undefined): Finding[] {
  const servers = new Set(config?.services.flatMap(service => service.realServers.map(({ address }) => address)) ?? [])
  return (['ipv4', 'ipv6'] as const).flatMap(family => {
    const most = number(facts, `net.${family}.neigh.default.gc_thresh3`)
    const count = [...servers].filter(address => address.includes(':') === (family === 'ipv6')).length
    if (most === undefined || count * 2 <= most) return []
    const wanted = 2 ** Math.ceil(Math.log2(count * 4))
    return [
      {
        level: 'warning' as const,
        code: 'neighbour-table',
        text: `${count} real servers, and room for ${most} neighbours (${family}): the kernel forgets or refuses some ("neighbour table overflow").`,
        fix: [4, 2, 1].map(
          (part, index) => `sysctl -w net.${family}.neigh.default.gc_thresh${3 - index}=${(wanted * part) / 4}`,
        ),
      },
    ]
  })
}

function conntrack({ conntrack: table }: Facts): Finding[] {
  if (!table || table.count < 0.8 * table.max) return []
  return [
    {
      level: 'warning',
      code: 'conntrack-full',
      text: `Connection tracking holds ${table.count} of at most ${table.max}: new connections are dropped when it is full.`,
      fix: [`sysctl -w net.netfilter.nf_conntrack_max=${table.max * 4}`],
    },
  ]
}

function tunnelMtu(facts: Facts, config: Config | undefined): Finding[] {
  const tunnelled =
    config?.services.flatMap(service => service.realServers.filter(({ forward }) => forward === 'tun')) ?? []
  const nics = new Set(tunnelled.flatMap(({ address }) => facts.ways[address]?.interface ?? []))
  return facts.interfaces
    .filter(({ name, mtu }) => nics.has(name) && mtu <= 1500)
    .map(({ name, mtu }) => ({
      level: 'note' as const,
      code: 'tunnel-mtu',
      text: `Tunnels add 20 bytes (GUE and GRE more) and ${name} carries ${mtu}: full-sized packets of clients do not fit. Lower the MSS that real servers announce, on each of them.`,
      fix: ['ip route replace default via ROUTER advmss 1400'],
    }))
}

function rights({ root }: Facts): Finding[] {
  if (root) return []
  return [
    {
      level: 'note',
      code: 'not-root',
      text: 'Not root: some of what doctor looks at is hidden (firewall, settings of IPVS).',
      fix: ['sudo lvskeeper doctor'],
    },
  ]
}

function quota({ cpuQuota }: Facts): Finding[] {
  if (cpuQuota === undefined || cpuQuota >= 1) return []
  return [
    {
      level: 'warning',
      code: 'cpu-quota',
      text: `The control group may use ${Math.round(cpuQuota * 100)} % of one processor: when it is throttled, adverts are late and the other director takes over.`,
      fix: [],
    },
  ]
}
