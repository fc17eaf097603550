import type { Counters } from './counters.js'
import type { notices } from './notices.js'
import type { Notice } from './state.js'

/** Puts what the machine noticed into words, and counts it. */
export function teller(counters: Counters, notice: ReturnType<typeof notices>) {
  return (noticed: Notice) => {
    switch (noticed.what) {
      case 'two-masters': {
        const { other, priority } = noticed
        counters['two-masters']++
        return notice('two-masters', `${other} (priority ${priority}) is master as well`, { other, priority }, other)
      }
      case 'stalled': {
        const late = Math.round(noticed.late)
        counters.stalls++
        return notice('stalled', `This director was late by ${late} ms`, { late })
      }
      case 'stranger': {
        const { address } = noticed
        return notice(
          'stranger',
          `${address} takes part, but is none of the directors of the file`,
          { address },
          address,
        )
      }
      case 'handed-over':
        return notice('handed-over', `${noticed.to} has taken over`, { to: noticed.to }, '', 0)
      case 'unwitnessed': {
        const { why } = noticed
        return notice('unwitnessed', `The master is silent; this director does not take over: ${why}`, { why })
      }
      case 'no-taker':
        return notice('no-taker', 'Nobody took over; this director stays master', {}, '', 0)
      case 'will-preempt': {
        const { master } = noticed
        return notice('will-preempt', `It will relieve ${master}, which has a lower priority`, { master }, '', 0)
      }
      case 'wants-master':
        return notice('wants-master', 'Its time has come; the sync group decides', {}, '', 0)
    }
  }
}
