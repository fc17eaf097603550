import type { Epoch, Event, EventLevel } from '../messages.js'

/**
 * One entry of `alerts:` as the configuration hands it over: exactly one channel, and what goes to it.
 * Durations are milliseconds. Files are read at each delivery, so that a rotated key needs no reload.
 */
export type AlertConfig = {
  /** Names the channel in `status`, in events and on disk. Default: kind and position, `webhook-1`. */
  readonly name?: string | undefined
  readonly webhook?: WebhookConfig | undefined
  readonly slack?: { readonly url?: string | undefined; readonly urlFile?: string | undefined } | undefined
  readonly pagerduty?: { readonly keyFile: string; readonly url?: string | undefined } | undefined
  readonly alertmanager?: HttpConfig | undefined
  readonly mail?: MailConfig | undefined
  readonly exec?: ExecConfig | undefined
  /** Event names or families (`server.*`). Default: all of at least `level`. */
  readonly events?: readonly string[] | undefined
  /** `router web`, `service web`, `server web/10.9.0.21:80`, `director d1`; `*` stands for anything. Default: all. */
  readonly subjects?: readonly string[] | undefined
  /** Only virtual routers that enter one of these states. */
  readonly to?: readonly string[] | undefined
  /** Only these directors send. Default: each. */
  readonly directors?: readonly string[] | undefined
  /** Whether the end of what was told is told, whatever the filters say. Default true. */
  readonly sendResolved?: boolean | undefined
  /** Default `notice` (pagerduty: `warning`), or every level where `events` are named. */
  readonly level?: EventLevel | undefined
  /** Only a director that is master of a virtual router sends. Default false: both say what they saw. */
  readonly onlyMaster?: boolean | undefined
  /** At most one message in this time; what happens in between goes out together. Default 0; mail 30 s. */
  readonly group?: number | undefined
  /** Says again that a condition still lasts, this often. Default 0: never. */
  readonly repeat?: number | undefined
  /** At most so many messages in this time; beyond it they wait and are joined. Default 60 in a minute. */
  readonly limit?: { readonly messages: number; readonly per: number } | undefined
  /** Gives up on an alert that could not be delivered for this long. Default 24 h. */
  readonly keep?: number | undefined
}

export type HttpConfig = {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** File with a token for `Authorization: Bearer`. */
  readonly bearerFile?: string | undefined
  /** PEM file with the authority that signed the receiver's certificate. */
  readonly caFile?: string | undefined
  /** For the whole request, default 10 s. */
  readonly timeout?: number | undefined
}

/** `secretFile`: the key of the HMAC-SHA256 signature in `X-Lvskeeper-Signature`. */
export type WebhookConfig = HttpConfig & { readonly secretFile?: string | undefined }

export type MailConfig = {
  readonly host: string
  /** Default 25; 465 speaks TLS from the start. */
  readonly port?: number | undefined
  readonly from: string
  readonly to: readonly string[]
  /** `starttls` (default): refused without it; `tls`: from the start; `opportunistic`; `none`. */
  readonly tls?: 'starttls' | 'tls' | 'opportunistic' | 'none' | undefined
  readonly caFile?: string | undefined
  readonly user?: string | undefined
  readonly passwordFile?: string | undefined
  readonly timeout?: number | undefined
}

/** The alert is JSON on standard input; `LVSKEEPER_EVENT`, `_SUBJECT`, `_LEVEL`, `_NODE`, `_TEXT`, and `_FROM` and `_TO` of a change, in the
 * environment. */
export type ExecConfig = {
  readonly argv: readonly string[]
  /** Then its process group is killed; default 10 s. */
  readonly timeout?: number | undefined
  /** Whether it runs again when it fails; default true. */
  readonly retry?: boolean | undefined
}

export type ChannelKind = 'webhook' | 'slack' | 'pagerduty' | 'alertmanager' | 'mail' | 'exec'

/** One event on its way to one channel. */
export type Alert = {
  /** Unique over directors and restarts: a receiver may use it to drop a second delivery. */
  readonly id: string
  readonly event: Event
  /** What ties the beginning and the end of a condition together. */
  readonly key: string
  /** trigger: a condition begins (or lasts); resolve: it ended; note: something happened once. */
  readonly phase: 'trigger' | 'resolve' | 'note'
  /** The level its condition began with: the end belongs to the same thing, however glad the news. */
  readonly severity: EventLevel
}

/** What goes out as one message. */
export type Batch = { readonly node: string; readonly alerts: readonly [Alert, ...Alert[]] }

export type Delivery =
  | { readonly ok: true }
  | {
      readonly ok: false
      readonly reason: string
      /** Trying the same again will not help: given up after a few attempts. */
      readonly rejected?: boolean
      /** The receiver's own wish, in ms. */
      readonly retryAfter?: number
    }

/** Carries one message. Never rejects, never retries, ends with its signal. */
export type Transport = (batch: Batch, signal: AbortSignal) => Promise<Delivery>

/** What `status` shows of one channel. */
export type ChannelStatus = {
  readonly name: string
  readonly kind: ChannelKind
  readonly queued: number
  readonly oldest?: Epoch
  readonly sent: number
  readonly failed: number
  readonly dropped: number
  readonly lastSent?: Epoch
  /** Why the last attempt failed; absent when it did not. */
  readonly failure?: string
  readonly attempts: number
}
