/** Every kind of check: what it may be told. */
import { z } from 'zod'
import { httpShape } from './check-http.js'
import { bytes, conversation, match, secret, tls, tlsShape } from './check-parts.js'
import {
  coded,
  duration,
  filePath,
  flag,
  interfaceName,
  list,
  mapping,
  numeric,
  oneOrMoreOnce,
  size,
  text,
  whole,
  word,
} from './values.js'

const role = () => word(['primary', 'replica']).optional().describe('Passes only in this role.')

export const kinds = {
  tcp: mapping({
    ...conversation,
    close: word(['fin', 'reset']).optional().describe('reset leaves no TIME_WAIT here. Default fin.'),
  }).describe('Connects; {} is enough.'),
  tls: mapping({ ...tlsShape, ...conversation }).describe('Connects and completes a TLS handshake.'),
  http: mapping(httpShape).describe('One HTTP request.'),
  https: mapping({ ...httpShape, tls: tls().optional().describe('How the certificate is verified.') }).describe(
    'One HTTPS request; the certificate is verified.',
  ),
  grpc: mapping({
    service: z
      .string({ error: coded('bad-text', 'expected the name of a service') })
      .meta({ examples: ['shop.Cart'] })
      .optional()
      .describe('Whose health is asked. Default: of the server as a whole.'),
    authority: text('a name').optional().describe('The :authority header. Default: the address.'),
    metadata: z.record(z.string(), text('text')).optional().describe('Further headers: { x-check: lvskeeper }.'),
    tls: tls().optional().describe('Default: without.'),
  }).describe('grpc.health.v1.Health/Check.'),
  dns: mapping({
    transport: word(['udp', 'tcp']).optional().describe('Default udp.'),
    name: text('a domain name').optional().describe('Default . (the root).'),
    type: text('a record type')
      .regex(/^[A-Z][A-Z0-9]*$/, { error: coded('bad-word', 'expected a record type in capitals, such as A or SOA') })
      .optional()
      .describe('Default SOA.'),
    rcode: oneOrMoreOnce(
      text('an answer code').regex(/^[A-Z]+$/, {
        error: coded('bad-word', 'expected an answer code in capitals, such as NOERROR'),
      }),
    )
      .optional()
      .describe('Accepted codes. Default NOERROR.'),
    answer: match().optional().describe('One of the answers must match.'),
    min_answers: whole(0, 1000).optional().describe('Fewest answers that pass. Default 0.'),
    authoritative: flag().optional().describe('true: the answer must be authoritative.'),
    recurse: flag().optional().describe('Default true.'),
  }).describe('One DNS question.'),
  udp: mapping({
    send: bytes().optional().describe('Default: an empty datagram.'),
    expect: match().optional().describe('An answer is required and must match.'),
    require_reply: flag().optional().describe('false: only an ICMP unreachable fails.'),
  }).describe('One datagram.'),
  icmp: mapping({
    count: whole(1, 100).optional().describe('Echo requests of one attempt. Default 1.'),
    max_loss: numeric(0, 1).optional().describe('Highest share of lost answers that passes. Default 0.'),
    max_rtt: duration().optional().describe('Mean round trip above which it fails.'),
    size: size({ max: 65_000 }).optional().describe('Payload. Default 56B.'),
  }).describe('Echo request (ping).'),
  arp: mapping({
    interface: interfaceName().optional().describe('Where it is asked. Default: by the routes.'),
  }).describe('ARP or neighbour solicitation: for real servers on the segment.'),
  smtp: mapping({
    helo: text('a host name').optional().describe('Name in the greeting. Default: the host name.'),
    starttls: tls().optional().describe('true, or how the certificate is verified. Default: without.'),
  }).describe('Greeting, EHLO, QUIT.'),
  mysql: mapping({
    user: text('a user').optional().describe('Logs in. Default: only the greeting is read.'),
    ...secret,
    role: role(),
  }).describe('Greeting; with a user, a login.'),
  postgresql: mapping({
    user: text('a user').optional().describe('Default lvskeeper.'),
    database: text('a database').optional().describe('Default postgres.'),
    ...secret,
    role: role(),
  }).describe('Any answer of the protocol; with a password, a login.'),
  redis: mapping({
    user: text('a user').optional().describe('With a password.'),
    ...secret,
    tls: tls().optional().describe('Default: without.'),
    role: role(),
    max_lag: duration({ min: 1000 }).optional().describe('Longest silence of the primary that a replica may have.'),
  }).describe('PING.'),
  ldap: mapping({
    dn: text('a distinguished name').optional().describe('Who binds. Default: anonymous.'),
    ...secret,
    tls: tls().optional().describe('Default: without.'),
  }).describe('Bind.'),
  exec: mapping({
    argv: list(text('an argument'))
      .min(1, { error: coded('empty-list', 'expected at least one entry') })
      .describe('Program and arguments, no shell; {address} and {port} are replaced.'),
    user: text('a user').optional().describe('Name, or number in quotes. Default: the one that lvskeeper runs as.'),
    group: text('a group').optional().describe("Name, or number in quotes. Default: the user's."),
    env: z.record(z.string(), z.string()).optional().describe('Its environment besides PATH: { LANG: C }.'),
    cwd: filePath().optional().describe('Where it runs. Default: where lvskeeper does.'),
    exit: word(['plain', 'nagios', 'misc-dynamic'])
      .optional()
      .describe('What exit codes mean. Default plain: 0 passes.'),
  }).describe('A program of your own.'),
  file: mapping({
    path: filePath().describe('{address} and {port} are replaced.'),
    weight: whole(-65_535, 65_535).optional().describe('Times the number in the file is added to the weight.'),
    exists: flag().optional().describe('Passes if the file is there (or, with false, is not).'),
  }).describe('A file on the director.'),
  push: mapping({
    id: text('a name').optional().describe('Default: the name of the check.'),
    ttl: duration().describe('Silence for longer fails.'),
  }).describe('Somebody reports through the API.'),
  agent: mapping({ send: text().optional().describe('Sent after the connect. Default: nothing.') }).describe(
    "HAProxy's agent-check words; a silent agent never fails.",
  ),
}

/** Every kind of check, in the order of the documentation. */
export const kindNames = Object.keys(kinds) as (keyof typeof kinds)[]
