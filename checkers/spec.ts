/**
 * A check as data: fully resolved, in milliseconds, with every default applied and every secret loaded. The
 * configuration writes it, the checkers read it; it crosses a process boundary as JSON, so it holds no Buffer and no function.
 * "Default" in a docstring is what the configuration fills in when the file says nothing.
 */

/** One check, whatever it is pointed at. The same `key` at the same target is one running check with many listeners. */
export type CheckSpec = {
  /** As in the file: `homepage`, or the kind for a check that is written in place. */
  readonly name: string
  /** Identity of the parameters (name left out): two checks with the same key differ in nothing but their name. */
  readonly key: string
  readonly probe: ProbeSpec
  /** Another address than the real server's own. Default: the real server's. */
  readonly address?: string | undefined
  /** Another port than the real server's own. Default: the real server's. */
  readonly port?: number | undefined
  /** From start to start while results agree with the verdict, ms. Default 2 s. */
  readonly interval: number
  /** From start to start as soon as a result contradicts the verdict, ms. Default min(200 ms, interval). */
  readonly fastInterval: number
  /** From start to start while down, ms. Default: interval. */
  readonly downInterval: number
  /** The whole attempt, from connect to the last byte, ms. Default 1 s. */
  readonly timeout: number
  /** Passes in a row that bring a real server back. Default 2. The first verdict of all needs one. */
  readonly rise: number
  /** Failures in a row that take it out. Default 3. The first verdict of all needs one. */
  readonly fall: number
  /** Share of the interval by which each start may come earlier or later: 0..0.5. Default 0.05. */
  readonly jitter: number
  /** What a failing check does: take the server out, weight 0, reduced weight, or tell only. Default fail. */
  readonly severity: Severity
  /** The idle connection that sees a dying process at once. Default: on for tcp, http without and with tls; else off. */
  readonly watch: WatchSpec
  /** Growing hold-down for a server that flaps. Default: absent (off). */
  readonly damping?: DampingSpec | undefined
  /** Once down, stays down until an operator says `ready`. Default false. */
  readonly manualResume?: boolean | undefined
  /** A pass counts as a failure and the reverse. Default false. */
  readonly invert?: boolean | undefined
}

export type Severity = 'fail' | 'drain' | 'degrade' | 'warn'

export type WatchSpec = {
  readonly enabled: boolean
  /** A refusal among the hasty checks after a FIN or RST is final, without `fall`. Default true. */
  readonly final: boolean
}

export type DampingSpec = {
  /** First hold-down, ms; doubles with each fall within `forget`. Default 5 s. */
  readonly hold: number
  /** Longest hold-down, ms. Default 5 min. */
  readonly max: number
  /** Quiet time after which the count starts anew, ms. Default 10 min. */
  readonly forget: number
}

export type ProbeSpec =
  | TcpSpec
  | TlsProbeSpec
  | HttpSpec
  | GrpcSpec
  | DnsSpec
  | UdpSpec
  | IcmpSpec
  | ArpSpec
  | SmtpSpec
  | MysqlSpec
  | PostgresqlSpec
  | RedisSpec
  | LdapSpec
  | ExecSpec
  | FileSpec
  | PushSpec
  | AgentSpec
  | ClientPathSpec

export type Kind = ProbeSpec['kind']

/** Bytes as the file has them: text is sent as UTF-8. */
export type Bytes = { readonly text: string } | { readonly hex: string }

/** What an answer must contain, equal, or match (RE2 syntax: linear time). */
export type Match =
  | { readonly contains: Bytes }
  | { readonly equals: Bytes }
  | { readonly regex: string; readonly flags?: string | undefined }

/** One step of a conversation over a stream. `expect` reads on until it matches, the peer closes, or time is up. */
export type Step = { readonly send: Bytes } | { readonly expect: Match }

/** Connect; then, if there are steps, the conversation. */
export type TcpSpec = {
  readonly kind: 'tcp'
  /** Default [] (connect only). The file's `send` and `expect` are steps too. */
  readonly steps: readonly Step[]
  /** PROXY protocol header right after the connect: LOCAL in version 2, UNKNOWN in version 1. Default: none. */
  readonly proxy?: 1 | 2 | undefined
  /** How we close: fin (default) as any client; reset leaves no TIME_WAIT on this director. */
  readonly close?: 'fin' | 'reset' | undefined
  /** Most bytes that are read while steps expect. Default 16384. */
  readonly maxBytes?: number | undefined
}

export type TlsSpec = {
  /** Server name. Default: none for an address; https: the `host` header's name. */
  readonly sni?: string | undefined
  /** full (default): chain and name (sni, else the address); chain: any name; none: anything that speaks TLS. */
  readonly verify: 'full' | 'chain' | 'none'
  /** PEM text, already loaded. Default: the system's authorities as Node has them. */
  readonly ca?: string | undefined
  /** Client certificate and key, PEM text, already loaded. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** Passes with a warning when the certificate ends within this many days. Default 14; 0: never. */
  readonly warnDays: number
  /** Fails when it ends within this many days. Default 0: when it has ended. */
  readonly failDays: number
  /** SHA-256 of the certificate (DER), hex without colons, lower case; one of them must match. */
  readonly pin?: readonly string[] | undefined
  /** Default: none; http version 2 and grpc offer h2 by themselves. */
  readonly alpn?: readonly string[] | undefined
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined
}

/** Connect and complete the handshake; then, if there are steps, the conversation inside. */
export type TlsProbeSpec = {
  readonly kind: 'tls'
  readonly tls: TlsSpec
  readonly steps: readonly Step[]
  readonly proxy?: 1 | 2 | undefined
  readonly maxBytes?: number | undefined
}

/** Inclusive ranges: [[200, 299], [301, 301]]. */
export type StatusRanges = readonly (readonly [number, number])[]

export type HeaderMatch = {
  /** Lower case. */
  readonly name: string
  readonly how: 'present' | 'absent' | 'exact' | 'prefix' | 'suffix' | 'contains' | 'regex'
  readonly value?: string | undefined
}

export type Auth =
  | { readonly basic: { readonly user: string; readonly password: string } }
  | { readonly bearer: string }

/** One request; redirects are answers like any other. All conditions that are given must hold. */
export type HttpSpec = {
  readonly kind: 'http'
  /** Present: https. */
  readonly tls?: TlsSpec | undefined
  /** Default '1.1'. '2' without tls is prior knowledge (h2c). */
  readonly version: '1.0' | '1.1' | '2'
  /** Default GET. */
  readonly method: string
  /** Default '/'. With query. */
  readonly path: string
  /** Host header. Default: the real server's address (and port, unless 80 or 443). */
  readonly host?: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly auth?: Auth | undefined
  /** Default [[200, 299]]. */
  readonly status: StatusRanges
  /** Statuses with which the server asks to be drained: passes, weight 0. Default none. */
  readonly drainStatus?: StatusRanges | undefined
  readonly headerMatch?: readonly HeaderMatch[] | undefined
  readonly bodyContains?: string | undefined
  readonly bodyNotContains?: string | undefined
  /** RE2 syntax; flags of i, m, s. */
  readonly bodyRegex?: string | undefined
  readonly bodyRegexFlags?: string | undefined
  /** RFC 6901 pointer into a JSON body whose value must equal. */
  readonly json?: { readonly pointer: string; readonly equals: unknown } | undefined
  /** Hex digest of the whole body; md5 is what genhash of keepalived prints. */
  readonly digest?: { readonly algorithm: 'md5' | 'sha256'; readonly hex: string } | undefined
  /** Most body bytes that are read; one more fails as too-large if a condition needs the body, else the rest is not read. Default 65536. */
  readonly maxBytes: number
  readonly proxy?: 1 | 2 | undefined
}

/** grpc.health.v1.Health/Check. */
export type GrpcSpec = {
  readonly kind: 'grpc'
  /** Default '': the server as a whole. */
  readonly service: string
  readonly authority?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly tls?: TlsSpec | undefined
}

export type DnsSpec = {
  readonly kind: 'dns'
  /** Default udp. */
  readonly transport: 'udp' | 'tcp'
  /** Default '.'. */
  readonly name: string
  /** Default SOA (keepalived's). */
  readonly type: string
  /** Accepted answers codes. Default [NOERROR]. */
  readonly rcode: readonly string[]
  /** One of the answers must match: its data in presentation form. */
  readonly answer?: Match | undefined
  /** Default 0. */
  readonly minAnswers: number
  readonly authoritative?: boolean | undefined
  /** Ask for recursion. Default true. */
  readonly recurse: boolean
}

export type UdpSpec = {
  readonly kind: 'udp'
  /** Default: one empty datagram. */
  readonly send: Bytes
  /** Any of it given: an answer is required and must match. */
  readonly expect?: Match | undefined
  /** An answer is required, whatever it says. false: only ICMP unreachable fails, silence passes at the timeout. Default: whether `expect` is given. */
  readonly requireReply: boolean
}

export type IcmpSpec = {
  readonly kind: 'icmp'
  /** Echo requests of one attempt. Default 1. */
  readonly count: number
  /** Highest share of lost answers that passes, 0..1. Default 0. */
  readonly maxLoss: number
  /** Mean round trip above which it fails, ms. Default: none. */
  readonly maxRtt?: number | undefined
  /** Payload bytes. Default 56. */
  readonly size: number
}

/** ARP request (IPv4) or neighbour solicitation (IPv6): an on-link host that filters ICMP still answers. */
export type ArpSpec = { readonly kind: 'arp'; readonly interface?: string | undefined }

export type SmtpSpec = {
  readonly kind: 'smtp'
  /** EHLO name. Default: this director's host name. */
  readonly helo: string
  /** Present: STARTTLS is required and done. */
  readonly startTls?: TlsSpec | undefined
}

/** The server's greeting; with a user, a login. */
export type MysqlSpec = {
  readonly kind: 'mysql'
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** Needs a user. Default: any role. */
  readonly role?: 'primary' | 'replica' | undefined
}

/** A start-up packet: any answer of the protocol passes; with a password, a login. */
export type PostgresqlSpec = {
  readonly kind: 'postgresql'
  /** Default 'lvskeeper'. */
  readonly user: string
  /** Default 'postgres'. */
  readonly database: string
  readonly password?: string | undefined
  /** pg_is_in_recovery(); needs a login. Default: any role. */
  readonly role?: 'primary' | 'replica' | undefined
}

export type RedisSpec = {
  readonly kind: 'redis'
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly tls?: TlsSpec | undefined
  readonly role?: 'primary' | 'replica' | undefined
  /** Seconds since a replica last heard its primary above which it fails. */
  readonly maxLag?: number | undefined
}

/** LDAPv3 bind; without a dn anonymous. */
export type LdapSpec = {
  readonly kind: 'ldap'
  readonly dn?: string | undefined
  readonly password?: string | undefined
  readonly tls?: TlsSpec | undefined
}

export type ExecSpec = {
  readonly kind: 'exec'
  /** No shell. `{address}` and `{port}` in an argument are replaced. LVSKEEPER_ADDRESS, LVSKEEPER_PORT are in the environment. */
  readonly argv: readonly string[]
  /** Numeric. Default: the process's own. */
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly cwd?: string | undefined
  /**
   * What an exit code says. plain (default): 0 passes. nagios: 0 passes, 1 passes with a warning, 2 and 3 fail.
   * misc-dynamic: 0 passes, 1 fails, 2..255 passes with weight code - 2 (keepalived's misc_dynamic).
   */
  readonly exit: 'plain' | 'nagios' | 'misc-dynamic'
}

/** A file on this director: a number in it is a weight to add (keepalived's track_file); absent `weight`, non-zero fails. */
export type FileSpec = {
  readonly kind: 'file'
  /** `{address}` and `{port}` are replaced. */
  readonly path: string
  /** weight times the file's number is the wished weight change; absent or 0: a number other than 0 fails. */
  readonly weight?: number | undefined
  /** Passes if the file is there (or absent), whatever it says. Default: its number counts. */
  readonly exists?: boolean | undefined
}

/** Somebody reports through the API; silence for longer than `ttl` ms fails as stale. */
export type PushSpec = { readonly kind: 'push'; readonly id: string; readonly ttl: number }

/** HAProxy's agent-check words. A silent agent never fails. */
export type AgentSpec = { readonly kind: 'agent'; readonly send?: string | undefined }

/** Asks the VIP through this one real server, along the way that clients' packets take (dr, tun). */
export type ClientPathSpec = {
  readonly kind: 'client-path'
  /** Where clients connect. */
  readonly vip: string
  readonly vport: number
  /** Mark of the one-server service of this real server. */
  readonly mark: number
  /** How packets reach the real server; for the likely cause. Default dr. */
  readonly forward?: 'dr' | 'tun' | undefined
  /** What is asked there. */
  readonly inner: TcpSpec | TlsProbeSpec | HttpSpec
}

/** The identity of a running check: what it asks, and whom. */
export function checkKey(target: { readonly address: string; readonly port: number }, spec: CheckSpec): string {
  return `${spec.address ?? target.address} ${spec.port ?? target.port} ${spec.key}`
}
