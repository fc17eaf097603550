import type { ProbePorts } from '../../checkers/probe-for.js'
import { createBatchDial } from './batch-dial.js'
import type { Links } from './links.js'
import { markedDial } from './marked-dial.js'
import { ping } from './ping-socket.js'
import { resolver } from './resolve.js'

/** What the kinds of checks need from Linux. `reports` is not Linux's: it belongs to whoever takes them in. */
export function linuxProbePorts(links: Links): ProbePorts & Required<Pick<ProbePorts, 'dial'>> {
  return {
    dial: createBatchDial(),
    ping,
    resolve: resolver(links),
    markedDial: mark => markedDial({ mark }),
  }
}
