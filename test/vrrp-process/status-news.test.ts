import { describe, expect, test } from 'vitest'
import type { RouterStatus } from '../../src/messages.js'
import { type StatusNews, statusNews, withNumbers } from '../../src/vrrp/status-news.js'

const status = (changes: Partial<RouterStatus> = {}): RouterStatus => ({
  ...{ name: 'web', vrid: 51, interface: 'eth0', family: 4, version: 3, state: 'backup', since: 1, cause: 'startup' },
  priority: { base: 100, effective: 100, contributions: [{ source: 'interface eth1', value: 0, reason: 'up' }] },
  ...{ advertInterval: 1000, vips: ['10.9.0.100/32'], faults: [], timeline: [], lastAdvert: 5 },
  counters: { 'advertisement-rcvd': 1, 'checksum-plain': 0 },
  lateness: { buckets: [{ le: 1, count: 1 }], sum: 0, count: 1 },
  interarrival: { buckets: [{ le: 1.1, count: 1 }], sum: 1, count: 1 },
  ...changes,
})

/** All routers looked at in one go. */
function ofAll(news: ReturnType<typeof statusNews>, statuses: readonly RouterStatus[]): StatusNews {
  statuses.forEach(news.look)
  return news.take()
}

/** What somebody knows who hears all the news. */
function listener() {
  const known = new Map<string, RouterStatus>()
  return {
    known,
    hear({ routers, numbers }: StatusNews) {
      for (const router of routers) known.set(router.name, router)
      for (const one of numbers) known.set(one.name, withNumbers(known.get(one.name)!, one))
    },
  }
}

describe('the news of the routers', () => {
  test('are the whole of one that was not told yet, and nothing of one that is as it was', () => {
    const news = statusNews()
    expect(ofAll(news, [status()])).toEqual({ routers: [status()], numbers: [] })
    expect(ofAll(news, [status()])).toEqual({ routers: [], numbers: [] })
  })

  test('are the numbers alone where only they have changed', () => {
    const news = statusNews()
    ofAll(news, [status()])
    const later = status({ lastAdvert: 6, counters: { 'advertisement-rcvd': 2, 'checksum-plain': 0 } })
    expect(ofAll(news, [later])).toEqual({
      routers: [],
      numbers: [{ name: 'web', lastAdvert: 6, counters: { 'advertisement-rcvd': 2 } }],
    })
  })

  test('are the whole again when anything else has changed, when it came back, and for somebody new', () => {
    const news = statusNews()
    ofAll(news, [status()])
    const fault = status({ state: 'fault', faults: ['interface eth1 is down'] })
    expect(ofAll(news, [fault]).routers).toEqual([fault])
    ofAll(news, [])
    expect(ofAll(news, [fault]).routers).toEqual([fault])
    news.forget()
    expect(ofAll(news, [fault]).routers).toEqual([fault])
  })

  test.each<[string, Partial<RouterStatus>]>([
    [
      'a contribution',
      { priority: { ...status().priority, contributions: [{ source: 'x', value: 0, reason: 'up' }] } },
    ],
    ['one more contribution', { priority: { ...status().priority, contributions: [] } }],
    ['another VIP', { vips: ['10.9.0.101/32'] }],
    ['one more VIP', { vips: ['10.9.0.100/32', '10.9.0.101/32'] }],
    ['a moment', { timeline: [{ at: 1, what: 'deadline' }] }],
    ['a field that was not there', { source: '10.9.0.11' }],
  ])('are the whole again after %s', (_, changes) => {
    const news = statusNews()
    ofAll(news, [status()])
    expect(ofAll(news, [status(changes)]).routers).toEqual([status(changes)])
    expect(ofAll(news, [status()]).routers).toEqual([status()])
  })

  test('leave out what was found before somebody new came, so that he is told of it as a whole the next time', () => {
    const news = statusNews()
    const [other, later] = [status({ name: 'other' }), status({ lastAdvert: 6 })]
    ofAll(news, [status(), other])
    news.look(later)
    news.forget()
    news.look(other)
    expect(news.take()).toEqual({ routers: [other], numbers: [] })
    expect(ofAll(news, [later, other])).toEqual({ routers: [later], numbers: [] })
  })

  test('leave whoever hears them knowing what the whole statuses say, whatever changes', () => {
    const news = statusNews()
    const { known, hear } = listener()
    const lateness = { buckets: [{ le: 1, count: 2 }], sum: 3, count: 2 }
    const interarrival = { buckets: [{ le: 1.1, count: 2 }], sum: 2, count: 2 }
    const { lastAdvert: _, ...silent } = status()
    const history: RouterStatus[] = [
      ...[status(), status({ lastAdvert: 7 }), status({ lastAdvert: 7, lateness, interarrival })],
      ...[status({ state: 'master', master: '10.9.0.11' }), status({ state: 'master', counters: { stalls: 1 } })],
      ...[silent, silent, status({ priority: { base: 100, effective: 60, contributions: [] } })],
    ]
    for (const now of history) {
      hear(ofAll(news, [now, status({ name: 'other' })]))
      expect({ ...known.get('web'), counters: {} }).toEqual({ ...now, counters: {} })
      expect(known.get('web')?.counters).toMatchObject(now.counters)
    }
  })
})
