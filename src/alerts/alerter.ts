import { join } from 'node:path'
import type { Event } from '../messages.js'
import type { AlertConfig, ChannelKind, ChannelStatus, Transport } from './alert.js'
import { alertmanager } from './alertmanager.js'
import { type AlertClock, openChannel } from './channel.js'
import { exec } from './exec.js'
import { mail } from './mail.js'
import { pagerduty } from './pagerduty.js'
import { slack } from './slack.js'
import { openSpool } from './spool.js'
import { webhook } from './webhook.js'

export type AlerterOptions = {
  readonly alerts: readonly AlertConfig[]
  /** Queues live in `alerts/` below it. */
  readonly stateDir: string
  readonly node: string
  /** Whether this director is master of any virtual router now (`onlyMaster`). */
  readonly master: () => boolean
  /** Takes events about the alerting itself: give them to the history and back to `raise`. */
  readonly report: (event: Event) => void
  readonly clock?: AlertClock
}

export type Alerter = {
  /** Offers an event to every channel. */
  raise(event: Event): void
  /** Ends the conditions of subjects that exist no more. */
  settle(exists: (subject: string) => boolean): void
  /** One entry per channel, for `status`. */
  queue(): readonly ChannelStatus[]
  /** The last words before a stop: sends what waits without waiting for more. Resolves within `limit` ms. */
  flush(limit: number): Promise<void>
  /** Stops sending; what is queued stays on disk. */
  stop(): void
}

/** Turns events into alerts on every configured channel. On a reload, stop it and make a new one. */
export function createAlerter({ alerts, stateDir, node, master, report, clock = system }: AlerterOptions): Alerter {
  const ours = alerts.filter(({ directors }) => directors === undefined || directors.includes(node))
  const channels = ours.map((config, index) => {
    const found = transportOf(config)
    const name = config.name ?? `${found.kind}-${index + 1}`
    const spool = openSpool(join(stateDir, 'alerts', `${name.replaceAll(/[^\w.-]/g, '_')}.jsonl`))
    const group = config.group ?? (found.kind === 'mail' ? 30_000 : 0)
    return { config, channel: openChannel({ ...found, name, config, group, spool, node, clock, report }) }
  })

  return {
    raise(event) {
      for (const { config, channel } of channels) {
        // A channel that fails is told by the others, never by itself.
        if (event.data?.['channel'] === channel.name && event.name.startsWith('alert.')) continue
        channel.accept(event, config.onlyMaster === true && !master())
      }
    },
    settle(exists) {
      for (const { channel } of channels) channel.settle(exists)
    },
    queue: () => channels.map(({ channel }) => channel.status()),
    async flush(limit) {
      let timer: NodeJS.Timeout | undefined
      const over = new Promise<void>(resolve => {
        timer = setTimeout(resolve, limit)
      })
      await Promise.race([Promise.all(channels.map(({ channel }) => channel.flush())), over])
      clearTimeout(timer)
    },
    stop() {
      for (const { channel } of channels) channel.stop()
    },
  }
}

function transportOf(config: AlertConfig): { kind: ChannelKind; transport: Transport; grouped: boolean } {
  if (config.webhook) return { kind: 'webhook', transport: webhook(config.webhook), grouped: true }
  if (config.slack) return { kind: 'slack', transport: slack(config.slack), grouped: true }
  if (config.pagerduty) return { kind: 'pagerduty', transport: pagerduty(config.pagerduty), grouped: false }
  if (config.alertmanager) return { kind: 'alertmanager', transport: alertmanager(config.alertmanager), grouped: true }
  if (config.mail) return { kind: 'mail', transport: mail(config.mail), grouped: true }
  if (config.exec) return { kind: 'exec', transport: exec(config.exec), grouped: false }
  throw new Error('an alert without a channel got past the configuration')
}

const system: AlertClock = {
  now: () => performance.now(),
  at(deadline, wake) {
    const timer = setTimeout(wake, Math.max(0, deadline - performance.now()))
    return () => clearTimeout(timer)
  },
  epoch: () => Date.now(),
  random: () => Math.random(),
}
