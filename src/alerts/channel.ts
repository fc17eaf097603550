import { randomUUID } from 'node:crypto'
import { atLeast, matches } from '../events/filter.js'
import type { Event, EventLevel } from '../messages.js'
import type { Alert, AlertConfig, Batch, ChannelKind, ChannelStatus, Delivery, Transport } from './alert.js'
import { backoff } from './backoff.js'
import { condition } from './condition.js'
import type { Spool } from './spool.js'
import { concerns } from './subject.js'

/** What happens at once (a switch that dies takes twenty servers along) goes out as one message. */
const together = 250
const mostAlerts = 1_000
const mostInBatch = 200
const mostRejections = 5
const attemptLimit = 60_000

/** Nobody is woken for what is merely worth knowing. */
const usual: Readonly<Record<ChannelKind, EventLevel>> = {
  webhook: 'notice',
  slack: 'notice',
  mail: 'notice',
  exec: 'notice',
  alertmanager: 'notice',
  pagerduty: 'warning',
}

export type ChannelOptions = {
  readonly name: string
  readonly kind: ChannelKind
  readonly config: AlertConfig
  readonly transport: Transport
  /** false: the receiver takes one alert at a time. */
  readonly grouped: boolean
  /** Of `group` in the configuration, ms. */
  readonly group: number
  readonly spool: Spool
  readonly node: string
  readonly clock: AlertClock
  /** Events about this channel itself: they go into the history, and to the other channels. */
  readonly report: (event: Event) => void
}

/** Monotonic for waiting, the wall for what people read. */
export interface AlertClock {
  now(): number
  at(deadline: number, wake: () => void): () => void
  epoch(): number
  random(): number
}

/** One channel: waits, joins, sends one message at a time in order, and tries again until it is through. */
export function openChannel(options: ChannelOptions) {
  const { name, kind, config, transport, grouped, group, spool, node, clock, report } = options
  const limit = config.limit ?? { messages: 60, per: 60_000 }
  const keep = config.keep ?? 24 * 3_600_000
  const least = config.level ?? (config.events === undefined ? usual[kind] : 'info')
  const stopping = new AbortController()
  const messages: number[] = []
  let cancel = () => {}
  let sending = false
  let current: Promise<void> = Promise.resolve()
  let settled = 0
  let notBefore = 0
  let attempts = 0
  let rejections = 0
  let failure: string | undefined
  let lastSent: number | undefined
  const count = { sent: 0, failed: 0, dropped: 0 }

  /** Whether this channel wants to hear of it, and as what. */
  function wanted(event: Event, muted: boolean): Pick<Alert, 'key' | 'phase' | 'severity'> | undefined {
    const { key, phase } = condition(event)
    const told = spool.told(key)
    const about = { key, phase, severity: phase === 'resolve' && told ? told.level : event.level }
    // Who was told of the beginning is told of the end, whatever the filter says.
    if (phase === 'resolve' && told !== undefined) {
      if (config.sendResolved !== false) return about
      spool.close(key)
    }
    if (muted || !passes(event)) return undefined
    if (phase === 'trigger' && told !== undefined) {
      const again = config.repeat !== undefined && config.repeat > 0 && clock.epoch() - told.at >= config.repeat
      return again ? about : undefined
    }
    return about
  }

  function passes(event: Event): boolean {
    const { events, subjects, to } = config
    return (
      matches(event, { names: events }) &&
      atLeast(event.level, least) &&
      (subjects === undefined || subjects.some(pattern => concerns(event.subject, pattern))) &&
      (to === undefined || (event.name === 'vrrp.state' && to.some(state => state === event.data?.['to'])))
    )
  }

  /** Ends what was told of subjects that exist no more: nobody else ever will. */
  function settle(exists: (subject: string) => boolean) {
    for (const [key, { level }] of spool.conditions()) {
      const subject = key.slice(key.indexOf(' ') + 1)
      if (exists(subject)) continue
      spool.close(key)
      if (config.sendResolved === false) continue
      const text = `${subject} is not in the configuration any more`
      const event: Event = { at: clock.epoch(), name: 'config.removed', level: 'notice', subject, text }
      enqueue({ id: randomUUID(), event, key, phase: 'resolve', severity: level })
    }
  }

  /** @param muted only the ends of what was told pass */
  function accept(event: Event, muted: boolean) {
    const about = wanted(event, muted)
    if (!about || stopping.signal.aborted) return
    if (about.phase === 'trigger') spool.open(about.key, { at: clock.epoch(), level: event.level })
    if (about.phase === 'resolve') spool.close(about.key)
    enqueue({ id: randomUUID(), event, ...about })
  }

  function enqueue(alert: Alert) {
    if (spool.waiting().length === 0) settled = clock.now() + together
    spool.put(alert)
    const overflow = spool.waiting().length - mostAlerts
    if (overflow > 0) drop(spool.waiting().slice(0, overflow), `more than ${mostAlerts} wait`)
    arm()
  }

  function drop(alerts: readonly Alert[], why: string) {
    if (alerts.length === 0) return
    spool.done(alerts)
    count.dropped += alerts.length
    const text = `${alerts.length} alert${alerts.length === 1 ? '' : 's'} for ${name} given up: ${why}`
    const data = { channel: name, dropped: alerts.length, events: alerts.slice(0, 20).map(({ event }) => event.text) }
    report({ at: clock.epoch(), name: 'alert.dropped', level: 'warning', subject: `alert ${name}`, text, data })
  }

  function arm() {
    cancel()
    if (sending || stopping.signal.aborted || spool.waiting().length === 0) return
    cancel = clock.at(Math.max(settled, notBefore, limited()), () => void start())
  }

  /** When the rate limit lets the next message through. */
  function limited(): number {
    while (messages.length > 0 && (messages[0] ?? 0) <= clock.now() - limit.per) messages.shift()
    const oldest = messages[messages.length - limit.messages]
    return oldest === undefined ? 0 : oldest + limit.per
  }

  function start(): Promise<void> {
    current = pass()
    return current
  }

  async function pass() {
    const now = clock.epoch()
    drop(
      spool.waiting().filter(({ event }) => now - event.at > keep),
      `not delivered for ${Math.round(keep / 60_000)} minutes`,
    )
    const [first, ...rest] = spool.waiting().slice(0, grouped ? mostInBatch : 1)
    if (!first) return
    const batch: Batch = { node, alerts: [first, ...rest] }
    sending = true
    const limitSignal = AbortSignal.any([stopping.signal, AbortSignal.timeout(attemptLimit)])
    const delivery = await transport(batch, limitSignal).catch((error: unknown) => failed(error))
    sending = false
    if (stopping.signal.aborted && !delivery.ok) return
    messages.push(clock.now())
    if (delivery.ok) delivered(batch)
    else postponed(batch, delivery)
    arm()
  }

  function delivered({ alerts }: Batch) {
    spool.done(alerts)
    count.sent += alerts.length
    lastSent = clock.epoch()
    notBefore = clock.now() + group
    rejections = 0
    if (attempts > 0) tell('alert.recovered', 'notice', `${name} takes alerts again after ${attempts} failed attempts`)
    attempts = 0
    failure = undefined
  }

  function postponed({ alerts }: Batch, delivery: Delivery & { ok: false }) {
    count.failed++
    attempts++
    failure = delivery.reason
    notBefore = clock.now() + backoff(attempts, clock.random(), delivery.retryAfter)
    if (attempts === 1) tell('alert.failed', 'warning', `${name} cannot be reached: ${failure}; trying again`)
    if (!delivery.rejected) return
    // A receiver that refuses one message for what it is must not keep the next ones from being heard.
    if (++rejections < mostRejections) return
    rejections = 0
    drop(alerts, `refused ${mostRejections} times: ${delivery.reason}`)
  }

  function tell(event: string, level: 'notice' | 'warning', text: string) {
    const data = { channel: name, ...(failure === undefined ? {} : { reason: failure }) }
    report({ at: clock.epoch(), name: event, level, subject: `alert ${name}`, text, data })
  }

  function status(): ChannelStatus {
    const oldest = spool.waiting()[0]?.event.at
    const why = failure ?? spool.trouble()
    return {
      name,
      kind,
      queued: spool.waiting().length,
      attempts,
      ...count,
      ...(oldest === undefined ? {} : { oldest }),
      ...(lastSent === undefined ? {} : { lastSent }),
      ...(why === undefined ? {} : { failure: why }),
    }
  }

  /** Sends what is due by grouping only; resolves when nothing waits any more, or nothing will go now. */
  async function flush(): Promise<void> {
    cancel()
    if (sending) await current
    if (attempts === 0 && spool.waiting().length > 0 && !stopping.signal.aborted) {
      await start()
      await flush()
    }
  }

  arm()
  return {
    name,
    flush,
    accept,
    settle,
    status,
    /** What is queued stays on disk for the next process. */
    stop() {
      cancel()
      stopping.abort()
    },
  }
}

function failed(error: unknown): Delivery {
  return { ok: false, reason: error instanceof Error ? error.message : String(error) }
}
