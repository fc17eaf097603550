import { failed, failureOf, timedOut } from './errors.js'
import type { Ping, Probe } from './ports.js'
import type { IcmpSpec } from './spec.js'

/** Echo requests, one after the other; the signal's time is for all of them. */
export function icmpProbe({ count, maxLoss, maxRtt, size }: IcmpSpec, ping: Ping): Probe {
  return async ({ address }, signal) => {
    let total = 0
    let answers = 0
    let lost = 0
    while (answers + lost < count && !signal.aborted) {
      const answer = await ping(address, size, signal)
      if ('rtt' in answer) {
        answers++
        total += answer.rtt
      } else {
        const failure = failureOf(answer.errno)
        // Our own trouble, or a plain word from the network, needs no statistics.
        if (failure.reason !== 'timeout') return failure
        lost++
      }
    }
    const share = 1 - answers / count
    if (share > maxLoss) return timedOut('L4', `${Math.round(share * 100)} % lost`)
    const mean = answers === 0 ? 0 : total / answers
    if (maxRtt !== undefined && mean > maxRtt) return failed('lag', 'L4TOUT', `mean round trip ${mean.toFixed(1)} ms`)
    return { passed: true, layer: 'L4OK', detail: `round trip ${mean.toFixed(2)} ms` }
  }
}
