/** Virtual servers, their real servers, and what the kernel's table holds of them. */
import { z } from 'zod'
import { checkUse } from './check.js'
import {
  coded,
  duration,
  filePath,
  flag,
  list,
  listOnce,
  mapping,
  oneOrMore,
  port,
  text,
  whole,
  word,
} from './values.js'

export const schedulers = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'dh',
  'sh',
  'sed',
  'nq',
  'fo',
  'ovf',
  'mh',
  'twos',
] as const

const forward = () =>
  word(['nat', 'dr', 'tun']).describe('How packets reach the real server: nat, dr (direct routing) or tun (tunnel).')

const tunnel = () =>
  mapping({
    type: word(['ipip', 'gue', 'gre']).describe('Default ipip.'),
    port: port().optional().describe('gue only: the UDP port.'),
    checksum: word(['none', 'csum', 'remcsum'])
      .optional()
      .describe('gue: none, csum, remcsum; gre: none, csum. Default none.'),
  }).describe('The kind of tunnel, with forward: tun.')

const weight = () => whole(0, 2_147_483_647).describe('Share of the connections; 0: none. Default 1.')

const start = () => word(['check', 'up', 'down']).optional()
const onDown = () => word(['remove', 'inhibit']).optional()

const serverShape = {
  port: port().optional().describe('Default: that of the virtual server. Another one only with forward: nat.'),
  weight: weight().optional(),
  forward: forward().optional(),
  tunnel: tunnel().optional(),
  upper: whole(0, 4_294_967_295).optional().describe('Most connections; 0 (default): no limit.'),
  lower: whole(0, 4_294_967_295)
    .optional()
    .describe('Below this many it takes connections again after upper was reached.'),
  tier: whole(1, 100)
    .optional()
    .describe('1 (default) is used first; the next one when its weight falls below tier_minimum.'),
  start: start().describe('Before its first verdict. Default: as the virtual server says.'),
  on_down: onDown().describe('Default: as the virtual server says.'),
  ...checkUse,
}

const endpointText = (wanted: string) =>
  z
    .string({ error: coded('bad-endpoint', wanted) })
    .meta({ examples: ['10.9.0.21', '10.9.0.21-29', '10.9.0.100:80', '[fd00:9::100]:80'] })

const serverAddress =
  'expected an address such as 10.9.0.21, a range such as 10.9.0.21-29, or with a port: 10.9.0.21:8080, [fd00:9::21]:8080'

export const realServer = mapping({
  address: endpointText(serverAddress)
    .optional()
    .describe('10.9.0.21, 10.9.0.21:8080, [fd00:9::21]:8080, or a range: 10.9.0.21-29.'),
  dns: text('a domain name', 255)
    .optional()
    .describe('In place of address: every A or AAAA record (or SRV record) is a real server.'),
  record: word(['A', 'AAAA', 'SRV']).optional().describe('With dns. Default A for an IPv4 virtual server, else AAAA.'),
  refresh: duration({ min: 1000 }).optional().describe('With dns or file: how often it is looked at. Default 30s.'),
  file: filePath()
    .optional()
    .describe('In place of address: a JSON or YAML file with a list of targets (file_sd), watched.'),
  ...serverShape,
}).meta({ id: 'real_server', description: 'One real server, a range of them, or where to look them up.' })

const persistence = z
  .union([
    duration({ min: 1000, max: 31 * 86_400_000 }),
    mapping({
      timeout: duration({ min: 1000, max: 31 * 86_400_000 }).describe('How long a client stays with its real server.'),
      netmask: whole(1, 128).optional().describe('Prefix length by which clients are told apart. Default 32 or 128.'),
      engine: word(['sip']).optional().describe('sip: by Call-ID (UDP).'),
    }),
  ])
  .describe('Clients stay with their real server for this long: 5m, or { timeout: 5m, netmask: 24 }.')

const serviceAddress =
  'expected an address with a port such as 10.9.0.100:80 or [fd00:9::100]:80, or a range such as 10.9.0.100-109:80'

export const serviceShape = {
  address: oneOrMore(endpointText(serviceAddress))
    .optional()
    .describe('10.9.0.100:80; a range: 10.9.0.100-109:80; a list of them. Without :port with `ports`.'),
  ports: oneOrMore(
    z.union([whole(0, 65_535), z.string().meta({ examples: ['8000-8010'] })], {
      error: coded('bad-port', 'expected a port or a range such as 8000-8010'),
    }),
  )
    .optional()
    .describe('Ports of every address: [80, 443, 8000-8010].'),
  protocol: oneOrMore(word(['tcp', 'udp', 'sctp']))
    .optional()
    .describe('tcp, udp, sctp, or a list. Default tcp.'),
  mark: oneOrMore(whole(1, 4_294_967_295)).optional().describe('In place of address: packets with this firewall mark.'),
  family: z
    .literal([4, 6], { error: coded('bad-family', 'expected 4 or 6') })
    .optional()
    .describe('With mark: 4 or 6. Default: that of the real servers.'),
  scheduler: word(schedulers).optional().describe('Default wlc.'),
  scheduler_flags: listOnce(word(['sh-port', 'sh-fallback', 'mh-port', 'mh-fallback', 'flag-1', 'flag-2', 'flag-3']))
    .optional()
    .describe('sh and mh: port: the source port counts too; fallback: another one where one is gone.'),
  persistence: persistence.optional(),
  one_packet: flag().optional().describe('Every datagram is scheduled by itself (udp only).'),
  forward: forward().optional(),
  tunnel: tunnel().optional(),
  start: start().describe('Real servers before their first verdict. Default check: not in the table until it is in.'),
  on_down: onDown().describe('A real server that is down: removed (default), or weight 0.'),
  quorum: whole(1, 2_147_483_647).optional().describe('Least weight that makes the service up. Default 1.'),
  hysteresis: whole(0, 2_147_483_647)
    .optional()
    .describe('Up at quorum + hysteresis, down below quorum - hysteresis. Default 0.'),
  sorry_server: z
    .union(
      [
        endpointText(serverAddress),
        mapping({
          address: endpointText(serverAddress).describe('10.9.0.90, or 10.9.0.90:8080 with forward: nat.'),
          port: port().optional().describe('Default: that of the virtual server.'),
          forward: forward().optional(),
          tunnel: tunnel().optional(),
          inhibit: flag().optional().describe('Real servers stay with weight 0 meanwhile.'),
        }),
      ],
      { error: coded('bad-endpoint', 'expected an address, or { address: 10.9.0.90, forward: nat }') },
    )
    .optional()
    .describe('Serves while the service is below its quorum.'),
  slow_start: duration({ min: 0, max: 86_400_000 }).optional().describe('Ramp of the weight after a recovery.'),
  tier_minimum: whole(1, 2_147_483_647)
    .optional()
    .describe('The next tier joins when the weight of the first falls below it. Default 1.'),
  weight: weight().optional().describe('Of its real servers, unless they say otherwise. Default 1.'),
  port: port().optional().describe('Of its real servers, unless they say otherwise.'),
  upper: serverShape.upper,
  lower: serverShape.lower,
  ...checkUse,
  real_servers: list(
    z.union([endpointText(serverAddress), realServer], {
      error: coded('bad-real-server', 'expected { address: 10.9.0.21 }'),
    }),
  )
    .optional()
    .describe('Who serves: addresses, ranges of them, or where they are looked up.'),
}

export const virtualServer = mapping(serviceShape).meta({
  id: 'virtual_server',
  description: 'One service that is balanced.',
})
export type ServiceFile = z.output<typeof virtualServer>
export type RealServerFile = z.output<typeof realServer>
export { serverShape }
