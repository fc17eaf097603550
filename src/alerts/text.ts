import type { Alert, Batch } from './alert.js'

const mostLines = 50

/** One line that fits a pager: the only sentence, or how many there are and the gravest of them. */
export function headline({ node, alerts }: Batch): string {
  const first = gravest(alerts)
  const more = alerts.length - 1
  return `[${node}] ${first.event.text}${more > 0 ? ` (and ${more} more)` : ''}`
}

/** Everything, one line each, oldest first; a mass failure is counted beyond fifty lines. */
export function lines({ alerts }: Batch): string {
  const shown = alerts.slice(0, mostLines).map(alert => `${new Date(alert.event.at).toISOString()} ${sentence(alert)}`)
  const more = alerts.length - shown.length
  return [...shown, ...(more > 0 ? [`... and ${more} more`] : [])].join('\n')
}

/** The alert that decides the level of a message: the gravest, the earliest of those. */
export function gravest(alerts: Batch['alerts']): Alert {
  const rank = ({ event, phase }: Alert) =>
    phase === 'resolve' ? 0 : { info: 1, notice: 2, warning: 3, alarm: 4 }[event.level]
  return alerts.reduce((worst, alert) => (rank(alert) > rank(worst) ? alert : worst))
}

function sentence({ event, phase }: Alert): string {
  return `${phase === 'resolve' ? 'resolved' : event.level} ${event.name} ${event.text}`
}
