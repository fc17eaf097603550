import type { Millis } from './config.js'

/** Assignable to `CheckSpec` of checkers/spec.ts, where each field is described. */
export type CheckConfig = {
  readonly name: string
  readonly key: string
  readonly probe: ProbeConfig
  /** Asked instead of the real server. */
  readonly address?: string
  readonly port?: number
  readonly interval: Millis
  readonly fastInterval: Millis
  readonly downInterval: Millis
  readonly timeout: Millis
  readonly rise: number
  readonly fall: number
  readonly jitter: number
  readonly severity: 'fail' | 'drain' | 'degrade' | 'warn'
  readonly watch: { readonly enabled: boolean; readonly final: boolean }
  readonly damping?: { readonly hold: Millis; readonly max: Millis; readonly forget: Millis }
  readonly manualResume?: boolean
  readonly invert?: boolean
}

export type Bytes = { readonly text: string } | { readonly hex: string }
export type Match =
  | { readonly contains: Bytes }
  | { readonly equals: Bytes }
  | { readonly regex: string; readonly flags?: string }
export type Step = { readonly send: Bytes } | { readonly expect: Match }
export type StatusRange = readonly [number, number]

export type TlsConfig = {
  readonly sni?: string
  readonly verify: 'full' | 'chain' | 'none'
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly warnDays: number
  readonly failDays: number
  readonly pin?: readonly string[]
  readonly alpn?: readonly string[]
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

type StreamPart = { readonly steps: readonly Step[]; readonly proxy?: 1 | 2; readonly maxBytes?: number }
type TcpProbe = StreamPart & { readonly kind: 'tcp'; readonly close?: 'fin' | 'reset' }
type TlsProbe = StreamPart & { readonly kind: 'tls'; readonly tls: TlsConfig }
export type HttpProbe = {
  readonly kind: 'http'
  readonly tls?: TlsConfig
  readonly version: '1.0' | '1.1' | '2'
  readonly method: string
  readonly path: string
  readonly host?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly auth?: { readonly basic: { readonly user: string; readonly password: string } } | { readonly bearer: string }
  readonly status: readonly StatusRange[]
  readonly drainStatus?: readonly StatusRange[]
  readonly headerMatch?: readonly {
    readonly name: string
    readonly how: 'present' | 'absent' | 'exact' | 'prefix' | 'suffix' | 'contains' | 'regex'
    readonly value?: string
  }[]
  readonly bodyContains?: string
  readonly bodyNotContains?: string
  readonly bodyRegex?: string
  readonly bodyRegexFlags?: string
  readonly json?: { readonly pointer: string; readonly equals: unknown }
  readonly digest?: { readonly algorithm: 'md5' | 'sha256'; readonly hex: string }
  readonly maxBytes: number
  readonly proxy?: 1 | 2
}
export type PathProbe = TcpProbe | TlsProbe | HttpProbe

export type ProbeConfig =
  | PathProbe
  | {
      readonly kind: 'grpc'
      readonly service: string
      readonly authority?: string
      readonly metadata?: Readonly<Record<string, string>>
      readonly tls?: TlsConfig
    }
  | {
      readonly kind: 'dns'
      readonly transport: 'udp' | 'tcp'
      readonly name: string
      readonly type: string
      readonly rcode: readonly string[]
      readonly answer?: Match
      readonly minAnswers: number
      readonly authoritative?: boolean
      readonly recurse: boolean
    }
  | { readonly kind: 'udp'; readonly send: Bytes; readonly expect?: Match; readonly requireReply: boolean }
  | {
      readonly kind: 'icmp'
      readonly count: number
      readonly maxLoss: number
      readonly maxRtt?: number
      readonly size: number
    }
  | { readonly kind: 'arp'; readonly interface?: string }
  | { readonly kind: 'smtp'; readonly helo: string; readonly startTls?: TlsConfig }
  | {
      readonly kind: 'mysql'
      readonly user?: string
      readonly password?: string
      readonly role?: 'primary' | 'replica'
    }
  | {
      readonly kind: 'postgresql'
      readonly user: string
      readonly database: string
      readonly password?: string
      readonly role?: 'primary' | 'replica'
    }
  | {
      readonly kind: 'redis'
      readonly user?: string
      readonly password?: string
      readonly tls?: TlsConfig
      readonly role?: 'primary' | 'replica'
      readonly maxLag?: number
    }
  | { readonly kind: 'ldap'; readonly dn?: string; readonly password?: string; readonly tls?: TlsConfig }
  | {
      readonly kind: 'exec'
      readonly argv: readonly string[]
      readonly uid?: number
      readonly gid?: number
      readonly env?: Readonly<Record<string, string>>
      readonly cwd?: string
      readonly exit: 'plain' | 'nagios' | 'misc-dynamic'
    }
  | { readonly kind: 'file'; readonly path: string; readonly weight?: number; readonly exists?: boolean }
  | { readonly kind: 'push'; readonly id: string; readonly ttl: Millis }
  | { readonly kind: 'agent'; readonly send?: string }
  | {
      readonly kind: 'client-path'
      readonly vip: string
      readonly vport: number
      readonly mark: number
      readonly inner: PathProbe
      /** Whose view of the path counts: that of the directors without the VIP, or of all. */
      readonly from: 'peers' | 'all'
    }
