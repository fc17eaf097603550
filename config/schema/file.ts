/** The whole file that operators edit (DESIGN section 5). Types and JSON Schema come from here. */
import { z } from 'zod'
import { alert } from './alert.js'
import { check, checkCommon } from './check.js'
import { director, routerShape, virtualRouter } from './router.js'
import { serverShape, serviceShape, virtualServer } from './service.js'
import {
  coded,
  duration,
  filePath,
  flag,
  interfaceName,
  list,
  mapping,
  multicastGroup,
  named,
  numeric,
  oneOrMore,
  port,
  size,
  text,
  whole,
  word,
} from './values.js'

const script = mapping({
  argv: list(text('an argument'))
    .min(1, { error: coded('empty-list', 'expected at least one entry') })
    .describe('Program and arguments, no shell.'),
  interval: duration({ min: 10 }).optional().describe('Default 1s.'),
  timeout: duration().optional().describe('Default: interval.'),
  rise: whole(1, 1000).optional().describe('Default 1.'),
  fall: whole(1, 1000).optional().describe('Default 1.'),
  user: text('a user').optional().describe('Name, or number in quotes. Default: the one that lvskeeper runs as.'),
  group: text('a group').optional().describe("Name, or number in quotes. Default: the user's."),
  env: z.record(z.string(), z.string()).optional().describe('Its environment besides PATH: { LANG: C }.'),
  cwd: filePath().optional().describe('Where it runs. Default: where lvskeeper does.'),
}).describe('A program whose exit code 0 means fine.')

const trackedFile = mapping({
  path: filePath().describe('It holds one number.'),
  interval: duration({ min: 10 }).optional().describe('How often it is looked at, besides being watched. Default 1s.'),
}).describe('A file whose number, times the weight, is added to the priority.')

const trackedProcess = mapping({
  command: text('a program').describe('Name of the program as in /proc/PID/comm (15 characters), or its path.'),
  arguments: list(text('an argument')).optional().describe('First arguments that must be equal.'),
  minimum: whole(0, 65_535).optional().describe('Least number of processes. Default 1.'),
  maximum: whole(0, 65_535).optional().describe('Most. Default: no limit.'),
  delay: duration({ min: 0 }).optional().describe('How long it must be so before it counts. Default 0s.'),
}).describe('A program that must run.')

const syncDaemon = mapping({
  interface: interfaceName().describe('Where connections are told to the other directors.'),
  id: whole(0, 255).optional().describe('Default 0.'),
  port: port().optional().describe('Default 8848.'),
  ttl: whole(1, 255).optional().describe('Default 1.'),
  group: multicastGroup().optional().describe('Multicast group. Default 224.0.0.81.'),
  max_length: size({ min: 1, max: 65_507 }).optional().describe('Longest datagram. Default: what the interface takes.'),
}).describe("The kernel's connection synchronisation: both roles run on every director.")

const listen = z
  .string({ error: coded('bad-endpoint', 'expected :PORT or ADDRESS:PORT') })
  .regex(/^(\[[0-9a-fA-F:.]+\]|[0-9.]*):\d{1,5}$/, { error: coded('bad-endpoint', 'expected :PORT or ADDRESS:PORT') })
  .meta({ examples: [':9433', '10.9.0.11:9433'] })

const api = mapping({
  socket: filePath().optional().describe('Default /run/lvskeeper/control.sock, where a link leads to it otherwise.'),
  status_socket: filePath().optional().describe('Default /run/lvskeeper/status.sock, likewise.'),
  group: text('a group').optional().describe('May use the control socket. Default lvskeeper.'),
  listen: listen.optional().describe(':PORT or ADDRESS:PORT; with TLS and tokens.'),
  cert_file: filePath().optional().describe('Certificate of the listener, PEM.'),
  key_file: filePath().optional().describe('Its key, PEM.'),
  client_ca_file: filePath().optional().describe('Clients must show a certificate of these authorities.'),
  read_token_file: filePath().optional().describe('Who shows this token may read.'),
  admin_token_file: filePath().optional().describe('Who shows this token may do everything.'),
})

const metrics = mapping({
  listen: listen.describe(':9433 or ADDRESS:PORT. Read only: metrics, status page, healthz, readyz, role.'),
  page: flag().optional().describe('The status page too. Default true.'),
  token_file: filePath().optional().describe('Asked as a bearer token.'),
})

const part = <T extends z.ZodRawShape>(shape: T) => mapping(shape).partial()

const shape = {
  include: oneOrMore(text('a file name')).optional().describe('Further files: conf.d/*.yaml, relative to this one.'),
  directors: named(director).optional().describe('The machines that share the VIPs, by name.'),
  peer_key_file: filePath()
    .optional()
    .describe(
      'Key of the peer channel, the same on every director. Without it directors know each other by adverts only.',
    ),
  peer_port: port().optional().describe('UDP port of the peer channel. Default 9432.'),
  defaults: mapping({
    virtual_routers: part(routerShape).optional().describe('For every virtual router.'),
    checks: part(checkCommon).optional().describe('For every check, of any kind.'),
    virtual_servers: part(serviceShape).optional().describe('For every virtual server.'),
    real_servers: part(serverShape).optional().describe('For every real server.'),
  })
    .optional()
    .describe('What holds where an entry says nothing.'),
  virtual_routers: named(virtualRouter).optional().describe('VRRP instances, by name.'),
  checks: named(check).optional().describe('Health checks, by name.'),
  virtual_servers: named(virtualServer).optional().describe('Services that are balanced, by name.'),
  scripts: named(script).optional().describe('Programs that virtual routers track, by name.'),
  files: named(trackedFile).optional().describe('Files that virtual routers track, by name.'),
  processes: named(trackedProcess).optional().describe('Programs that must run for virtual routers, by name.'),
  alerts: list(alert).optional().describe('Who is told about events.'),
  on_stop: word(['keep', 'clear']).optional().describe('The table when lvskeeper stops: keep (default) or clear.'),
  drift: word(['repair', 'report']).optional().describe('Changes behind its back. Default repair.'),
  timeouts: mapping({
    tcp: duration({ min: 1000 }).optional().describe('Idle TCP connections.'),
    tcp_fin: duration({ min: 1000 }).optional().describe('TCP connections after a FIN.'),
    udp: duration({ min: 1000 }).optional().describe('After the last datagram.'),
  })
    .optional()
    .describe("The kernel's connection timeouts. Default: left as they are; so is one that leaves the file."),
  sync: syncDaemon.optional(),
  sysctls: z
    .record(
      z.string().regex(/^net\.(ipv4|ipv6)(\.[A-Za-z0-9_-]+)+$/, {
        error: coded('bad-sysctl', 'expected a name such as net.ipv4.vs.sloppy_tcp'),
      }),
      whole(-2_147_483_648, 2_147_483_647),
      { error: coded('bad-mapping', 'expected a mapping of names') },
    )
    .optional()
    .describe(
      'Kernel parameters besides those that features set by themselves: { net.ipv4.vs.sloppy_tcp: 1 }. One that leaves the file stays until lvskeeper stop --clear.',
    ),
  mass_failure_guard: mapping({
    hold: duration({ min: 0, max: 600_000 })
      .optional()
      .describe('How long the last table is held; 0s: off. Default 30s.'),
    weight: whole(-253, 0).optional().describe('Added to the priority meanwhile. Default 0.'),
  })
    .optional()
    .describe('When most real servers go silent at once, the fault is probably here.'),
  check_limits: mapping({
    in_flight: whole(1, 65_536).optional().describe('Checks at the same time. Default 512.'),
    programs: whole(1, 1024).optional().describe('Programs (exec, scripts) at the same time. Default 16.'),
    watch_share: numeric(0, 0.9)
      .optional()
      .describe('Share of the file descriptors for watch connections. Default 0.25.'),
  })
    .optional()
    .describe('How much is done at the same time.'),
  override_limit: duration({ min: 1000, max: 365 * 86_400_000 })
    .optional()
    .describe('How long an override holds unless it says otherwise. Default 24h.'),
  api: api.optional().describe('Control.'),
  metrics: metrics.optional().describe('Metrics and status page over TCP.'),
  state_folder: filePath()
    .optional()
    .describe(
      'Taken at the start; run --state-dir wins. systemd: name it in ReadWritePaths=. Default /var/lib/lvskeeper.',
    ),
  events: mapping({
    max_size: size({ min: 65_536 }).optional().describe('Of the history kept. Default 16MiB.'),
  })
    .optional()
    .describe('The history.'),
  log: mapping({
    level: word(['trace', 'debug', 'info', 'warn', 'error'])
      .optional()
      .describe('Taken at the start; run --log-level wins. Default info.'),
  })
    .optional()
    .describe('The log.'),
}

export const file = mapping(shape).describe('Configuration of lvskeeper: one file, the same on every director.')
export type File = z.output<typeof file>

/** The keys that hold things by name: included files may add to them. */
export const namedParts = [
  'directors',
  'virtual_routers',
  'checks',
  'virtual_servers',
  'scripts',
  'files',
  'processes',
] as const
/** The keys that hold lists: included files append to them. */
export const listParts = ['alerts'] as const
