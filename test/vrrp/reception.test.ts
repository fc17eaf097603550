import { describe, expect, test } from 'vitest'
import { zeroCounters } from '../../vrrp/counters.js'
import type { Note } from '../../vrrp/note.js'
import { notices } from '../../vrrp/notices.js'
import { encodeAdvert } from '../../vrrp/packet.js'
import { reception } from '../../vrrp/reception.js'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import { routerOf } from '../fakes/virtual-router.js'
import { virtualTime } from '../fakes/virtual-time.js'

function listening(changes: Partial<VirtualRouter> = {}) {
  const router = routerOf(0, [150, 100], changes)
  const time = virtualTime()
  const told: Note[] = []
  const counters = zeroCounters()
  const notice = notices('web', time.clock(), note => told.push(note))
  const incoming = reception(counters, notice, () => 1_800_000_000_000)
  const hear = (changed: { interval?: number; vips?: string[]; plain?: boolean; source?: string } = {}) => {
    const { interval = 100, vips = ['10.9.0.100'], plain = false, source = '10.9.0.12' } = changed
    const wire = { family: 4, source, destination: '224.0.0.18' } as const
    const advert = { version: 3, vrid: 51, priority: 100, interval, addresses: vips } as const
    const payload = encodeAdvert(advert, wire, { pseudoHeader: !plain })
    return incoming.take(router, { payload, source, destination: '224.0.0.18', ttl: 255 }, '10.9.0.11', time.now())
  }
  const codes = () => told.flatMap(note => (note.type === 'notice' ? [note.code] : []))
  return { hear, codes, told, counters, time, incoming }
}

describe('what looks wrong between the directors is told', () => {
  test('not when nothing is', () => {
    const { hear, codes } = listening()
    hear()
    hear()
    expect(codes()).toEqual([])
  })
  test('other VIPs, with the list', () => {
    const { hear, told, counters } = listening()
    hear({ vips: ['10.9.0.101', '10.9.0.102'] })
    expect(told).toMatchObject([{ code: 'addresses-differ', data: { addresses: '10.9.0.101 10.9.0.102' } }])
    expect(counters['address-list-error']).toBe(1)
  })
  test('another interval, from the second advert on: a single one announces a restart', () => {
    const { hear, codes } = listening()
    hear()
    hear({ interval: 1000 })
    expect(codes()).toEqual([])
    hear({ interval: 1000 })
    expect(codes()).toEqual(['interval-differs'])
  })
  test('another form of the checksum, with the profile to set', () => {
    const { hear, told } = listening()
    hear({ plain: true })
    expect(told).toMatchObject([{ code: 'checksum-form', data: { profile: 'rfc9568' } }])
    const other = listening({ profile: 'rfc9568' })
    other.hear()
    expect(other.told).toMatchObject([{ code: 'checksum-form', data: { profile: 'keepalived' } }])
  })
  test('and both forms are counted for each sender, strangers beyond a number together', () => {
    const { hear, incoming } = listening()
    hear()
    hear({ plain: true })
    hear({ plain: true, source: '10.9.0.13' })
    expect(incoming.senders()).toEqual([
      { address: '10.9.0.12', 'pseudo-header': 1, plain: 1 },
      { address: '10.9.0.13', 'pseudo-header': 0, plain: 1 },
    ])
    for (let i = 0; i < 100; i++) hear({ source: `10.9.1.${i}` })
    expect(incoming.senders()).toHaveLength(17)
    expect(incoming.senders().at(-1)).toEqual({ address: 'others', 'pseudo-header': 86, plain: 0 })
  })
  test('our own address as the sender', () => {
    const { hear, codes, counters } = listening()
    expect(hear({ source: '10.9.0.11' })).toBeUndefined()
    expect(codes()).toEqual(['own-address'])
    expect(counters['own-address']).toBe(1)
  })
  test('the same again after a minute, with the number of those left out', async () => {
    const { hear, told, time } = listening()
    for (let i = 0; i < 5; i++) hear({ plain: true })
    expect(told).toHaveLength(1)
    await time.until(61_000)
    hear({ plain: true })
    expect(told).toHaveLength(2)
    expect(told[1]).toMatchObject({ suppressed: 4 })
  })
})

describe('the histogram', () => {
  test('counts how late adverts come, cumulatively', async () => {
    const { hear, time, incoming } = listening()
    for (const wait of [100, 103, 250, 95]) {
      hear()
      await time.until(time.now() + wait)
    }
    hear()
    const { buckets, count, sum } = incoming.lateness()
    expect(count).toBe(4)
    expect(sum).toBe(153)
    expect(buckets.filter(({ le }) => [1, 5, 100, 200].includes(le)).map(one => one.count)).toEqual([2, 3, 3, 4])
  })
  test('counts the times between adverts of one master, in intervals that it announced', async () => {
    const { hear, time, incoming } = listening()
    const intervals = [100, 100, 100, 1000, 100, 100]
    const waits = [100, 103, 203, 500, 40]
    for (const [index, interval] of intervals.entries()) {
      hear({ interval })
      await time.until(time.now() + (waits[index] ?? 0))
    }
    // 1, 1.03, 2.03 (one was lost), 0.5 (of the second that the fourth announced) and 0.4 (sent too early).
    const { buckets, count, sum } = incoming.interarrival()
    expect(count).toBe(5)
    expect(sum).toBeCloseTo(4.96)
    expect(buckets.map(({ le }) => le)).toEqual([0.5, 0.9, 1.1, 1.5, 2.1, 3.1, 4.1])
    expect(buckets.map(one => one.count)).toEqual([2, 2, 4, 4, 5, 5, 5])
  })
  test('counts no time between two masters', async () => {
    const { hear, time, incoming } = listening()
    for (const source of ['10.9.0.12', '10.9.0.13', '10.9.0.12']) {
      hear({ source })
      await time.until(time.now() + 100)
    }
    expect(incoming.interarrival().count).toBe(0)
  })
})
