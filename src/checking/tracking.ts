import type { Wanted } from '../../checkers/monitor-ports.js'
import type { CheckerSettings } from '../control/wanted.js'
import type { Contribution } from '../messages.js'
import { createFileReader } from '../tracking/files.js'
import { count, enough, type Running, running } from '../tracking/processes.js'
import type { Checks } from './pool.js'

type Tracking = CheckerSettings['tracking']

/** Scripts and gateways are checks like any other; a real server's key cannot begin so. */
const prefix = 'track '

/** Turns scripts, files, processes, gateways and the quorum of virtual servers into contributions to the priorities. */
export function createTracking(report: (contribution: Contribution) => void) {
  let tracking: Tracking | undefined
  let checks: readonly string[] = []
  const told = new Map<string, string>()
  const pending = new Map<string, { readonly state: boolean; readonly since: number }>()

  /** What each file said last: a file system that does not answer says nothing about the number. */
  const numbers = new Map<string, number>()
  const files = createFileReader((path, what) => {
    if (!('unread' in what)) numbers.set(path, 'number' in what ? what.number : 0)
    const number = numbers.get(path)
    const reason =
      'number' in what
        ? `${path} says ${what.number}`
        : 'trouble' in what
          ? what.trouble
          : `${path}: ${what.unread}; ${number === undefined ? 'it was never read' : `${number} stays`}`
    for (const file of tracking?.files ?? []) if (file.path === path) tell(file.source, number ?? 0, reason)
  })

  function tell(source: string, state: boolean | number | undefined, reason: string): void {
    const said = `${state} ${reason}`
    if (told.get(source) === said) return
    told.set(source, said)
    report({ source, state, reason, at: Date.now() })
  }

  return {
    set(next: Tracking): void {
      tracking = next
    },

    /** The checks that it wants, and those that it wants no more. */
    changes(): { readonly gone: readonly string[]; readonly wanted: ReadonlyMap<string, Wanted> } {
      const scripts = (tracking?.scripts ?? []).map(
        ({ source, check }) => [prefix + source, { target: { address: '127.0.0.1', port: 0 }, spec: check }] as const,
      )
      const gateways = (tracking?.gateways ?? []).map(
        ({ source, check, address, port = 0 }) =>
          [prefix + source, { target: { address, port }, spec: check }] as const,
      )
      const wanted = new Map([...scripts, ...gateways])
      const gone = checks.filter(key => !wanted.has(key))
      checks = [...wanted.keys()]
      return { gone, wanted }
    },

    /** A check turned. Answers whether it was one of ours. */
    verdict(key: string, checks: Checks): boolean {
      if (!key.startsWith(prefix)) return false
      const found = checks.report(key)
      const last = found?.last
      const reason = last
        ? `${last.outcome.layer}${last.outcome.detail ? ` ${last.outcome.detail}` : ''}`
        : 'no result yet'
      const verdict = found?.health.verdict
      tell(
        key.slice(prefix.length),
        verdict === 'unknown' || verdict === undefined ? undefined : verdict === 'up',
        reason,
      )
      return true
    },

    /** Looks at what has no notification: files, processes. */
    look(now: () => number, processes: () => readonly Running[] = running): void {
      if (!tracking) return
      files.look(new Set(tracking.files.map(({ path }) => path)), now)
      if (tracking.processes.length === 0) return
      const list = processes()
      for (const tracked of tracking.processes) {
        const found = count(tracked, list)
        settle(tracked.source, enough(tracked, found), `${found} of ${tracked.command} running`, tracked.delay, now())
      }
    },

    /** The quorum of the virtual servers that routers track. */
    quorum(
      states: ReadonlyMap<
        string,
        { readonly state: 'up' | 'down'; readonly pending: boolean; readonly weightUp: number; readonly quorum: number }
      >,
    ): void {
      for (const name of tracking?.virtualServers ?? []) {
        const outcome = states.get(name)
        if (!outcome || outcome.pending) tell(`virtual_server ${name}`, undefined, 'first verdicts are missing')
        else
          tell(
            `virtual_server ${name}`,
            outcome.state === 'up',
            `weight ${outcome.weightUp} of quorum ${outcome.quorum}`,
          )
      }
    },

    /** vrrp has been started again: it must hear everything. */
    tellAgain(): void {
      told.clear()
    },
  }

  /** A change must last for `delay` before it counts. */
  function settle(source: string, state: boolean, reason: string, delay: number, now: number): void {
    const known = pending.get(source)
    if (known?.state !== state) pending.set(source, { state, since: now })
    const since = known?.state === state ? known.since : now
    if (now - since >= delay || !told.has(source)) tell(source, state, reason)
  }
}
