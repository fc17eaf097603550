import { type Damping, steady } from './damping.js'
import type { Due } from './heap.js'
import { createHistory, type History, type Result } from './history.js'
import type { Knocks } from './knock.js'
import type { Wanted } from './monitor-ports.js'
import type { Millis, Probe, Target } from './ports.js'
import type { CheckSpec } from './spec.js'
import { assumed, type Health, unknown } from './verdict.js'

/**
 * One check that runs. It is in one of four places: waiting in the heap for its start, queued for a free place,
 * running (in the heap with its timeout), or removed.
 */
export type Entry = Due & {
  readonly key: string
  readonly target: Target
  readonly probe: Probe
  spec: CheckSpec
  health: Health
  /** Epoch ms of the last change of verdict. */
  since: number
  history: History
  damping: Damping
  resumed: boolean
  started: Millis
  /** What the next start is counted from: a start that came early to share a turn does not shorten the interval. */
  base: Millis
  /** The deadline of this attempt was moved: our own loop had stood still. */
  moved: boolean
  attempt: AbortController
  /** Counts the attempts: an outcome of an earlier one is of no interest. */
  turn: number
  /** The attempt while it runs. */
  running: AbortController | undefined
  queued: boolean
  removed: boolean
  /** Starts still to come after a sign of trouble, and whether a refusal at one of them is final. */
  hurry: readonly Millis[]
  final: boolean
  /** A connection broke off in this hurry: the next that does is the same failure. */
  brokenOff: boolean
  /** Went down without `fall`, by a refusal after a dying connection; no other failure has confirmed it yet. */
  byWatch: boolean
  report(now: () => Millis, knocks?: Knocks): Report
}

export type Report = {
  readonly name: string
  readonly kind: string
  readonly target: Target
  readonly health: Health
  readonly since: number
  readonly running: boolean
  /** Why it stays down although it passes. */
  readonly held: { readonly falls: number; readonly forMs: Millis } | 'manual-resume' | undefined
  /** Nobody answers a connect there, and it is tried again and again. */
  readonly knocks?: Knocks
  readonly latency: { readonly p50: number | undefined; readonly p99: number | undefined }
  readonly results: ReturnType<History['results']>
  readonly last: Result | undefined
}

export function createEntry(key: string, { target, spec, provisional }: Wanted, probe: Probe): Entry {
  const entry: Entry = {
    due: 0,
    slot: -1,
    key,
    target: { address: spec.address ?? target.address, port: spec.port ?? target.port },
    probe,
    spec,
    health: provisional ? assumed(provisional) : unknown,
    since: Date.now(),
    history: createHistory(),
    damping: steady,
    resumed: false,
    started: 0,
    base: 0,
    moved: false,
    attempt: new AbortController(),
    turn: 0,
    running: undefined,
    queued: false,
    removed: false,
    hurry: [],
    final: false,
    brokenOff: false,
    byWatch: false,
    report: (now, knocks) => report(entry, now, knocks),
  }
  return entry
}

/** A check whose timing alone was edited goes on with what is known of its server. */
export function inherit(gone: readonly Entry[], added: readonly Entry[]) {
  if (gone.length === 0 || added.length === 0) return
  const asked = new Map(gone.map(entry => [question(entry), entry]))
  for (const entry of added) {
    const before = asked.get(question(entry))
    if (!before) continue
    const { health, since, history, damping, resumed } = before
    Object.assign(entry, { health, since, history, damping, resumed })
  }
}

/** Down, and to stay so although it may pass: for the hold-down of a flapping server, or until an operator says so. */
export function isHeld({ health, damping, spec, resumed }: Entry, now: Millis): boolean {
  return health.verdict === 'down' && (now < damping.heldUntil || (spec.manualResume === true && !resumed))
}

function question({ target, spec }: Entry): string {
  return `${target.address} ${target.port} ${spec.invert ?? false} ${JSON.stringify(spec.probe)}`
}

function report(entry: Entry, now: () => Millis, knocks: Knocks | undefined): Report {
  const { spec, health, history } = entry
  return {
    name: spec.name,
    kind: spec.probe.kind,
    target: entry.target,
    health,
    since: entry.since,
    running: entry.running !== undefined,
    ...(knocks === undefined ? {} : { knocks }),
    // On demand: whoever asks ten thousand checks for their verdict should not pay for this. (Some kernels have no quick clock.)
    get held() {
      return entry.health.verdict === 'down' ? heldBy(entry, now()) : undefined
    },
    get latency() {
      return { p50: history.percentile(0.5), p99: history.percentile(0.99) }
    },
    get last() {
      return history.last()
    },
    get results() {
      return history.results()
    },
  }
}

function heldBy(entry: Entry, now: Millis): Report['held'] {
  if (!isHeld(entry, now)) return undefined
  const { falls, heldUntil } = entry.damping
  return heldUntil > now ? { falls, forMs: heldUntil - now } : 'manual-resume'
}
