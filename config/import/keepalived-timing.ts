import type { Report } from './finding.js'
import type { Block } from './keepalived-block.js'
import { bool, seconds, wholeNumber } from './keepalived-values.js'
import type { Entries } from './yaml-writer.js'

/** What a checker inherits from its real server, which inherits from its virtual server. Milliseconds. */
export type Timing = {
  readonly interval: number
  readonly timeout: number
  readonly retry?: number
  readonly retryDelay?: number
  readonly virtualhost?: string
  readonly alpha: boolean
}

/** lib/check_api: what a virtual server starts from. */
export const builtInTiming: Timing = { interval: 60_000, timeout: 5000, alpha: false }

/** Takes the timing words of a virtual server, a real server or a checker. */
export function readTiming(
  block: Block,
  inherited: Timing,
  report: Report,
  how: 'exact' | 'lenient' = 'exact',
): Timing {
  const retry = wholeNumber(block.one('retry'), 0, 1_000_000, report, how) ?? inherited.retry
  const retryDelay = seconds(block.one('delay_before_retry'), 0, 86_400, report) ?? inherited.retryDelay
  const host = block.one('virtualhost')?.args[0] ?? inherited.virtualhost
  return {
    interval: seconds(block.one('delay_loop'), 0.001, 2_592_000, report) ?? inherited.interval,
    timeout: seconds(block.one('connect_timeout'), 0.001, 86_400, report) ?? inherited.timeout,
    alpha: bool(block.one('alpha'), report) ?? inherited.alpha,
    ...(retry === undefined ? {} : { retry }),
    ...(retryDelay === undefined ? {} : { retryDelay }),
    ...(host === undefined ? {} : { virtualhost: host }),
  }
}

export type CheckerContext = {
  readonly timing: Timing
  /** Port of the real server in the YAML: where checks go there by themselves; undefined: there is none. */
  readonly port: number | undefined
  /** Port where keepalived's checks go by themselves. */
  readonly checkPort: number | undefined
  /** Paths of track_file blocks, by name. */
  readonly files: ReadonlyMap<string, string>
  readonly tls: Entries | undefined
  readonly report: Report
}
