import type { ProbePorts } from '../../checkers/probe-for.js'
import { createReports } from '../../checkers/push.js'
import { createBatchDial } from '../linux/batch-dial.js'
import { probeConflict } from '../linux/conflict-probe.js'
import type { Links } from '../linux/links.js'
import { markedDial } from '../linux/marked-dial.js'
import { createPing } from '../linux/ping.js'
import type { Ways } from './ways.js'

/** The second question goes out after a third of it, lest one lost frame says "nobody"; the attempt's own signal ends it earlier. */
const patience = 1_500

/** What the kinds of checks need of this machine: sockets in batches, echo requests, ARP, marks, reports through the API. */
export function createProbePorts(links: Links, ways: Ways, now: () => number) {
  const reports = createReports(now)
  const ports = {
    now,
    reports,
    dial: createBatchDial(),
    ping: createPing(now),
    markedDial: (mark: number, source?: string) => markedDial({ mark, ...(source === undefined ? {} : { source }) }),
    async resolve(address: string, link: string | undefined, signal: AbortSignal) {
      const name = link ?? ways.linkTo(address)?.name
      if (name === undefined) return { errno: 'ENETUNREACH' }
      const answer = await probeConflict(links, { interface: name, address, timeout: patience, signal })
      if ('mac' in answer) return answer
      return { errno: 'nobody' in answer ? 'ETIMEDOUT' : answer.refused }
    },
  } satisfies ProbePorts
  return ports
}
