export type Lag = {
  /** Call every `period` ms, and hand over the time. */
  beat(now: number): void
  /** The longest lateness of a beat in the last ten seconds, ms. */
  read(now: number): number
}

const remembered = 10_000

/** How late this process' loop is: what keeps a beat from coming in time keeps an advert as well. */
export function loopLag(period: number): Lag {
  /** Falling lateness: an entry ends all before it that are not greater. */
  const peaks: { at: number; late: number }[] = []
  let last: number | undefined

  return {
    beat(now) {
      const late = last === undefined ? 0 : Math.max(0, now - last - period)
      last = now
      while ((peaks.at(-1)?.late ?? Number.POSITIVE_INFINITY) <= late) peaks.pop()
      peaks.push({ at: now, late })
      forget(now)
    },
    read(now) {
      forget(now)
      return peaks[0]?.late ?? 0
    },
  }

  function forget(now: number) {
    while (now - (peaks[0]?.at ?? now) > remembered) peaks.shift()
  }
}
