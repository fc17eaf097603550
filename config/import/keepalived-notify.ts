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
      `The YAML has an alert with exec: in order, again if it fails${to === undefined ? '' : `, for the state ${to} only`}; nothing runs at start and stop.`,
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

/** An entry of `alerts:`. A shell looks whether the event is the right one and starts the program unchanged. */
export function notifyEntry(notify: Notify, subject: string): Entries {
  const entry = entries()
  put(entry, 'exec', mapOf({ argv: items(argvOf(notify, subject)) }), commentsOf(notify.node))
  put(entry, 'events', notify.event)
  return entry
}

function argvOf({ argv, to, append, user, group }: Notify, subject: string): readonly string[] {
  const about = `[ "$LVSKEEPER_SUBJECT" = ${quote(subject)} ]`
  const entered = to === undefined ? '' : ` && grep -q '"to":"${to}"'`
  const state = append === undefined ? '' : ` state=$(sed -n 's/.*"to":"\\([a-z]*\\)".*/\\1/p' | tr a-z A-Z);`
  const more = (append ?? []).map(word => ` ${word === 'STATE' ? '"$state"' : quote(word)}`).join('')
  const script = `${about}${entered} || exit 0;${state} exec "$@"${more}`
  const as = user === undefined ? [] : ['runuser', '-u', user, ...(group === undefined ? [] : ['-g', group]), '--']
  return ['/bin/sh', '-c', script, 'notify', ...as, ...absolute(argv)]
}

function quote(word: string): string {
  return /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
