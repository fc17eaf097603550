import type { Millis } from './config.js'

type HttpReceiver = {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly bearerFile?: string
  readonly caFile?: string
  readonly timeout?: Millis
}

/** Exactly one channel. Assignable to `AlertConfig` of src/alerts/alert.ts. */
export type AlertConfig = {
  readonly name: string
  readonly webhook?: HttpReceiver & { readonly secretFile?: string }
  readonly mail?: {
    readonly host: string
    readonly port?: number
    readonly from: string
    readonly to: readonly string[]
    readonly tls?: 'starttls' | 'tls' | 'opportunistic' | 'none'
    readonly caFile?: string
    readonly user?: string
    readonly passwordFile?: string
    readonly timeout?: Millis
  }
  readonly exec?: { readonly argv: readonly [string, ...string[]]; readonly timeout?: Millis; readonly retry?: boolean }
  readonly slack?: { readonly url?: string; readonly urlFile?: string }
  readonly pagerduty?: { readonly keyFile: string; readonly url?: string }
  readonly alertmanager?: HttpReceiver
  readonly events?: readonly string[]
  /** `router web`, `service web`, `server web/10.9.0.21:80`, `director d1`; `*` stands for anything. Default: all. */
  readonly subjects?: readonly string[]
  /** Only virtual routers that enter one of these states. */
  readonly to?: readonly string[]
  /** Only these directors send. Default: each. */
  readonly directors?: readonly string[]
  /** Whether the end of what was told is told, whatever the filters say. Default true. */
  readonly sendResolved?: boolean
  readonly level?: 'info' | 'notice' | 'warning' | 'alarm'
  readonly onlyMaster?: boolean
  readonly group?: Millis
  readonly repeat?: Millis
  readonly limit?: { readonly messages: number; readonly per: Millis }
  readonly keep?: Millis
}
