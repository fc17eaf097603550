/** setTimeout counts in 31 bits of ms. */
const longest = 2 ** 31 - 1

/** One timer for an instant that may be weeks away, told by `Date.now()`. */
export function createTimer(due: () => void) {
  let timer: NodeJS.Timeout | undefined

  function arm(at: number): void {
    const left = Math.max(0, at - Date.now())
    timer = setTimeout(() => (Date.now() < at ? arm(at) : due()), Math.min(longest, left))
  }

  return {
    /** Replaces the instant before; undefined: never. */
    set(at: number | undefined): void {
      clearTimeout(timer)
      if (at !== undefined) arm(at)
    },
  }
}
