/**
 * Calls `act` once when the signal aborts; returns how to take that back. A signal lives for many attempts, one after another:
 * it gets one listener, for ever, and what changes with each attempt costs no EventTarget. An array, in which there are one or two: a
 * Set that is added to and taken from for ever leaves tables behind that keep the attempts of before (src/linux/batch-dial.ts).
 */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const acts = waiting.get(signal) ?? listen(signal)
  acts.push(act)
  return () => {
    const at = acts.indexOf(act)
    if (at >= 0) acts.splice(at, 1)
  }
}

const waiting = new WeakMap<AbortSignal, (() => void)[]>()

function listen(signal: AbortSignal): (() => void)[] {
  const acts: (() => void)[] = []
  waiting.set(signal, acts)
  signal.addEventListener(
    'abort',
    () => {
      for (const act of acts.splice(0)) act()
    },
    { once: true },
  )
  return acts
}
