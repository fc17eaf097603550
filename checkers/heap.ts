/** Something that is due at a time. `slot` belongs to the heap: its place there, -1 outside. */
export type Due = { due: number; slot: number }

/** A binary heap by `due` that can move and remove its members: one timer for ten thousand deadlines. */
export function createHeap<T extends Due>() {
  const items: T[] = []

  function put(item: T, slot: number) {
    items[slot] = item
    item.slot = slot
  }

  function up(item: T, from: number) {
    let slot = from
    while (slot > 0) {
      const parent = (slot - 1) >> 1
      const above = items[parent]
      if (!above || above.due <= item.due) break
      put(above, slot)
      slot = parent
    }
    put(item, slot)
  }

  function down(item: T, from: number) {
    let slot = from
    for (;;) {
      let child = 2 * slot + 1
      let below = items[child]
      const right = items[child + 1]
      if (below && right && right.due < below.due) {
        below = right
        child++
      }
      if (!below || below.due >= item.due) break
      put(below, slot)
      slot = child
    }
    put(item, slot)
  }

  return {
    peek: (): T | undefined => items[0],
    size: () => items.length,
    /** Adds the item, or moves it to its new time. */
    schedule(item: T, due: number) {
      const later = due > item.due
      item.due = due
      if (item.slot < 0) up(item, items.length)
      else if (later) down(item, item.slot)
      else up(item, item.slot)
    },
    remove(item: T) {
      const { slot } = item
      if (slot < 0) return
      item.slot = -1
      const last = items.pop()
      if (!last || last === item) return
      if (last.due > item.due) down(last, slot)
      else up(last, slot)
    },
  }
}
