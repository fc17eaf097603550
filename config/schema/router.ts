/** Directors and virtual routers (VRRP). */
import { z } from 'zod'
import {
  address,
  cidr,
  coded,
  duration,
  filePath,
  flag,
  interfaceName,
  list,
  listOnce,
  mapping,
  named,
  oneOrMore,
  reference,
  text,
  whole,
  word,
} from './values.js'

export const director = mapping({
  address: oneOrMore(address()).describe('Its own addresses: one per family at most that routers use, never a VIP.'),
  priority: whole(1, 255).optional().describe('Of its virtual routers, unless they say otherwise. Default 100.'),
  interfaces: z
    .record(interfaceName(), interfaceName(), { error: coded('bad-mapping', 'expected a mapping of interface names') })
    .optional()
    .describe('What interfaces of this file are called on this director: { eth0: ens3 }.'),
}).meta({ id: 'director', description: 'One of the machines that share the VIPs.' })

const vip = z
  .union(
    [
      cidr().transform(address => ({ address, interface: undefined })),
      mapping({
        address: cidr().describe('With its prefix length.'),
        interface: interfaceName().optional().describe("Where it is put. Default: the router's own."),
      }),
    ],
    {
      error: coded(
        'bad-vip',
        'expected an address such as 10.9.0.100/32, or { address: 10.9.1.1/24, interface: eth1 }',
      ),
    },
  )
  .describe('10.9.0.100/32, or { address: 10.9.1.1/24, interface: eth1 } on another interface.')

const trackedShape = {
  weight: whole(-253, 253)
    .optional()
    .describe('0 (default): failing is a fault. Negative: subtracted while failing. Positive: added while fine.'),
  reverse: flag().optional().describe('The weight counts the other way round. Default false.'),
  on_unknown: word(['keep', 'fail']).optional().describe('When nothing is heard of it for 10s. Default keep.'),
}

function tracked(what: string) {
  const item = mapping(trackedShape)
  return z.union([listOnce(reference(what)), z.record(z.string(), item)], trackError)
}

const trackError = {
  error: coded('bad-track', `expected a list of names, or a mapping such as { NAME: { weight: -60 } }`),
}

const trackedInterface = mapping({
  ...trackedShape,
  debounce: duration({ min: 0, max: 60_000 })
    .optional()
    .describe('It counts as down once it has been down for this long; up counts at once. Default 0s.'),
})

export const track = mapping({
  own_interface: flag().optional().describe("false: the state of the router's own interface is ignored. Default true."),
  interfaces: z
    .union([listOnce(reference('an interface')), z.record(z.string(), trackedInterface)], trackError)
    .optional()
    .describe('Further interfaces that must be up.'),
  scripts: tracked('a script').optional().describe('Programs of `scripts` that must succeed.'),
  files: tracked('a file').optional().describe('Files of `files` whose number counts.'),
  processes: tracked('a process').optional().describe('Programs of `processes` that must run.'),
  virtual_servers: tracked('a virtual server').optional().describe('Failing: below its quorum here.'),
  gateway: mapping({
    address: address().describe('Who must answer.'),
    interface: interfaceName().optional().describe("Where it is asked. Default: the router's own."),
    by: word(['arp', 'icmp']).optional().describe('How it is asked. Default arp (IPv6: neighbour solicitation).'),
    interval: duration({ min: 10 }).optional().describe('Default 1s.'),
    timeout: duration().optional().describe('Default 500ms.'),
    rise: whole(1, 1000).optional().describe('Answers in a row that bring it back. Default 2.'),
    fall: whole(1, 1000).optional().describe('Silences in a row that count as gone. Default 3.'),
    ...trackedShape,
  })
    .optional()
    .describe('The way out: a gateway that must answer.'),
}).describe('What moves the priority, or makes this director unfit.')

const witness = mapping({
  address: address().describe('Who is asked.'),
  by: word(['arp', 'icmp', 'tcp']).optional().describe('How it is asked. Default arp (IPv6: neighbour solicitation).'),
  port: whole(1, 65_535).optional().describe('by: tcp only: where a connection must open.'),
  interface: interfaceName().optional().describe("by: arp only. Default: the router's own."),
  interval: duration({ min: 100 }).optional().describe('Default 1s.'),
  within: duration({ min: 100 }).optional().describe('How long ago it may have answered. Default 5s.'),
}).describe('An address that must have answered lately before a silent master is replaced from here. Default: none.')

const authentication = mapping({
  pass: text('a password', 8)
    .optional()
    .describe('Version 2 simple text, at most 8 characters. Decoration: it is readable on the wire.'),
  pass_file: filePath().optional().describe('File with that password.'),
  hmac: mapping({
    keys: z
      .record(
        z.string().regex(/^\d{1,3}$/, { error: coded('bad-number', 'expected a key number from 0 to 255') }),
        filePath(),
        {
          error: coded('bad-mapping', 'expected a mapping of key numbers to files'),
        },
      )
      .describe('Key number -> file with 32 to 64 bytes, or as many in hex after hex:.'),
    active_key: whole(0, 255).optional().describe('The key that signs. Default: the only one.'),
    window: duration({ min: 1000, max: 300_000 })
      .optional()
      .describe('How far a wall clock may be off. Default: the larger of 5s and three intervals.'),
    mode: word(['enforce', 'permissive', 'receive-only']).optional().describe('Default enforce.'),
  })
    .optional()
    .describe("Version 3, in the format of keepalived 2.4's auth_hmac."),
})

const garp = mapping({
  repeat: whole(0, 100).optional().describe('Rounds at once on becoming master. Default 5.'),
  delay: duration({ min: 0 }).optional().describe('The same once more after this time; 0s: not. Default 5s.'),
  refresh: duration({ min: 0 }).optional().describe('While master, every so often; 0s: never. Default 60s.'),
  refresh_repeat: whole(1, 100).optional().describe('Default 1.'),
  lower_priority_repeat: whole(0, 100).optional().describe('After hearing a lesser master. Default: repeat.'),
  lower_priority_delay: duration({ min: 0 }).optional().describe('Default: delay.'),
  interval: duration({ min: 0, max: 60_000 })
    .optional()
    .describe('Between two VIPs, for switches that cannot take many frames at once. Default 0s.'),
}).describe('Gratuitous ARP and unsolicited neighbour advertisements.')

const route = mapping({
  destination: z
    .union([z.literal('default'), cidr()], {
      error: coded('bad-address', 'expected a network such as 10.0.0.0/8, or default'),
    })
    .describe('A network, or default.'),
  via: address().optional().describe('Next hop.'),
  interface: interfaceName().optional().describe('Way out.'),
  source: address().optional().describe('Preferred source address.'),
  table: whole(1, 4_294_967_295).optional().describe('Number of the routing table. Default 254, main.'),
  metric: whole(0, 4_294_967_295).optional().describe('The lower one wins.'),
})

const rule = mapping({
  family: z
    .literal([4, 6], { error: coded('bad-family', 'expected 4 or 6') })
    .optional()
    .describe('4 or 6. Default: that of from or to, else of the router.'),
  from: cidr().optional().describe('Packets from this network.'),
  to: cidr().optional().describe('Packets to this network.'),
  mark: whole(0, 4_294_967_295).optional().describe('Packets with this firewall mark.'),
  interface: interfaceName().optional().describe('Packets that came in here.'),
  table: whole(1, 4_294_967_295).describe('Number of the routing table that they look up.'),
  preference: whole(0, 4_294_967_295).optional().describe('The lower one is asked first. Default: the kernel chooses.'),
})

export const routerShape = {
  vrid: whole(1, 255).describe(
    'Needed. Number of the virtual router; the same on every director, unique on its segment.',
  ),
  interface: interfaceName().describe('Needed. The interface that carries the adverts.'),
  version: whole(2, 3).optional().describe('VRRP version. Default 3.'),
  advert_interval: duration({ min: 10, max: 255_000 }).optional().describe('Default 1s. Version 2: whole seconds.'),
  priorities: named(whole(1, 255))
    .optional()
    .describe("{ d1: 100, d2: 150 }: win over the directors' own: active/active."),
  preempt: z
    .union(
      [
        flag(),
        mapping({ delay: duration({ min: 0, max: 1_000_000 }).describe('How long it waits before it takes over.') }),
      ],
      {
        error: coded('bad-preempt', 'expected true, false or { delay: 30s }'),
      },
    )
    .optional()
    .describe('Whether a director of higher priority takes over from a lesser master. Default true.'),
  transport: word(['multicast', 'unicast']).optional().describe('Default multicast.'),
  peers: listOnce(
    z.union(
      [
        address(),
        mapping({
          address: address().describe('Of the peer.'),
          min_ttl: whole(1, 255).optional().describe('The lowest TTL that is accepted from it.'),
        }),
      ],
      {
        error: coded('bad-peer', 'expected an address, or { address: 10.9.0.12, min_ttl: 254 }'),
      },
    ),
  )
    .optional()
    .describe("Unicast peers in place of the other directors' addresses."),
  min_ttl: whole(1, 255).optional().describe('Unicast through routers: the lowest TTL that is accepted. Default 255.'),
  vips: list(vip).optional().describe('The addresses that move; advertised.'),
  excluded_vips: list(vip).optional().describe('Move with them, but are not advertised; any family.'),
  accept: flag().optional().describe('Always true: a load balancer must accept packets to its VIPs.'),
  profile: word(['keepalived', 'rfc9568'])
    .optional()
    .describe('Checksum of IPv4 version 3 adverts: with (keepalived, default) or without pseudo-header.'),
  authentication: authentication.optional().describe('How adverts show whose they are. Default: none.'),
  garp: garp.optional(),
  track: track.optional(),
  witness: witness.optional(),
  virtual_mac: z
    .union(
      [
        flag(),
        mapping({
          interface: interfaceName().optional().describe('Name of the macvlan. Default vrrp.VRID, IPv6: vrrp6.VRID.'),
          transmit_on_parent: flag()
            .optional()
            .describe('Adverts leave from the interface below, with its MAC. Always so with unicast.'),
        }),
      ],
      {
        error: coded('bad-virtual-mac', 'expected true, false or { interface: vrrp.51 }'),
      },
    )
    .optional()
    .describe('VIPs on a macvlan with the MAC of the virtual router. Default false.'),
  sync_group: reference('a sync group').optional().describe('Routers of the same group change state together.'),
  routes: listOnce(route).optional().describe('Routes that move with the VIPs.'),
  rules: listOnce(rule).optional().describe('Rules that move with the VIPs.'),
  restart_interval: duration({ min: 10, max: 40_950 })
    .optional()
    .describe('Patience that a restart asks of the backups. Default 1s.'),
}

export const virtualRouter = mapping(routerShape).meta({ id: 'virtual_router', description: 'One VRRP instance.' })
export type RouterFile = z.output<typeof virtualRouter>
export type DirectorFile = z.output<typeof director>
export type TrackFile = z.output<typeof track>
