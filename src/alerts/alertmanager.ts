import type { Alert, Batch, HttpConfig, Transport } from './alert.js'
import { webhook } from './webhook.js'

const day = 24 * 3_600_000
const noteLasts = 5 * 60_000

/** Prometheus Alertmanager's `POST /api/v2/alerts`; `url` is its base address. */
export function alertmanager(config: HttpConfig): Transport {
  const url = config.url.endsWith('/api/v2/alerts') ? config.url : `${config.url.replace(/\/+$/, '')}/api/v2/alerts`
  return webhook({ ...config, url }, batch => alertmanagerAlerts(batch))
}

/**
 * Alertmanager forgets what nobody repeats; an explicit end says how long to believe us. A condition holds until it is
 * resolved (a day at most: `repeat` keeps it alive), a note for five minutes.
 */
export function alertmanagerAlerts(batch: Batch) {
  return batch.alerts.map(alert => ({
    labels: {
      alertname: alertName(alert),
      node: batch.node,
      subject: alert.event.subject,
      severity: { info: 'info', notice: 'info', warning: 'warning', alarm: 'critical' }[alert.severity],
    },
    annotations: { summary: alert.event.text, event: alert.event.name },
    startsAt: new Date(alert.event.at).toISOString(),
    endsAt: new Date(ends(alert)).toISOString(),
  }))
}

/** The labels are the identity: beginning and end carry the same ones. */
function alertName({ key }: Alert): string {
  return key.split(' ', 1)[0] ?? key
}

function ends({ event, phase }: Alert): number {
  return { resolve: event.at, trigger: event.at + day, note: event.at + noteLasts }[phase]
}
