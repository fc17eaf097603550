import { effective, type Facts } from '../doctor/facts.js'
import type { Finding } from '../doctor/finding.js'
import type { Half } from './half.js'
import { deviceOf, isV6, shell, stepsFor } from './steps.js'
import { commands, finding } from './verify-common.js'

export function tunnel(facts: Facts, half: Half): Finding[] {
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
