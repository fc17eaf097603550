/** Health checks: how often, how many, and one kind that says what is asked. */
import { z } from 'zod'
import {
  address,
  coded,
  duration,
  filePath,
  flag,
  interfaceName,
  list,
  mapping,
  numeric,
  oneOrMore,
  port,
  size,
  text,
  whole,
  word,
} from './values.js'

const secret = {
  password: text('a password').optional().describe('Better: password_file.'),
  password_file: filePath().optional().describe('File with the password; its last line end is left out.'),
}

const hex = () =>
  z
    .string({ error: coded('bad-hex', 'expected an even number of hexadecimal digits in quotes') })
    .regex(/^([0-9A-Fa-f]{2}[ :]?)*$/, { error: coded('bad-hex', 'expected an even number of hexadecimal digits') })
    .transform(value => value.replace(/[ :]/g, '').toLowerCase())

const bytes = () =>
  z.union([
    text('text to send').transform(value => ({ text: value })),
    mapping({ hex: hex().describe('Bytes in hex.') }),
  ])

const match = () =>
  z.union([
    text('text that the answer contains').transform(value => ({ contains: value })),
    mapping({
      contains: bytes().optional().describe('The answer contains this.'),
      equals: bytes().optional().describe('The answer is exactly this.'),
      regex: text('a regular expression').optional().describe('RE2 syntax.'),
      flags: regexFlags().optional(),
    }),
  ])

const regexFlags = () =>
  z
    .string({ error: coded('bad-flags', 'expected flags out of i, m, s') })
    .regex(/^[ims]{1,3}$/, { error: coded('bad-flags', 'expected flags out of i, m, s') })
    .describe('i: case does not matter. m: ^ and $ match at lines. s: the dot matches line ends.')

const steps = () =>
  list(
    z.union([mapping({ send: bytes() }), mapping({ expect: match() })], {
      error: coded('bad-step', 'expected { send: ... } or { expect: ... }'),
    }),
  ).describe('A conversation after the connect: send and expect in turn.')

const conversation = {
  send: bytes().optional().describe('Sent after the connect. In place of steps.'),
  expect: match().optional().describe('What the answer must hold. In place of steps.'),
  steps: steps().optional(),
  proxy: whole(1, 2).optional().describe('PROXY protocol header of this version after the connect.'),
  max_bytes: size({ min: 1, max: 2 ** 24 })
    .optional()
    .describe('Most bytes that are read. Default 16KiB.'),
}

const tlsShape = {
  sni: text('a server name').optional().describe('Server name in the handshake.'),
  verify: word(['full', 'chain', 'none'])
    .optional()
    .describe('full (default): chain and name. chain: any name. none: nothing.'),
  ca_file: filePath().optional().describe('Authorities, PEM. Default: those of the system.'),
  cert_file: filePath().optional().describe('Client certificate, PEM.'),
  key_file: filePath().optional().describe('Its key, PEM.'),
  warn_days: whole(0, 3650).optional().describe('Warns when the certificate ends within this many days. Default 14.'),
  fail_days: whole(0, 3650)
    .optional()
    .describe('Fails when it ends within this many days. Default 0: when it has ended.'),
  pin: oneOrMore(
    text('a SHA-256 fingerprint').regex(/^([0-9A-Fa-f]{2}:?){32}$/, {
      error: coded('bad-pin', 'expected the SHA-256 of the certificate: 64 hexadecimal digits, with or without colons'),
    }),
  )
    .optional()
    .describe('SHA-256 of the certificate (DER); one of them must match.'),
  alpn: oneOrMore(text('a protocol name')).optional().describe('Offered protocols.'),
  min_version: word(['TLSv1.2', 'TLSv1.3']).optional(),
}
const tls = () =>
  z.union([z.literal(true, { error: coded('bad-tls', 'expected true or a mapping') }), mapping(tlsShape)], {
    error: coded('bad-tls', 'expected true or a mapping'),
  })

const statusRanges = () =>
  oneOrMore(
    z.union([whole(100, 599), z.string()], { error: coded('bad-status', wantedStatus) }).transform((value, context) => {
      const [, from, to = from] = /^(\d{3})(?:-(\d{3}))?$/.exec(String(value)) ?? []
      const range = [Number(from), Number(to)] as const
      if (!(range[0] >= 100 && range[0] <= range[1] && range[1] <= 599))
        context.addIssue({ code: 'custom', message: coded('bad-status', wantedStatus) })
      return range
    }),
  )
const wantedStatus = 'expected a status or a range within 100 to 599, such as 200 or 200-299'

const httpShape = {
  method: text('a method')
    .regex(/^[A-Z]{1,20}$/, { error: coded('bad-method', 'expected a method in capitals, such as GET or HEAD') })
    .optional()
    .describe('Default GET.'),
  path: text('a path')
    .regex(/^[/*][\x21-\x7e]*$/, {
      error: coded('bad-url-path', 'expected a path that starts with / and holds no blanks'),
    })
    .optional()
    .describe('With query. Default /.'),
  host: text('a host name')
    .regex(/^[\x21-\x7e]+$/, { error: coded('bad-text', 'expected a host name without blanks') })
    .optional()
    .describe('Host header. Default: the address of the real server.'),
  version: word(['1.0', '1.1', '2']).optional().describe('In quotes. Default "1.1".'),
  headers: z
    .record(
      z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: coded('bad-name', 'expected the name of a header') }),
      text('the value of a header').regex(/^[^\r\n\0]*$/, {
        error: coded('bad-text', 'expected text without line ends'),
      }),
      { error: coded('bad-mapping', 'expected a mapping of names') },
    )
    .optional()
    .describe('Further request headers.'),
  body: text('a body', 65_536).optional().describe('Request body.'),
  auth: mapping({
    user: text('a user').optional(),
    ...secret,
    bearer: text('a token').optional(),
    bearer_file: filePath().optional(),
  })
    .optional()
    .describe('Basic (user and password) or bearer.'),
  status: statusRanges().optional().describe('Accepted statuses. Default 200-299.'),
  drain_status: statusRanges()
    .optional()
    .describe('With one of these the server asks to be drained: weight 0, no alert.'),
  header_match: list(
    mapping({
      name: text('the name of a header'),
      present: flag().optional().describe('true: the header must be there; false: it must not.'),
      exact: text().optional(),
      prefix: text().optional(),
      suffix: text().optional(),
      contains: text().optional(),
      regex: text('a regular expression').optional(),
    }),
  )
    .optional()
    .describe('Conditions on answer headers; all must hold.'),
  contains: text().optional().describe('The body contains this.'),
  not_contains: text().optional().describe('The body does not contain this.'),
  regex: text('a regular expression').optional().describe('The body matches (RE2 syntax).'),
  flags: regexFlags().optional(),
  json: mapping({
    pointer: z
      .string({ error: coded('bad-pointer', 'expected a JSON pointer such as /status') })
      .regex(/^(\/([^~]|~[01])*)?$/, { error: coded('bad-pointer', 'expected a JSON pointer such as /status') }),
    equals: z.union([z.string(), z.number(), z.boolean(), z.null()], {
      error: coded('bad-text', 'expected text, a number, true, false or null'),
    }),
  })
    .optional()
    .describe('A value in a JSON body.'),
  digest: mapping({
    md5: hex().optional().describe('As genhash of keepalived prints it.'),
    sha256: hex().optional(),
  })
    .optional()
    .describe('Digest of the whole body.'),
  max_bytes: size({ min: 0, max: 2 ** 26 })
    .optional()
    .describe('Most body bytes that are read. Default 64KiB.'),
  proxy: conversation.proxy,
}

const role = () => word(['primary', 'replica']).optional().describe('Passes only in this role.')

const kinds = {
  tcp: mapping({
    ...conversation,
    close: word(['fin', 'reset']).optional().describe('reset leaves no TIME_WAIT here. Default fin.'),
  }).describe('Connects; {} is enough.'),
  tls: mapping({ ...tlsShape, ...conversation }).describe('Connects and completes a TLS handshake.'),
  http: mapping(httpShape).describe('One HTTP request.'),
  https: mapping({ ...httpShape, tls: tls().optional() }).describe('One HTTPS request; the certificate is verified.'),
  grpc: mapping({
    service: z.string({ error: coded('bad-text', 'expected the name of a service') }).optional(),
    authority: text('a name').optional(),
    metadata: z.record(z.string(), text('text')).optional(),
    tls: tls().optional(),
  }).describe('grpc.health.v1.Health/Check.'),
  dns: mapping({
    transport: word(['udp', 'tcp']).optional(),
    name: text('a domain name').optional().describe('Default . (the root).'),
    type: text('a record type')
      .regex(/^[A-Z][A-Z0-9]*$/, { error: coded('bad-word', 'expected a record type in capitals, such as A or SOA') })
      .optional()
      .describe('Default SOA.'),
    rcode: oneOrMore(
      text('an answer code').regex(/^[A-Z]+$/, {
        error: coded('bad-word', 'expected an answer code in capitals, such as NOERROR'),
      }),
    )
      .optional()
      .describe('Accepted codes. Default NOERROR.'),
    answer: match().optional().describe('One of the answers must match.'),
    min_answers: whole(0, 1000).optional(),
    authoritative: flag().optional(),
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
  arp: mapping({ interface: interfaceName().optional() }).describe(
    'ARP or neighbour solicitation: for real servers on the segment.',
  ),
  smtp: mapping({ helo: text('a host name').optional(), starttls: tls().optional() }).describe('Greeting, EHLO, QUIT.'),
  mysql: mapping({ user: text('a user').optional(), ...secret, role: role() }).describe(
    'Greeting; with a user, a login.',
  ),
  postgresql: mapping({
    user: text('a user').optional(),
    database: text('a database').optional(),
    ...secret,
    role: role(),
  }).describe('Any answer of the protocol; with a password, a login.'),
  redis: mapping({
    user: text('a user').optional(),
    ...secret,
    tls: tls().optional(),
    role: role(),
    max_lag: duration({ min: 1000 }).optional().describe('Longest silence of the primary that a replica may have.'),
  }).describe('PING.'),
  ldap: mapping({ dn: text('a distinguished name').optional(), ...secret, tls: tls().optional() }).describe('Bind.'),
  exec: mapping({
    argv: list(text('an argument'))
      .min(1, { error: coded('empty-list', 'expected at least one entry') })
      .describe('Program and arguments, no shell; {address} and {port} are replaced.'),
    user: text('a user').optional().describe('Name or number. Default: the one that lvskeeper runs as.'),
    group: text('a group').optional(),
    env: z.record(z.string(), z.string()).optional(),
    cwd: filePath().optional(),
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
  agent: mapping({ send: text().optional() }).describe("HAProxy's agent-check words; a silent agent never fails."),
}

/** Every kind of check, in the order of the documentation. */
export const kindNames = Object.keys(kinds) as (keyof typeof kinds)[]

/** How often and how many: what all kinds have in common. */
export const checkCommon = {
  address: address().optional().describe('Ask this address instead of the real server.'),
  port: port().optional().describe("Default: the real server's port."),
  interval: duration({ min: 10 }).optional().describe('From start to start. Default 2s.'),
  fast_interval: duration({ min: 5 })
    .optional()
    .describe('As soon as a result contradicts the verdict. Default 200ms, at most interval.'),
  down_interval: duration({ min: 10 }).optional().describe('While down. Default: interval.'),
  timeout: duration({ min: 1 }).optional().describe('Of the whole attempt. Default 1s.'),
  rise: whole(1, 1000).optional().describe('Passes in a row that bring it back. Default 2.'),
  fall: whole(1, 1000).optional().describe('Failures in a row that take it out. Default 3.'),
  jitter: numeric(0, 0.5)
    .optional()
    .describe('Share of the interval by which a start may come earlier or later. Default 0.05.'),
  severity: word(['fail', 'drain', 'degrade', 'warn'])
    .optional()
    .describe('What failing does. Default fail: out of the table.'),
  invert: flag().optional().describe('A pass counts as a failure and the reverse.'),
  manual_resume: flag().optional().describe('Once down, stays down until somebody says `lvskeeper ready`.'),
  watch: z
    .union(
      [
        flag(),
        mapping({ final: flag().optional().describe('A refusal after a dying connection is final. Default true.') }),
      ],
      {
        error: coded('bad-watch', 'expected true, false or { final: false }'),
      },
    )
    .optional()
    .describe('The idle connection that sees a dying process at once. Default: on for tcp, http and https.'),
  damping: z
    .union(
      [
        flag(),
        mapping({
          hold: duration().optional().describe('First hold-down; doubles with each fall. Default 5s.'),
          max: duration().optional().describe('Longest hold-down. Default 5m.'),
          forget: duration().optional().describe('Quiet time after which the count starts anew. Default 10m.'),
        }),
      ],
      { error: coded('bad-damping', 'expected true, false or { hold: 5s, max: 5m, forget: 10m }') },
    )
    .optional()
    .describe('Growing hold-down for a real server that flaps. Default off.'),
  client_path: z
    .union(
      [
        flag(),
        mapping({
          from: word(['peers', 'all']).optional().describe('Who probes. Default peers: who does not hold the VIP.'),
        }),
      ],
      {
        error: coded('bad-client-path', 'expected true, false or { from: all }'),
      },
    )
    .optional()
    .describe("Asks the VIP through this real server, along the clients' way (dr, tun). For tcp, tls, http, https."),
}

export const check = mapping({ ...optionalEach(kinds), ...checkCommon }).meta({
  id: 'check',
  description: 'A health check: one kind, and when to run it.',
})
export type CheckFile = z.output<typeof check>

/** What a service, a real server or a defaults block may say about checks. */
export const checkUse = {
  check: z
    .union([text('the name of a check', 63), check], {
      error: coded('bad-check', 'expected the name of a check, or a check written in place'),
    })
    .optional()
    .describe('A name out of `checks`, a check written in place, or none.'),
  checks: list(
    z.union([text('the name of a check', 63), check], {
      error: coded('bad-check', 'expected the name of a check, or a check written in place'),
    }),
  )
    .min(1, { error: coded('empty-list', 'expected at least one entry') })
    .optional()
    .describe('Several checks; see require.'),
  require: z
    .union(
      [
        z.literal('all', { error: coded('bad-require', 'expected all, any or a number') }),
        z.literal('any', { error: coded('bad-require', 'expected all, any or a number') }),
        whole(1, 100),
      ],
      {
        error: coded('bad-require', 'expected all, any or a number'),
      },
    )
    .optional()
    .describe('How many of the checks must pass. Default all.'),
}

function optionalEach<T extends Record<string, z.ZodType>>(shape: T): { [K in keyof T]: z.ZodOptional<T[K]> } {
  return Object.fromEntries(Object.entries(shape).map(([key, value]) => [key, value.optional()])) as {
    [K in keyof T]: z.ZodOptional<T[K]>
  }
}
