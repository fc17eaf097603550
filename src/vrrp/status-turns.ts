/** Where the routers' statuses come from, and who takes them. */
export type StatusTurnsPorts<Status> = {
  names(): readonly string[]
  /** undefined: it is gone meanwhile. */
  status(name: string): Status | undefined
  each(status: Status): void
  /** All of them have been read. */
  done(): void
  /** Calls back when packets that wait have been read and deadlines kept: setImmediate. */
  turn(next: () => void): void
}

/** With so many at a time a turn of the loop takes a fraction of a millisecond. */
const perTurn = 16

/**
 * Reads the statuses of all routers, some in each turn of the loop: 255 at once would keep adverts waiting for milliseconds. Who asks while
 * that goes on has it begun once more afterwards, since what was read may have changed.
 */
export function statusTurns<Status>(ports: StatusTurnsPorts<Status>): () => void {
  let reading = false
  let again = false

  return function begin(): void {
    again = reading
    if (reading) return
    reading = true
    go(ports.names(), 0)
  }

  function go(names: readonly string[], from: number): void {
    for (const name of names.slice(from, from + perTurn)) {
      const status = ports.status(name)
      if (status !== undefined) ports.each(status)
    }
    if (from + perTurn < names.length) return ports.turn(() => go(names, from + perTurn))
    ports.done()
    reading = again
    again = false
    if (reading) ports.turn(() => go(ports.names(), 0))
  }
}
