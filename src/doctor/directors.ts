import type { Config, RouterConfig } from '../../config/config.js'
import { carriers, type Facts, number } from './facts.js'
import type { Finding } from './finding.js'

/** VRRP's surroundings: interfaces, own address, VIPs that somebody else configured, multicast, who else touches addresses. */
export function directorFindings(facts: Facts, config: Config | undefined): Finding[] {
  if (!config || config.routers.length === 0) return []
  return [
    ...config.routers.flatMap(router => interfaceOf(facts, router)),
    ...ownAddress(facts, config),
    ...peerKey(facts, config),
    ...staticVips(facts, config),
    ...promotion(facts, config),
    ...snooping(facts, config),
    ...networkd(facts, config),
  ]
}

function interfaceOf(facts: Facts, { name, interface: nic }: RouterConfig): Finding[] {
  const on = facts.interfaces.find(one => one.name === nic)
  if (!on)
    return [
      {
        level: 'problem',
        code: 'interface-missing',
        text: `${name}: there is no interface ${nic} here. Interfaces: ${facts.interfaces.map(one => one.name).join(', ')}.`,
        fix: [],
      },
    ]
  if (!on.up)
    return [
      { level: 'problem', code: 'interface-down', text: `${name}: ${nic} is down.`, fix: [`ip link set ${nic} up`] },
    ]
  return on.running
    ? []
    : [{ level: 'problem', code: 'no-carrier', text: `${name}: ${nic} has no carrier: is the cable in?`, fix: [] }]
}

function ownAddress(facts: Facts, { node, static: isStatic }: Config): Finding[] {
  if (isStatic) return []
  return node.addresses
    .filter(address => carriers(facts, address).length === 0)
    .map(address => ({
      level: 'problem' as const,
      code: 'own-address-missing',
      text: `This director (${node.name}) has the address ${address} in the file, but not on this machine.`,
      fix: [],
    }))
}

/** Without a key that both have, directors know nothing of each other but adverts. */
function peerKey({ peerKey: key }: Facts, { peerKeyFile: file = '' }: Config): Finding[] {
  if (key === undefined) return []
  const unknown = 'the other directors are unknown, and `failover` is refused.'
  if ('failure' in key || key.keys === 0)
    return [
      {
        level: 'problem',
        code: 'peer-key',
        text: `peer_key_file ${file}: ${'failure' in key ? key.failure : 'it holds no key'}. Without it ${unknown} Copy it from another director, or make one for all of them:`,
        fix: [`head -c 32 /dev/urandom | base64 > ${file}; chmod 600 ${file}`],
      },
    ]
  if ((key.mode & 0o007) === 0) return []
  return [
    {
      level: 'warning',
      code: 'peer-key-open',
      text: `Every user of this machine may read the peers' key ${file}.`,
      fix: [`chmod 600 ${file}`],
    },
  ]
}

/** VIPs that the network configuration brings up by itself would be on both directors. */
function staticVips(facts: Facts, config: Config): Finding[] {
  return config.routers
    .flatMap(router => [...router.vips, ...router.excludedVips])
    .flatMap(vip =>
      carriers(facts, vip.address)
        .filter(({ on, as }) => as.permanent && !on.loopback && !config.node.addresses.includes(vip.address))
        .map(({ on, as }) => ({
          level: 'problem' as const,
          code: 'static-vip',
          text: `The VIP ${vip.address} is on ${on.name} without a lifetime: the network configuration (or another program) put it there, and it does not leave in a failover. Take it out of the network configuration.`,
          fix: [`ip address del ${vip.address}/${as.prefix} dev ${on.name}`],
        })),
    )
}

/** Removing the first address of a network removes the others with it, unless they are promoted (ip-sysctl: promote_secondaries). */
function promotion(facts: Facts, config: Config): Finding[] {
  const wide = config.routers
    .flatMap(router => [...router.vips, ...router.excludedVips])
    .filter(vip => !vip.address.includes(':') && vip.prefix < 32)
  return [...new Set(wide.map(vip => vip.interface))]
    .filter(
      nic =>
        number(facts, `net.ipv4.conf.${nic.replaceAll('.', '/')}.promote_secondaries`) === 0 &&
        number(facts, 'net.ipv4.conf.all.promote_secondaries') !== 1,
    )
    .map(nic => ({
      level: 'warning' as const,
      code: 'promote-secondaries',
      text: `VIPs on ${nic} have a prefix shorter than /32: when one is removed, the kernel may remove others of the same network with it.`,
      fix: [`sysctl -w net.ipv4.conf.${nic.replaceAll('.', '/')}.promote_secondaries=1`],
    }))
}

function snooping(facts: Facts, config: Config): Finding[] {
  const multicast = config.routers.filter(router => router.transport === 'multicast')
  const names = new Set(
    multicast.flatMap(
      router => facts.interfaces.find(one => one.name === router.interface)?.master ?? router.interface,
    ),
  )
  return facts.bridges
    .filter(({ name, snooping: on, querier }) => names.has(name) && on && !querier)
    .map(({ name }) => ({
      level: 'warning' as const,
      code: 'multicast-snooping',
      text: `The bridge ${name} snoops multicast without a querier: after some minutes adverts may reach nobody, and both directors become master.`,
      fix: [`ip link set ${name} type bridge mcast_querier 1`],
    }))
}

function networkd(facts: Facts, config: Config): Finding[] {
  const nics = new Set(config.routers.flatMap(router => [router.interface, ...router.vips.map(vip => vip.interface)]))
  return facts.interfaces
    .filter(({ name, networkd: managed }) => managed && nics.has(name))
    .map(({ name }) => ({
      level: 'note' as const,
      code: 'networkd',
      text: `systemd-networkd manages ${name}: its restart removes addresses it does not know. lvskeeper puts VIPs back at once; KeepConfiguration=yes avoids the gap.`,
      fix: [],
    }))
}
