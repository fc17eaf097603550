import type { Report } from './finding.js'
import { type Block, commentsOf } from './keepalived-block.js'
import type { Node } from './keepalived-parse.js'
import { clampWeight, type Tracker, type TrackerKind, type Trackers } from './keepalived-trackers.js'
import { interfaceOf, wholeNumber } from './keepalived-values.js'
import { type Comments, type Entries, entries, type Items, items, put } from './yaml-writer.js'

/** What one instance (or sync group) tracks. */
export type Track = {
  readonly kind: TrackerKind | 'interfaces'
  /** In the YAML. */
  readonly name: string
  readonly weight: number
  readonly reverse: boolean
  readonly comments: Comments
  readonly node: Node
}

const words: Readonly<Record<string, TrackerKind | 'interfaces'>> = {
  track_interface: 'interfaces',
  track_script: 'scripts',
  track_file: 'files',
  track_process: 'processes',
}

/** Reads the track blocks of an instance or a sync group; names must have been defined above it. */
export function readTracks(block: Block, trackers: Trackers, later: ReadonlySet<string>, report: Report): Track[] {
  const found: Track[] = []
  for (const [word, kind] of Object.entries(words)) {
    for (const node of block.all(word).flatMap(list => [...list.children])) {
      const track = readTrack(node, kind, trackers, later, report)
      if (!track) continue
      if (found.some(other => other.kind === track.kind && other.name === track.name))
        report(node, 'trap', 'tracked-twice', 'Tracked already; keepalived skips the second entry.', 'Left out.')
      else found.push(track)
    }
  }
  return found
}

function readTrack(
  node: Node,
  kind: TrackerKind | 'interfaces',
  trackers: Trackers,
  later: ReadonlySet<string>,
  report: Report,
): Track | undefined {
  const [original = '', word, text, direction] = node.args
  const tracker = kind === 'interfaces' ? undefined : trackers.find(kind, original)
  if (kind !== 'interfaces' && !tracker) {
    reportMissing(node, original, later.has(`${kind} ${original}`), report)
    return undefined
  }
  if (kind === 'interfaces' && interfaceOf(node, original, report) === undefined) return undefined
  const base: Pick<Tracker, 'weight' | 'reverse'> = tracker ?? { weight: 0, reverse: false }
  const most = kind === 'interfaces' || kind === 'scripts' ? 253 : 254
  const own = word === 'weight' ? wholeNumber({ ...node, args: [text ?? ''] }, -most, most, report) : undefined
  if (word !== undefined && word !== 'weight')
    report(node, 'trap', 'unknown-word', `keepalived does not know "${word}" here.`, 'Left out.')
  const reverse =
    direction === 'reverse' ? true : direction === 'noreverse' ? false : own === undefined ? base.reverse : false
  const weight = own === undefined ? base.weight : clampWeight(node, own, report)
  return { kind, name: tracker?.name ?? original, weight, reverse, comments: commentsOf(node), node }
}

function reportMissing(node: Node, name: string, later: boolean, report: Report): void {
  if (later)
    report(
      node,
      'trap',
      'tracked-before-defined',
      `keepalived looks "${name}" up while it reads: it is defined further down, so this is ignored and nothing is tracked.`,
      'Left out, as keepalived does it. If it was meant, move the definition above and import again.',
    )
  else
    report(
      node,
      'trap',
      'tracked-undefined',
      `"${name}" is defined nowhere: keepalived ignores this line.`,
      'Left out.',
    )
}

/** `track:` of a router: a list of names where nobody says more, else a mapping. */
export function trackEntry(tracks: readonly Track[], ownInterface: boolean): Entries | undefined {
  const result = entries()
  if (!ownInterface) put(result, 'own_interface', false)
  for (const kind of ['interfaces', 'scripts', 'files', 'processes'] as const) {
    const some = tracks.filter(track => track.kind === kind)
    if (some.length > 0)
      put(result, kind, some.every(track => track.weight === 0 && !track.reverse) ? list(some) : map(some))
  }
  return result.pairs.length > 0 ? result : undefined
}

function list(tracks: readonly Track[]): Items {
  return { ...items(), items: tracks.map(({ name, comments }) => ({ value: name, comments })) }
}

function map(tracks: readonly Track[]): Entries {
  const result = entries()
  for (const { name, weight, reverse, comments } of tracks) {
    const entry = entries()
    put(entry, 'weight', weight)
    if (reverse) put(entry, 'reverse', true)
    put(result, name, entry, comments)
  }
  return result
}
