/** A cap on what runs at once, with the rest waiting in order; urgent ones wait in a line of their own. */
export function createLane<T>(most: number) {
  let cap = most
  const lines: [T[], T[]] = [[], []]
  const heads = [0, 0]
  let running = 0

  function shift(line: 0 | 1): T | undefined {
    const head = heads[line] ?? 0
    const item = lines[line][head]
    if (item === undefined) return undefined
    heads[line] = head + 1
    if (head > 1000 && head * 2 > lines[line].length) {
      lines[line] = lines[line].slice(head + 1)
      heads[line] = 0
    }
    return item
  }

  return {
    /** true: a place is taken; false: it waits. */
    enter(item: T, urgent: boolean): boolean {
      if (running < cap) {
        running++
        return true
      }
      lines[urgent ? 0 : 1].push(item)
      return false
    },
    /** Another cap from now on; what runs beyond it ends as it would have. */
    resize(next: number) {
      cap = next
    },
    /** Gives the place back. */
    leave() {
      running--
    },
    /** The next in line with a place taken for it, if there is one and room for it. */
    next(): T | undefined {
      if (running >= cap) return undefined
      const item = shift(0) ?? shift(1)
      if (item !== undefined) running++
      return item
    },
    oldest: (): T | undefined => lines[0][heads[0] ?? 0] ?? lines[1][heads[1] ?? 0],
    waiting: () => lines[0].length - (heads[0] ?? 0) + lines[1].length - (heads[1] ?? 0),
    running: () => running,
  }
}
