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
  readonly exec?: { readonly argv: readonly [string, ...string[]]; readonly timeout?: Millis }
  readonly slack?: { readonly url?: string; readonly urlFile?: string }
  readonly pagerduty?: { readonly keyFile: string; readonly url?: string }
  readonly alertmanager?: HttpReceiver
  readonly events?: readonly string[]
  readonly level?: 'info' | 'notice' | 'warning' | 'alarm'
  readonly onlyMaster?: boolean
  readonly group?: Millis
  readonly repeat?: Millis
  readonly limit?: { readonly messages: number; readonly per: Millis }
  readonly keep?: Millis
}
