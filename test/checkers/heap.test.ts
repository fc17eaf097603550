import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createHeap } from '../../checkers/heap.js'

test('whatever is scheduled, moved and removed, the earliest is on top', () => {
  const operation = fc.tuple(fc.nat(20), fc.option(fc.nat(1000)))
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), operations => {
      const heap = createHeap<{ due: number; slot: number }>()
      const items = Array.from({ length: 21 }, () => ({ due: 0, slot: -1 }))
      const model = new Map<number, number>()
      for (const [index, due] of operations) {
        if (due === null) {
          heap.remove(items[index]!)
          model.delete(index)
        } else {
          heap.schedule(items[index]!, due)
          model.set(index, due)
        }
        expect(heap.size()).toBe(model.size)
        expect(heap.peek()?.due).toBe(model.size === 0 ? undefined : Math.min(...model.values()))
      }
    }),
  )
})
