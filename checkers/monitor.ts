import { createAddressIndex } from './address-index.js'
import { fell } from './damping.js'
import { createEntry, type Entry, inherit, isHeld } from './entry.js'
import { failed } from './errors.js'
import { brokenOff, dueAfter, fold, inverted, nobodyListens } from './fold.js'
import { createHeap } from './heap.js'
import { createHistogram } from './histogram.js'
import { createKnocks, nobodyThere } from './knock.js'
import { createLane } from './lane.js'
import type { Limits, MonitorPorts, Wanted } from './monitor-ports.js'
import { firstStart } from './next.js'
import type { Millis, Outcome } from './ports.js'
import { createStallMeter } from './stall.js'
import type { Health, Verdict } from './verdict.js'
import { createWatch } from './watch.js'

/** After a sign of trouble: now, and after these pauses. A program of many processes may accept while they end one by one. */
const HURRY: readonly Millis[] = [0, 5, 20, 50, 100, 200]

/** Starts within so many ms go out together: a turn of the loop costs as much as a check. */
const SLOT: Millis = 5
/** Starts take so much of a turn of the loop at most, ms. */
const TURN: Millis = 5

/** An attempt that does not end with its signal (a file on a dead network mount) is given up after this. */
const GRACE: Millis = 200
/** A standstill of more than this share of the timeout is not taken for the silence of a server. */
const MISSED = 0.25
const stuck = failed('local-error', 'SOCKERR', 'the attempt did not end in time')

/** Runs every check: one heap of deadlines, one timer, one attempt per check at a time. */
export function createMonitor(ports: MonitorPorts) {
  const { clock, random } = ports
  const entries = new Map<string, Entry>()
  const byAddress = createAddressIndex<Entry>()
  const heap = createHeap<Entry>()
  const lag = createHistogram()
  const stall = createStallMeter()
  const network = createLane<Entry>(ports.maxInFlight ?? 512)
  const programs = createLane<Entry>(ports.maxPrograms ?? 16)
  const watch = ports.watch && createWatch({ clock, ...ports.watch, onSign })
  const knocks = ports.watch && createKnocks({ clock, random, dial: ports.watch.dial, onAnswer })
  const counters = { attempts: 0, passed: 0, failed: 0, localErrors: 0, verdicts: 0 }
  let cancel = () => {}
  let armedFor = Number.POSITIVE_INFINITY
  let inWake = false
  /** Checks without a first result of their own. */
  let pendings = 0
  /** Epoch minus monotonic time, taken anew at each wake: a look at two clocks per check is a system call too many. */
  let epoch = Date.now() - clock.now()

  /** Makes the running checks those of the map. What is in both goes on untouched. */
  function set(wanted: ReadonlyMap<string, Wanted>) {
    change(
      [...entries.keys()].filter(key => !wanted.has(key)),
      wanted,
    )
  }

  /** Ends some checks and begins or goes on with others; those that are not named go on: of tens of thousands mostly a few change. */
  function change(ended: Iterable<string>, wanted: ReadonlyMap<string, Wanted>) {
    const now = clock.now()
    const gone = [...ended].flatMap(key => entries.get(key) ?? [])
    const added: Entry[] = []
    for (const [key, want] of wanted) {
      const entry = entries.get(key)
      if (entry) entry.spec = want.spec
      else added.push(createEntry(key, want, ports.probeFor(want.spec.probe)))
    }
    inherit(gone, added)
    for (const entry of gone) remove(entry)
    for (const entry of added) {
      entries.set(entry.key, entry)
      if (isPending(entry.health)) pendings++
      byAddress.add(entry)
      heap.schedule(entry, firstStart(entry.spec, added.length, now, random()))
    }
    arm(now)
  }

  function remove(entry: Entry) {
    entry.removed = true
    entries.delete(entry.key)
    if (isPending(entry.health)) pendings--
    byAddress.remove(entry)
    heap.remove(entry)
    watch?.leave(entry.target, entry.key)
    knocks?.leave(entry.target, entry.key)
    entry.running?.abort()
  }

  function arm(now: Millis) {
    if (inWake) return
    const first = heap.peek()
    const heartbeat = network.running() > 0 ? now + stall.heartbeat : Number.POSITIVE_INFINITY
    const due = Math.min(first?.due ?? Number.POSITIVE_INFINITY, heartbeat)
    if (due === armedFor || (armedFor < due && armedFor !== Number.POSITIVE_INFINITY)) return
    cancel()
    armedFor = due
    if (due < Number.POSITIVE_INFINITY) cancel = clock.at(due, wake)
  }

  function wake() {
    const now = clock.now()
    stall.woke(armedFor, now)
    armedFor = Number.POSITIVE_INFINITY
    epoch = Date.now() - now
    inWake = true
    for (let entry = heap.peek(); entry && entry.due <= now + slack(entry); entry = heap.peek()) {
      heap.remove(entry)
      if (entry.running) timeUp(entry, now)
      else if (laneOf(entry).enter(entry, entry.hurry.length > 0)) start(entry, now)
      else entry.queued = true
      // After a standstill thousands may be due: what the first of them are answered is read before the last are started.
      if (clock.now() - now > TURN) break
    }
    inWake = false
    arm(now)
  }

  /** A start may come a little early, to share one turn of the loop with others; a timeout never, nor what is in a hurry. */
  function slack(entry: Entry): Millis {
    return entry.running || entry.hurry.length > 0 ? 0 : Math.min(SLOT, entry.spec.fastInterval / 20)
  }

  /**
   * The clock wakes us after the poll phase: an answer that came in time has been read. Only a standstill that took a good
   * part of the attempt (the connect was seen at its end, the answer could not be) moves its deadline, and only once.
   */
  function timeUp(entry: Entry, now: Millis) {
    const { timeout } = entry.spec
    const pause = entry.moved ? 0 : stall.longestSince(entry.started)
    const deadline = Math.min(entry.started + timeout + pause, now + timeout)
    if (pause > timeout * MISSED && deadline > now) {
      entry.moved = true
      return heap.schedule(entry, deadline)
    }
    if (entry.attempt.signal.aborted) return settle(entry, entry.turn, stuck, false)
    heap.schedule(entry, now + GRACE)
    entry.attempt.abort()
  }

  function laneOf(entry: Entry) {
    return entry.spec.probe.kind === 'exec' ? programs : network
  }

  function start(entry: Entry, now: Millis) {
    lag.add(now - entry.due)
    counters.attempts++
    const urgent = entry.hurry.length > 0
    entry.queued = false
    entry.hurry = entry.hurry.filter(time => time > now)
    entry.started = now
    entry.base = Math.max(now, entry.due)
    entry.moved = false
    // One for many attempts: a probe takes its listener away when it settles, and only a timeout uses it up.
    if (entry.attempt.signal.aborted) entry.attempt = new AbortController()
    const { attempt } = entry
    entry.running = attempt
    heap.schedule(entry, now + entry.spec.timeout)
    const turn = ++entry.turn
    entry.probe(entry.target, attempt.signal).then(
      outcome => settle(entry, turn, outcome, urgent),
      // A probe never rejects: this one has a fault of ours, which must not look like one of the server's.
      error => settle(entry, turn, failed('local-error', 'SOCKERR', String(error)), urgent),
    )
  }

  function settle(entry: Entry, turn: number, found: Outcome, urgent: boolean) {
    // Given up on before it came.
    if (turn !== entry.turn || !entry.running) return
    const now = clock.now()
    const lane = laneOf(entry)
    lane.leave()
    entry.running = undefined
    fill(lane, now)
    if (entry.removed) return
    const outcome = excused(entry, entry.spec.invert ? inverted(found) : found)
    const latency = now - entry.started
    entry.history.add({ at: Math.round(epoch + entry.started), latency, outcome })
    if (outcome.passed) counters.passed++
    else if (outcome.reason === 'local-error') counters.localErrors++
    else counters.failed++
    const before = entry.health
    const final = urgent && nobodyListens(entry, outcome) && (ports.mayBeFinal?.(entry.key) ?? true)
    const again = urgent && !final && brokenOff(outcome)
    const health = again && entry.brokenOff ? before : fold(entry, outcome, final, now)
    entry.health = health
    if (isPending(before) && !isPending(health)) pendings--
    entry.byWatch = final
    // One failure in a hurry is one failure: what comes next is `fast_interval`, so that `fall` keeps its meaning; and one
    // pass of a server that is down is one pass, for `rise`. A connection that broke off is the same death once more: the looks that are left find who listens, and count no further.
    if (again) entry.brokenOff = true
    else if ((urgent && !outcome.passed) || (outcome.passed && health.verdict === 'down')) entry.hurry = []
    if (entry.spec.watch.enabled) follow(entry, health, outcome, now)
    heap.schedule(entry, dueAfter(entry, before, now, random()))
    if (!outcome.passed && outcome.reason === 'unreachable' && isContent(before)) unreachable(entry)
    ports.onResult?.(entry.key, entry.spec, outcome, latency)
    if (health.verdict !== before.verdict) changed(entry, before.verdict, health.verdict, now)
    arm(now)
  }

  /** Starts what waits in line, as far as there is room. */
  function fill(lane: typeof network, now: Millis) {
    for (let next = lane.next(); next; next = lane.next()) {
      if (next.removed) lane.leave()
      else start(next, now)
    }
  }

  /** Other limits from now on. Nothing that runs is touched, but watch connections that are too many. */
  function limit({ maxInFlight, maxPrograms, watchBudget }: Limits) {
    network.resize(maxInFlight)
    programs.resize(maxPrograms)
    watch?.limit(watchBudget)
    const now = clock.now()
    fill(network, now)
    fill(programs, now)
    arm(now)
  }

  function follow(entry: Entry, health: Health, outcome: Outcome, now: Millis) {
    // A connect to the real server says nothing of the clients' way to it.
    const direct = entry.spec.probe.kind !== 'client-path'
    if (direct && health.verdict === 'down' && nobodyThere(outcome) && !isHeld(entry, now))
      knocks?.nobody(entry.target, entry.key, entry.spec, now)
    else if (outcome.passed || outcome.reason !== 'local-error') knocks?.leave(entry.target, entry.key)
    if (health.verdict === 'down') watch?.leave(entry.target, entry.key)
    else if (outcome.passed && health.verdict === 'up') watch?.passed(entry.target, entry.key, entry.spec, now)
  }

  function onSign(keys: Iterable<string>, kind: 'sudden' | 'usual') {
    for (const key of keys) hasty(key, true, kind === 'usual' ? HURRY.slice(0, 1) : HURRY)
  }

  /** Somebody answers again. An attempt under way would wait for its own lost packet to be sent again. */
  function onAnswer(keys: Iterable<string>) {
    for (const key of keys) {
      const entry = entries.get(key)
      if (!entry) continue
      if (entry.running && !entry.removed) abandon(entry)
      hasty(key, false, HURRY.slice(0, 1))
    }
  }

  /** Its outcome, when it comes, is of no interest. */
  function abandon(entry: Entry) {
    const { running } = entry
    const lane = laneOf(entry)
    entry.turn++
    entry.running = undefined
    lane.leave()
    running?.abort()
    fill(lane, clock.now())
  }

  /** An ICMP unreachable met this check first: every other one of the address hurries, while it still knows nothing. */
  function unreachable(entry: Entry) {
    for (const other of byAddress.at(entry.target.address))
      if (other !== entry && isContent(other.health)) hasty(other.key, false)
  }

  function changed(entry: Entry, from: Verdict, to: Verdict, now: Millis) {
    entry.since = Date.now()
    counters.verdicts++
    if (to === 'down') {
      entry.resumed = false
      if (entry.spec.damping && from === 'up') entry.damping = fell(entry.damping, entry.spec.damping, now)
    }
    ports.onVerdict({ key: entry.key, from, to, because: entry.history.last() })
  }

  function excused(entry: Entry, outcome: Outcome): Outcome {
    if (outcome.passed || outcome.reason === 'local-error') return outcome
    const excuse = ports.excuse?.(entry.target, outcome)
    return excuse === undefined ? outcome : failed('local-error', 'SOCKERR', excuse)
  }

  /** Checks now and again after the pauses. `final`: a refusal among them needs no `fall`, if the check says so. */
  function hasty(key: string, final = true, pauses: readonly Millis[] = HURRY) {
    const entry = entries.get(key)
    if (!entry) return
    const now = clock.now()
    entry.hurry = pauses.map(pause => now + pause)
    entry.brokenOff = false
    entry.final = final && entry.spec.watch.final
    if (!entry.running && !entry.queued) heap.schedule(entry, Math.min(entry.due, now))
    arm(now)
  }

  /** The same for every check of an address: a failing neighbour entry. No refusal is final here. */
  function hastyAddress(address: string) {
    for (const entry of byAddress.at(address)) hasty(entry.key, false)
  }

  /** The address answers again, says the kernel: one look of each check that found nobody there. */
  function back(address: string) {
    for (const entry of byAddress.at(address)) {
      const last = entry.history.last()
      if (entry.health.verdict === 'down' && last && nobodyThere(last.outcome))
        hasty(entry.key, false, HURRY.slice(0, 1))
    }
  }

  /** An operator's word: a check with manual resume may come up again. */
  function resume(key: string) {
    const entry = entries.get(key)
    if (entry?.health.verdict !== 'down') return
    entry.resumed = true
    hasty(key, false)
  }

  function stop() {
    cancel()
    armedFor = Number.POSITIVE_INFINITY
    for (const entry of entries.values()) remove(entry)
    watch?.stop()
    knocks?.stop()
  }

  function metrics() {
    const now = clock.now()
    const oldest = [network.oldest(), programs.oldest()].map(entry => (entry ? now - entry.due : 0))
    return {
      ...counters,
      checks: entries.size,
      inFlight: network.running() + programs.running(),
      queued: network.waiting() + programs.waiting(),
      /** How long the first in line has been due, ms. */
      queueAge: Math.max(...oldest),
      watch: watch?.metrics() ?? { held: 0, over: 0, signs: 0, wanted: 0, lacking: 0, budget: 0 },
      /** Addresses that are knocked at, and knocks since the start. */
      knocks: knocks?.metrics() ?? { targets: 0, made: 0, open: 0 },
      /** From due to start, ms. */
      lag: { p50: lag.quantile(0.5), p99: lag.quantile(0.99), max: lag.max() },
      /** How long our own loop stood still while attempts were in flight, ms in all. */
      stalled: stall.total(),
    }
  }

  return {
    set,
    change,
    limit,
    hasty,
    hastyAddress,
    back,
    resume,
    stop,
    pending: () => pendings,
    metrics,
    /** Starts the quantiles of the lag anew. */
    resetLag: lag.reset,
    /** Out of the table by a refusal after a dying connection alone; the next failure confirms it. */
    byWatch: (key: string): boolean => entries.get(key)?.byWatch ?? false,
    health: (key: string): Health | undefined => entries.get(key)?.health,
    /** Everything that is known of one check, for `status` and `explain`. */
    report(key: string) {
      const entry = entries.get(key)
      const down = entry?.health.verdict === 'down'
      return entry?.report(clock.now, down ? knocks?.of(entry.target) : undefined)
    },
  }
}

export type Monitor = ReturnType<typeof createMonitor>

const isPending = ({ verdict, provisional }: Health): boolean => verdict === 'unknown' || provisional === true

/** Up, and nothing has spoken against it. */
function isContent({ verdict, streak }: Health): boolean {
  return verdict === 'up' && streak === 0
}
