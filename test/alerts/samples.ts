import type { Alert, Batch } from '../../src/alerts/alert.js'
import { condition } from '../../src/alerts/condition.js'
import type { Event } from '../../src/messages.js'

export const noon = Date.UTC(2026, 2, 1, 12)

export const down: Event = {
  at: noon,
  name: 'server.down',
  level: 'warning',
  subject: 'server web/10.9.0.21:80',
  text: 'web/10.9.0.21:80 is down: connection refused',
  data: { reason: 'refused' },
}
export const up: Event = {
  ...down,
  at: noon + 5_000,
  name: 'server.up',
  level: 'notice',
  text: 'web/10.9.0.21:80 is up',
}
export const failover: Event = {
  at: noon,
  name: 'vrrp.state',
  level: 'notice',
  subject: 'router web',
  text: 'web: backup -> master, 10.9.0.11 silent',
  data: { from: 'backup', to: 'master' },
}

export function alertOf(event: Event, id = 'id-1'): Alert {
  return { id, event, severity: event.level, ...condition(event) }
}

export function batchOf(first: Event, ...rest: Event[]): Batch {
  return { node: 'd1', alerts: [alertOf(first), ...rest.map((event, i) => alertOf(event, `id-${i + 2}`))] }
}
