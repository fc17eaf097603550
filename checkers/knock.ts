import { createHeap, type Due } from './heap.js'
import type { Clock, Dial, Millis, Outcome, Stream, Target } from './ports.js'

/** Knocks of all targets together are at least so far apart, ms: of a thousand dead servers none is knocked at. */
const APART: Millis = 5
const LEAST: Millis = 50
/** Most knocks that wait for a silent host at once; each is a descriptor. */
const OPEN = 256
/** Share of the pace by which a knock may come earlier or later. */
const JITTER = 0.1

export type KnockPace = { readonly fastInterval: Millis; readonly downInterval: Millis }

type Knocked = Due & {
  readonly target: Target
  /** The checks that are made when somebody answers. */
  readonly keys: Set<string>
  readonly pace: KnockPace
  stream: Stream | undefined
  made: number
}

/** How often somebody who does not answer is knocked at, ms, and how often that was in vain. */
export type Knocks = { readonly every: Millis; readonly made: number }

/**
 * Knocks at servers that are down because nobody answered a connect: a connect alone, which costs a kernel a packet and no
 * program anything, `fast_interval` apart. Where one is answered the checks follow at once. It is a sign, never a verdict.
 */
export function createKnocks({
  clock,
  random,
  dial,
  onAnswer,
}: {
  readonly clock: Clock
  readonly random: () => number
  readonly dial: Dial
  readonly onAnswer: (keys: Iterable<string>) => void
}) {
  const all = new Map<string, Knocked>()
  const heap = createHeap<Knocked>()
  /** When a knock was answered, of those whose checks have found nothing else since. */
  const answered = new Map<string, Millis>()
  let armedFor = Number.POSITIVE_INFINITY
  let cancel = () => {}
  let made = 0
  let open = 0

  /** A check found nobody: its target is knocked at until it leaves, or somebody answers. */
  function nobody(target: Target, key: string, pace: KnockPace, now: Millis) {
    const id = idOf(target)
    const known = all.get(id)
    if (known) return void known.keys.add(key)
    const one: Knocked = { due: 0, slot: -1, target, keys: new Set([key]), pace, stream: undefined, made: 0 }
    all.set(id, one)
    // A knock that was answered where the check then found nobody was no sign: the check's own pace for once.
    const misled = now - (answered.get(id) ?? Number.NEGATIVE_INFINITY) < pace.downInterval
    heap.schedule(one, misled ? now + pace.downInterval : next(one, now))
    arm()
  }

  /** The check is gone, passes, or fails otherwise. */
  function leave(target: Target, key: string) {
    const id = idOf(target)
    answered.delete(id)
    const one = all.get(id)
    if (one?.keys.delete(key) && one.keys.size === 0) drop(one)
  }

  function drop(one: Knocked) {
    all.delete(idOf(one.target))
    heap.remove(one)
    hangUp(one)
  }

  function hangUp(one: Knocked) {
    const { stream } = one
    if (!stream) return
    one.stream = undefined
    open--
    stream.close('fin')
  }

  function period({ pace }: Knocked): Millis {
    return Math.max(LEAST, pace.fastInterval, all.size * APART)
  }

  function next(one: Knocked, now: Millis): Millis {
    return now + period(one) * (1 + JITTER * (2 * random() - 1))
  }

  function arm() {
    const due = heap.peek()?.due ?? Number.POSITIVE_INFINITY
    if (due >= armedFor) return
    cancel()
    armedFor = due
    cancel = clock.at(due, wake)
  }

  function wake() {
    armedFor = Number.POSITIVE_INFINITY
    const now = clock.now()
    for (let one = heap.peek(); one && one.due <= now; one = heap.peek()) {
      heap.schedule(one, next(one, now))
      knock(one)
    }
    arm()
  }

  function knock(one: Knocked) {
    hangUp(one)
    // Its check comes as soon.
    if (period(one) >= one.pace.downInterval || open >= OPEN) return
    made++
    one.made++
    open++
    const mine = (act: () => void) => () => {
      if (one.stream === stream) act()
    }
    const over = mine(() => {
      one.stream = undefined
      open--
    })
    const stream = dial(one.target, {
      connected: mine(() => {
        drop(one)
        answered.set(idOf(one.target), clock.now())
        onAnswer(one.keys)
      }),
      data() {},
      ended: over,
      failed: over,
    })
    one.stream = stream
  }

  return {
    nobody,
    leave,
    stop() {
      cancel()
      armedFor = Number.POSITIVE_INFINITY
      for (const one of all.values()) drop(one)
      answered.clear()
    },
    /** undefined: nobody is knocked at there. */
    of(target: Target): Knocks | undefined {
      const one = all.get(idOf(target))
      if (!one || period(one) >= one.pace.downInterval) return undefined
      return { every: period(one), made: one.made }
    },
    metrics: () => ({ targets: all.size, made, open }),
  }
}

/** No connection came about, and not for a reason of ours: refused, unreachable, silence. */
export function nobodyThere(outcome: Outcome): boolean {
  return !outcome.passed && (outcome.layer === 'L4CON' || outcome.layer === 'L4TOUT')
}

function idOf({ address, port }: Target): string {
  return `${address} ${port}`
}
