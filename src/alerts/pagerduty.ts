import { createHash } from 'node:crypto'
import type { AlertConfig, Batch, Transport } from './alert.js'
import { headline } from './text.js'
import { secret, webhook } from './webhook.js'

const severities = { info: 'info', notice: 'info', warning: 'warning', alarm: 'critical' } as const

/** PagerDuty's Events API v2: one alert per message, tied together by the deduplication key. */
export function pagerduty(config: NonNullable<AlertConfig['pagerduty']>): Transport {
  const url = config.url ?? 'https://events.pagerduty.com/v2/enqueue'
  return async (batch, signal) => {
    const key = await secret(config.keyFile)
    return webhook({ url }, each => pagerdutyEvent(each, key))(batch, signal)
  }
}

/** A note triggers an incident of its own; nothing resolves it but a person. */
export function pagerdutyEvent(batch: Batch, routingKey: string) {
  const { event, key, phase, id } = batch.alerts[0]
  return {
    routing_key: routingKey,
    event_action: phase === 'resolve' ? 'resolve' : 'trigger',
    dedup_key: shortKey(phase === 'note' ? `${batch.node} ${key} ${id}` : `${batch.node} ${key}`),
    payload: {
      summary: headline(batch).slice(0, 1024),
      source: batch.node,
      severity: severities[event.level],
      timestamp: new Date(event.at).toISOString(),
      component: event.subject,
      class: event.name,
      custom_details: event.data ?? {},
    },
    client: 'lvskeeper',
  }
}

/** The API takes 255 characters. */
function shortKey(key: string): string {
  return key.length <= 255 ? key : createHash('sha256').update(key).digest('hex')
}
