/**
 * Calls `act` once when the signal aborts; returns how to take that back. A signal lives for many attempts, one after another:
 * it gets one listener, for ever, and what changes with each attempt costs no EventTarget.
 */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const acts = waiting.get(signal) ?? listen(signal)
  acts.add(act)
  return () => acts.delete(act)
}

const waiting = new WeakMap<AbortSignal, Set<() => void>>()

function listen(signal: AbortSignal): Set<() => void> {
  const acts = new Set<() => void>()
  waiting.set(signal, acts)
  signal.addEventListener(
    'abort',
    () => {
      const due = [...acts]
      acts.clear()
      for (const act of due) act()
    },
    { once: true },
  )
  return acts
}
