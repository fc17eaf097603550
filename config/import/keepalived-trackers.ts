import type { Report } from './finding.js'
import { blockComments, commentsOf, openBlock } from './keepalived-block.js'
import type { Globals } from './keepalived-globals.js'
import type { Node } from './keepalived-parse.js'
import { absolute, command, duration, seconds, uniqueNames, wholeNumber } from './keepalived-values.js'
import { type Comments, type Entries, entries, items, put } from './yaml-writer.js'

export type TrackerKind = 'scripts' | 'files' | 'processes'

/** One thing that instances may track, under its name of the original. */
export type Tracker = {
  readonly kind: TrackerKind
  readonly name: string
  readonly weight: number
  readonly reverse: boolean
  readonly entry: Entries
  readonly comments: Comments
}

/** Tracked things as far as the file has been read: keepalived looks names up while it reads. */
export type Trackers = {
  find(kind: TrackerKind, name: string): Tracker | undefined
  all(): readonly Tracker[]
}

export const trackerKinds: Readonly<Record<string, TrackerKind>> = {
  vrrp_script: 'scripts',
  track_file: 'files',
  vrrp_track_process: 'processes',
}

export function readTrackers(globals: Globals, report: Report): Trackers & { add(node: Node): void } {
  const found = new Map<string, Tracker>()
  const names = { scripts: uniqueNames(), files: uniqueNames(), processes: uniqueNames() }
  return {
    find: (kind, name) => found.get(`${kind} ${name}`),
    all: () => [...found.values()],
    add(node) {
      const kind = trackerKinds[node.keyword]
      const original = node.args[0]
      if (kind === undefined || original === undefined) return
      if (found.has(`${kind} ${original}`))
        return report(
          node,
          'trap',
          'defined-twice',
          `keepalived has "${original}" already and skips this one.`,
          'Left out.',
        )
      const block = openBlock(node, report)
      const read = { scripts: readScript, files: readFile, processes: readProcess }[kind]
      const entry = read(block, node, globals, report)
      const { weight, reverse } = readWeight(block.one('weight'), kind, report)
      block.finish()
      const comments = blockComments(node)
      if (!entry) return
      found.set(`${kind} ${original}`, { kind, name: names[kind](original), weight, reverse, entry, comments })
    },
  }
}

type OpenBlock = ReturnType<typeof openBlock>

function readScript(block: OpenBlock, node: Node, globals: Globals, report: Report): Entries | undefined {
  const script = block.one('script')
  const run = script ? command(script, report) : undefined
  const interval = seconds(block.one('interval'), 0.001, 2_592_000, report) ?? 1000
  const entry = entries()
  const timeout = block.one('timeout')
  const rise = block.one('rise')
  const fall = block.one('fall')
  const user = block.one('user')
  const initial = block.one('init_fail')
  if (!script || !run) {
    report(node, 'trap', 'no-command', 'A vrrp_script without a script does nothing.', 'Left out.')
    return undefined
  }
  const argv = run.argv[0].startsWith('</') ? ['/usr/bin/test', '-r', run.argv[0].slice(1)] : absolute(run.argv)
  put(entry, 'argv', items(argv), commentsOf(script))
  put(entry, 'interval', duration(Math.max(10, interval)))
  const limit = seconds(timeout, 0.001, 2_592_000, report)
  if (limit !== undefined && limit !== interval) put(entry, 'timeout', duration(limit), commentsOf(timeout))
  put(entry, 'rise', atLeastTwo(wholeNumber(rise, 1, 1000, report)), commentsOf(rise))
  put(entry, 'fall', atLeastTwo(wholeNumber(fall, 1, 1000, report)), commentsOf(fall))
  const owner = user?.args[0] ?? globals.scriptUser?.user
  const group = user ? user.args[1] : globals.scriptUser?.group
  put(entry, 'user', owner)
  put(entry, 'group', group)
  if (owner === undefined)
    report(
      script,
      'note',
      'script-user',
      'keepalived runs it as keepalived_script if that user exists, else as root.',
      'lvskeeper runs it as itself; add `user:` to the script.',
    )
  if (initial)
    report(
      initial,
      'note',
      'init-fail',
      'Counts as failing until the first success.',
      'In lvskeeper a script counts from its first result; until then the priority is left alone.',
    )
  return entry
}

function atLeastTwo(n: number | undefined): number | undefined {
  return n === undefined || n === 1 ? undefined : n
}

function readFile(block: OpenBlock, node: Node, _: Globals, report: Report): Entries | undefined {
  const file = block.one('file')
  const path = file?.args[0]
  const initial = block.one('init_file')
  if (initial)
    report(
      initial,
      'lost',
      'init-file',
      'Writes a first value into the file at the start.',
      'Create the file yourself, for instance with tmpfiles.d.',
    )
  if (!file || path === undefined || !path.startsWith('/')) {
    report(file ?? node, 'trap', 'no-file', 'No absolute path of a file is named here.', 'Left out.')
    return undefined
  }
  const entry = entries()
  put(entry, 'path', path, commentsOf(file))
  return entry
}

function readProcess(block: OpenBlock, node: Node, _: Globals, report: Report): Entries | undefined {
  const process = block.one('process')
  const [name, ...args] = process?.args ?? []
  const quorum = wholeNumber(block.one('quorum'), 1, 65_535, report)
  const most = wholeNumber(block.one('quorum_max'), 0, 65_535, report)
  const delay = block.one('delay')
  const match = block.one('param_match')
  const full = block.one('full_command')
  for (const other of [block.one('terminate_delay'), block.one('fork_delay')])
    if (other)
      report(
        other,
        'lost',
        'process-delay',
        'A delay of its own for starting or ending.',
        '`delay` of the YAML holds for both.',
      )
  if (full)
    report(
      full,
      'note',
      'full-command',
      'Compares the whole command line.',
      'The YAML names the program and its first arguments.',
    )
  if (match && match.args[0] !== 'initial')
    report(
      match,
      'lost',
      'param-match',
      'Compares arguments in another way than one by one from the first.',
      'The YAML compares the first arguments.',
    )
  if (name === undefined) {
    report(node, 'trap', 'no-command', 'No process is named here.', 'Left out.')
    return undefined
  }
  const entry = entries()
  put(entry, 'command', name, commentsOf(process))
  if (args.length > 0) put(entry, 'arguments', items(args))
  put(entry, 'minimum', quorum)
  put(entry, 'maximum', most)
  const wait = seconds(delay, 0, 3600, report)
  put(entry, 'delay', wait === undefined ? undefined : duration(wait), commentsOf(delay))
  return entry
}

/** `weight N [reverse]`; a track_file counts 1 unless it says otherwise. */
function readWeight(node: Node | undefined, kind: TrackerKind, report: Report): { weight: number; reverse: boolean } {
  const most = kind === 'scripts' ? 253 : 254
  const weight = wholeNumber(node, -most, most, report) ?? (kind === 'files' ? 1 : 0)
  return { weight: clampWeight(node, weight, report), reverse: node?.args[1] === 'reverse' }
}

/** The YAML allows -253 to 253 everywhere. */
export function clampWeight(node: Node | undefined, weight: number, report: Report): number {
  const result = Math.max(-253, Math.min(253, weight))
  if (node && result !== weight)
    report(
      node,
      'note',
      'weight-limit',
      `Weights end at ${result}.`,
      `The YAML has ${result}: no priority is ever moved further.`,
    )
  return result
}
