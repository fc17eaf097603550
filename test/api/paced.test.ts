import { describe, expect, test } from 'vitest'
import { paced } from '../../src/api/paced.js'

/** Something that takes `cost` ms to make, and counts how often it was made. */
function costly(cost: number) {
  let time = 0
  let made = 0
  const make = () => {
    time += cost
    return ++made
  }
  return { ...paced(make, () => time), wait: (ms: number) => (time += ms), time: () => time }
}

describe('an answer that is paced', () => {
  test('is always fresh when it costs nothing', () => {
    const { get } = costly(0)
    expect([get(), get(), get()]).toEqual([1, 2, 3])
  })

  test('is given again for nine times as long as it took', () => {
    const { get, wait } = costly(50)
    expect([get(), get()]).toEqual([1, 1])
    wait(449)
    expect(get()).toBe(1)
    wait(1)
    expect(get()).toBe(2)
  })

  test('takes at most a tenth of the time, however often it is asked for', () => {
    const { get, wait, time } = costly(50)
    let last = 0
    while (time() < 60_000) {
      last = get()
      wait(1)
    }
    expect((last * 50) / time()).toBeLessThanOrEqual(0.11)
  })

  test('is made anew after a change', () => {
    const { get, forget } = costly(50)
    get()
    forget()
    expect(get()).toBe(2)
  })
})
