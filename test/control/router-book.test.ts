import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createRouterBook } from '../../src/control/router-book.js'
import type { RouterStatus } from '../../src/messages.js'
import { status } from '../status/samples.js'

const [web] = status().routers as [RouterStatus]

function book() {
  const done: string[] = []
  const routers = new Map<string, RouterStatus>()
  const config = { routers: [{ name: web.name }] } as never
  const it = createRouterBook(
    { routers, config },
    { introduce: () => void done.push('introduce'), changed: () => void done.push('changed') },
  )
  return { it, routers, took: () => done.splice(0) }
}

describe('what vrrp says of its routers', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('is kept, its numbers are put in, and a router that the file does not name any more is forgotten', () => {
    const { it, routers, took } = book()
    it.heard({ routers: [web, { ...web, name: 'old' }], numbers: [] })
    expect([...routers.keys()]).toEqual([web.name])
    it.heard({
      routers: [],
      numbers: [
        { name: web.name, lastAdvert: 7 },
        { name: 'old', lastAdvert: 7 },
      ],
    })
    expect(routers.get(web.name)).toEqual({ ...web, lastAdvert: 7 })
    expect(took()).toEqual(['changed', 'changed'])
  })

  test('stands while a spare goes on in time; without one every router is in fault, until vrrp has told all anew', () => {
    const { it, routers, took } = book()
    it.heard({ routers: [web], numbers: [] })
    it.died()
    vi.advanceTimersByTime(299)
    it.heard({ routers: [web], numbers: [] })
    vi.advanceTimersByTime(1_000)
    expect(routers.get(web.name)).toEqual(web)
    it.died()
    took()
    vi.advanceTimersByTime(300)
    expect(routers.get(web.name)).toMatchObject({ state: 'fault', faults: ['the vrrp process is dead'] })
    expect(routers.get(web.name)).not.toHaveProperty('master')
    it.heard({ routers: [web], numbers: [] })
    it.heard({ routers: [web], numbers: [] })
    expect(routers.get(web.name)).toEqual(web)
    expect(took()).toEqual(['changed', 'introduce', 'changed', 'changed'])
  })
})
