import type { Report } from './finding.js'
import { type Block, commentsOf } from './keepalived-block.js'
import type { Node } from './keepalived-parse.js'
import { absolute, command } from './keepalived-values.js'
import { type Entries, entries, items, mapOf, put } from './yaml-writer.js'

/** One program that is told about an event. */
export type Notify = {
  readonly node: Node
  readonly argv: readonly string[]
  readonly user?: string
  readonly group?: string
  readonly event: 'vrrp.state' | 'server.up' | 'server.down' | 'service.up' | 'service.down'
  /** State that the router must have entered; undefined: any. */
  readonly to?: 'master' | 'backup' | 'fault'
  /** Arguments that keepalived appends, with STATE where the new state goes. */
  readonly append?: readonly string[]
}

const states = { notify_master: 'master', notify_backup: 'backup', notify_fault: 'fault' } as const

/** notify_master, notify_backup, notify_fault and notify of an instance or a sync group. */
export function readNotifies(
  block: Block,
  kind: 'INSTANCE' | 'GROUP',
  name: string,
  priority: number,
  report: Report,
): Notify[] {
  const found: Notify[] = []
  for (const [word, to] of Object.entries(states)) {
    const node = firstOf(block, word, report)
    const run = node && command(node, report)
    if (node && run) found.push({ node, ...run, event: 'vrrp.state', to })
  }
  const general = firstOf(block, 'notify', report)
  const run = general && command(general, report)
  if (general && run) {
    const append = [kind, name, 'STATE', String(kind === 'GROUP' ? 0 : priority)]
    found.push({ node: general, ...run, event: 'vrrp.state', append })
  }
  for (const word of ['notify_stop', 'notify_master_rx_lower_pri']) {
    const node = firstOf(block, word, report)
    if (node)
      report(
        node,
        'lost',
        'notify-event',
        word === 'notify_stop'
          ? 'A program that runs when keepalived stops.'
          : 'A program that runs when a lesser master was heard.',
        word === 'notify_stop'
          ? 'Use ExecStopPost= in the systemd unit.'
          : 'Use an alert with `exec` and `events: vrrp.*`: meeting another master is an event.',
      )
  }
  for (const { node, to } of found)
    report(
      node,
      'note',
      'notify-script',
      'keepalived starts it beside itself: order and completion are not guaranteed.',
      `The YAML has an alert with exec: one at a time, in order, 60 s at most${to === undefined ? '' : `, for the state ${to} only`}; nothing runs at the stop.`,
    )
  return found
}

/** Only the first of each kind counts. */
function firstOf(block: Block, word: string, report: Report): Node | undefined {
  const [first, ...more] = block.all(word)
  for (const node of more)
    report(node, 'trap', 'notify-twice', `keepalived keeps the first ${word} only (line ${first?.line}).`, 'Left out.')
  return first
}

/** An entry of `alerts:`. `directors`: only these run it. `start`: what the real server counts as before its first check. */
export function notifyEntry(
  notify: Notify,
  subject: string,
  { directors, start }: { readonly directors?: readonly string[] | undefined; readonly start?: 'up' | 'down' } = {},
): Entries {
  const { event, to } = notify
  const entry = entries()
  // keepalived looks neither at the exit status nor at the clock.
  const exec = mapOf({ argv: items(argvOf(notify)), timeout: '60s', retry: false })
  put(entry, 'exec', exec, commentsOf(notify.node))
  put(entry, 'events', event)
  put(entry, 'for', subject)
  // What starts up (without alpha) is no news when its first check passes: that is an event of level info.
  if (event.endsWith('.up') && start === 'up') put(entry, 'level', 'notice')
  if (to !== undefined) put(entry, 'to', to)
  if (to !== undefined || event.endsWith('.down')) put(entry, 'send_resolved', false)
  if (directors !== undefined) put(entry, 'directors', items(directors))
  return entry
}

function argvOf({ argv, append, user, group }: Notify): readonly string[] {
  const as = user === undefined ? [] : ['runuser', '-u', user, ...(group === undefined ? [] : ['-g', group]), '--']
  if (append === undefined) return absolute([...as, ...absolute(argv)])
  const state = '"$(echo "$LVSKEEPER_TO" | tr a-z A-Z)"'
  const more = append.map(word => ` ${word === 'STATE' ? state : quote(word)}`).join('')
  return ['/bin/sh', '-c', `exec "$@"${more}`, 'notify', ...as, ...absolute(argv)]
}

function quote(word: string): string {
  return /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
