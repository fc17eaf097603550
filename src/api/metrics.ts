import { Counter, collectDefaultMetrics, Registry } from 'prom-client'
import type { CheckCount, CheckEngine, Event } from '../messages.js'
import type { Status } from '../status/status.js'
import { createCheckMetrics } from './check-metrics.js'
import { compatMetrics } from './compat-metrics.js'
import { exposition } from './exposition.js'
import { type Scope, scopes, statusMetrics } from './status-metrics.js'

export type Metrics = {
  /** Counts an event, and what it says of transitions and failovers. */
  observe(event: Event): void
  /** Attempts since the last call, and how the checkers are. */
  checked(batch: readonly CheckCount[], engine: CheckEngine): void
  /** The text of one scrape. @param wanted scopes; none: all but `compat` */
  render(status: Status, wanted: readonly string[]): Promise<{ readonly text: string; readonly contentType: string }>
}

/** What is counted as it happens lives in a registry; what the status says is written down at each scrape. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'lvskeeper_control_' })
  // Gauges that end in _total, which the text format keeps for counters; the ones without say the same.
  for (const kind of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`lvskeeper_control_nodejs_active_${kind}_total`)
  const checks = createCheckMetrics()
  const events = new Counter({
    name: 'lvskeeper_events_total',
    help: 'Events by name (docs/events.md).',
    labelNames: ['name', 'level'],
    registers,
  })
  const transitions = new Counter({
    name: 'lvskeeper_vrrp_transitions_total',
    help: 'State changes of a virtual router.',
    labelNames: ['router', 'from', 'to'],
    registers,
  })

  return {
    observe({ name, level, subject, data }) {
      events.inc({ name, level })
      const from = data?.['from']
      const to = data?.['to']
      if (name === 'vrrp.state' && typeof from === 'string' && typeof to === 'string')
        transitions.inc({ router: subject.replace(/^router /, ''), from, to })
    },
    checked: checks.add,
    async render(status, wanted) {
      const out = exposition()
      const chosen = new Set<Scope>(scopes.filter(scope => wanted.length === 0 || wanted.includes(scope)))
      statusMetrics(status, chosen, out)
      if (chosen.has('checks')) checks.write(out)
      if (wanted.includes('compat')) compatMetrics(status, out)
      const counted = chosen.has('director') ? await registry.metrics() : ''
      return { text: out.text() + counted, contentType: registry.contentType }
    },
  }
}
