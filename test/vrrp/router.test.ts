import { describe, expect, test } from 'vitest'
import { encodeAdvert } from '../../vrrp/packet.js'
import { acquaint, fakeSegment, LIFETIME } from '../fakes/segment.js'

const START = 1000

async function pair(changes = {}, priorities = [150, 100]) {
  const segment = fakeSegment(priorities, changes)
  for (const director of segment.directors) director.start()
  await segment.until(START + 1000)
  return segment
}

describe('a pair of directors', () => {
  test('elects the better one, which alone holds the VIP', async () => {
    const segment = await pair()
    expect(segment.masters()).toEqual(['d1'])
    expect(segment.holders()).toEqual(['d1'])
  })

  test('takes over 3 intervals and its skew after the last advert, advert first, then VIP, then announcement', async () => {
    const segment = await pair()
    const last = segment.seen.filter(({ director, what }) => director === 0 && what.startsWith('advert')).at(-1)!
    segment.directors[0]!.crash()
    segment.carry(from => (from === 0 ? undefined : 0.2))
    await segment.until(last.at + 0.2 + 300 + 60.9)
    expect(segment.masters()).not.toContain('d2')
    await segment.until(last.at + 0.2 + 300 + 61)
    expect(segment.directors[1]!.handle()!.status()).toMatchObject({ state: 'master', cause: 'no-response' })
    expect(segment.story(last.at + 300).filter(line => line.startsWith('d2'))).toEqual([
      'd2 advert 100',
      'd2 claim',
      'd2 announce',
    ])
  })

  test('takes over 3 intervals and 2 ms after the last advert where the other is known to obey ranks', async () => {
    const segment = await pair()
    acquaint(segment)
    await segment.until(START + 2000)
    const last = segment.seen.filter(({ director, what }) => director === 0 && what.startsWith('advert')).at(-1)!
    segment.directors[0]!.crash()
    segment.carry(from => (from === 0 ? undefined : 0.2))
    await segment.until(last.at + 0.2 + 300 + 2.1)
    expect(segment.directors[1]!.handle()!.status().state).toBe('master')
  })

  test('claims a VIP that was removed at once, and once more when the pause is over whatever was removed meanwhile', async () => {
    const segment = await pair()
    await segment.until(START + 7000)
    const since = segment.time.now()
    const { vipLost } = segment.directors[0]!.handle()!
    for (const after of [0, 200, 400]) {
      await segment.until(since + after)
      vipLost('10.9.0.100')
    }
    const claims = () =>
      segment.seen.filter(({ at, what }) => at >= since && what === 'claim').map(({ at }) => at - since)
    await segment.until(since + 900)
    expect(claims()).toEqual([0])
    await segment.until(since + 5000)
    expect(claims()).toEqual([0, 1000])
    expect(segment.directors[0]!.handle()!.counters()['vip-lost']).toBe(3)
  })

  test('whose better one owns the VIP adds and removes only what it does not advertise', async () => {
    const excludedVips = [{ address: '10.9.0.101', prefix: 32, interface: 'eth0' }]
    const segment = await pair({ excludedVips }, [255, 100])
    const [d1, d2] = segment.directors
    expect([...d1!.held]).toEqual(['10.9.0.101'])
    expect(d1!.handle()!.held()?.vips).toEqual(excludedVips)
    // Renewed with its adverts.
    await segment.until(START + 1000 + 2 * LIFETIME)
    expect(d1!.lease.until).toBeGreaterThan(segment.time.now())
    void d1!.handle()!.leave('stop')
    await segment.until(segment.time.now() + 1000)
    expect([...d1!.held]).toEqual([])
    expect([...d2!.held]).toEqual(['10.9.0.100', '10.9.0.101'])
  })

  test('whose better one owns the VIP and has nothing else adds none, and nobody is to withdraw any', async () => {
    const segment = await pair({}, [255, 100])
    const [owner] = segment.directors
    expect(segment.masters()).toEqual(['d1'])
    expect([...owner!.held]).toEqual([])
    expect(owner!.handle()!.held()).toBeUndefined()
    // The segment learns its MAC all the same.
    expect(segment.story()).toContain('d1 announce')
  })

  test('announces in five rounds, and in five more after five seconds', async () => {
    const segment = await pair()
    expect(segment.story().filter(line => line === 'd1 announce')).toHaveLength(5)
    await segment.until(START + 7000)
    expect(segment.story().filter(line => line === 'd1 announce')).toHaveLength(10)
  })

  test('refreshes its announcements when asked to', async () => {
    const garp = { repeat: 1, delay: 0, refresh: 1000, refreshRepeat: 2, lowerPriorityRepeat: 1, lowerPriorityDelay: 0 }
    const segment = await pair({ garp })
    const before = segment.story().filter(line => line === 'd1 announce').length
    await segment.until(START + 4000)
    expect(segment.story().filter(line => line === 'd1 announce').length - before).toBe(6)
  })

  test.each([100, 1000, 2500, 40_000])(
    'renews its VIPs at least once a second, whatever the interval (%d ms), and whatever it was before',
    async advertInterval => {
      const { directors, time, until } = fakeSegment([150], { advertInterval: 1000 })
      const [director] = directors
      const handle = director!.start()
      await until(START + 10_000)
      handle.reconfigure({ ...director!.config, advertInterval })
      const renewals = new Set<number>()
      for (const end = time.now() + 20_000; time.now() < end; ) {
        await until(time.now() + 50)
        expect(director!.lease.until - time.now()).toBeGreaterThan(LIFETIME - 1_060)
        renewals.add(director!.lease.until)
      }
      // Not by two of them: adverts that are frequent enough need no timer beside them.
      if (advertInterval === 1000) expect(renewals.size).toBeLessThan(23)
    },
  )

  test('announces again when a bridge or bond has changed, but only where it is master', async () => {
    const segment = await pair()
    await segment.until(START + 7000)
    const count = (name: string) => segment.story().filter(line => line === `${name} announce`).length
    const before = [count('d1'), count('d2')]
    for (const director of segment.directors) director.handle()!.reannounce()
    await segment.until(START + 7100)
    expect([count('d1'), count('d2')]).toEqual([before[0]! + 5, before[1]])
  })

  test('hands over on stop: the taker has the VIP before the leaver lets it go', async () => {
    const segment = await pair()
    acquaint(segment)
    const at = segment.time.now()
    const done = segment.directors[0]!.handle()!.leave('stop')
    await segment.until(at + 20)
    await done
    const story = segment.story(at)
    expect(story.slice(0, 2)).toEqual(['d1 advert 0', 'd2 advert 100'])
    expect(story.indexOf('d2 claim')).toBeLessThan(story.indexOf('d1 release'))
    expect(segment.masters()).toEqual(['d2'])
    expect(segment.holders()).toEqual(['d2'])
  })

  test('a stop with nobody left ends all the same, within the patience for a taker', async () => {
    const segment = await pair()
    segment.directors[1]!.crash()
    const at = segment.time.now()
    let ended = false
    segment.directors[0]!.handle()!
      .leave('stop')
      .then(() => {
        ended = true
      })
    await segment.until(at + 131)
    expect(ended).toBe(true)
    expect(segment.holders()).toEqual([])
  })

  test('a restart keeps the VIP, announces a second, and the next process goes on', async () => {
    const segment = await pair()
    const at = segment.time.now()
    const done = segment.directors[0]!.handle()!.leave('restart')
    await segment.until(at + 1)
    await done
    segment.directors[0]!.crash()
    expect(segment.holders()).toEqual(['d1'])
    expect(segment.seen.at(-1)!.bytes!.readUInt16BE(4)).toBe(100)
    await segment.until(at + 2500)
    expect(segment.masters()).toEqual([])
    segment.directors[0]!.start({ resume: { silence: 2500 } })
    expect(segment.masters()).toEqual([])
    await segment.until(at + 4000)
    expect(segment.masters().length).toBe(1)
  })

  test('a process that comes back within the patience goes on with an advert at once', async () => {
    const segment = await pair()
    segment.directors[0]!.crash()
    await segment.until(START + 1200)
    segment.directors[0]!.start({ resume: { silence: 250 } })
    expect(segment.directors[0]!.handle()!.status()).toMatchObject({ state: 'master', cause: 'resumed' })
    expect(segment.story(START + 1200)[0]).toBe('d1 advert 150')
    await segment.until(START + 2000)
    expect(segment.masters()).toEqual(['d1'])
    expect(segment.directors[1]!.notes.filter(note => note.type === 'state')).toHaveLength(1)
  })
})

describe('a planned hand-over', () => {
  test('gives the VIP to the other, stays behind it with priority 1, and says so', async () => {
    const segment = await pair()
    acquaint(segment)
    const at = segment.time.now()
    const result = segment.directors[0]!.handle()!.failover({ back: false, author: 'root', reason: 'kernel update' })
    await segment.until(at + 20)
    expect(await result).toEqual({ done: true, to: '10.9.0.12' })
    await segment.until(at + 5000)
    expect(segment.masters()).toEqual(['d2'])
    expect(segment.directors[0]!.handle()!.status()).toMatchObject({
      state: 'backup',
      cause: 'handed-over',
      priority: { base: 150, effective: 1 },
      behind: { author: 'root', reason: 'kernel update' },
    })
  })

  test('is given back at once', async () => {
    const segment = await pair({ preempt: { mode: 'never' } })
    const handle = segment.directors[0]!.handle()!
    const first = handle.failover({ back: false, author: 'root' })
    await segment.until(START + 1500)
    expect(await first).toMatchObject({ done: true })
    expect(await handle.failover({ back: true, author: 'root' })).toEqual({ done: true })
    await segment.until(START + 1510)
    expect(segment.masters()).toEqual(['d1'])
    expect(segment.holders()).toEqual(['d1'])
    expect(handle.status().behind).toBeUndefined()
  })

  test('is taken back when nobody advertises, and the VIP never went away', async () => {
    const segment = await pair()
    segment.directors[1]!.crash()
    const at = segment.time.now()
    const result = segment.directors[0]!.handle()!.failover({ back: false, author: 'root' })
    await segment.until(at + 200)
    expect(await result).toEqual({ done: false, code: 'no-taker' })
    expect(segment.masters()).toEqual(['d1'])
    expect(segment.story(at)).not.toContain('d1 release')
    expect(segment.directors[0]!.handle()!.status().behind).toBeUndefined()
  })

  test('ends when the other one fails', async () => {
    const segment = await pair()
    const result = segment.directors[0]!.handle()!.failover({ back: false, author: 'root' })
    await segment.until(START + 2000)
    expect(await result).toMatchObject({ done: true })
    segment.directors[1]!.crash()
    await segment.until(START + 3000)
    expect(segment.masters()).toContain('d1')
    expect(segment.directors[0]!.handle()!.status()).toMatchObject({ state: 'master', priority: { effective: 150 } })
  })

  test('is refused by a backup, and by a director that is not behind', async () => {
    const segment = await pair()
    const backup = segment.directors[1]!.handle()!
    expect(await backup.failover({ back: false, author: 'root' })).toEqual({ done: false, code: 'not-master' })
    expect(await backup.failover({ back: true, author: 'root' })).toEqual({ done: false, code: 'not-behind' })
  })
})

describe('what the kernel refuses', () => {
  test('a VIP that cannot be added is a fault, and the other director has it', async () => {
    const segment = fakeSegment([150, 100])
    segment.directors[0]!.refuse('EPERM')
    for (const director of segment.directors) director.start()
    await segment.until(START + 2000)
    expect(segment.masters()).toEqual(['d2'])
    expect(segment.directors[0]!.handle()!.status()).toMatchObject({
      state: 'fault',
      cause: 'claim-refused',
      faults: ['claim: EPERM'],
      counters: { 'claim-refused': 1 },
    })
  })

  test('a director whose adverts the kernel refuses is no master', async () => {
    const segment = await pair()
    segment.directors[0]!.failSends('ENETDOWN')
    await segment.until(START + 2000)
    expect(segment.directors[0]!.handle()!.status()).toMatchObject({ state: 'fault', faults: ['send: ENETDOWN'] })
    expect(segment.holders()).toEqual(['d2'])
  })

  test('an interface without an address is a fault until it has one again', async () => {
    const segment = await pair()
    segment.directors[0]!.setSource(undefined)
    await segment.until(START + 2000)
    expect(segment.directors[0]!.handle()!.status().faults).toEqual(['no primary address to advertise from'])
    expect(segment.masters()).toEqual(['d2'])
    segment.directors[0]!.setSource('10.9.0.11')
    await segment.until(START + 3000)
    expect(segment.masters()).toEqual(['d1'])
  })

  test('takes the mastership from nobody while an interface of its VIPs is missing, and says which', async () => {
    const vips = ['eth0', 'eth1'].map((name, i) => ({ address: `10.9.0.10${i}`, prefix: 32, interface: name }))
    const segment = fakeSegment([150, 100], { vips })
    const links = new Map([
      ['eth0', true],
      ['eth1', true],
    ])
    for (const director of segment.directors) director.start({ links })
    await segment.until(START + 1000)
    expect(segment.masters()).toEqual(['d1'])
    const d1 = segment.directors[0]!.handle()!
    d1.linkChanged('eth1', undefined)
    await segment.until(START + 20_000)
    expect(d1.status()).toMatchObject({ state: 'fault', faults: ['interface eth1 of its VIPs is missing'] })
    expect(segment.masters()).toEqual(['d2'])
    // One that is there and down can have an address.
    d1.linkChanged('eth1', false)
    d1.ready(true)
    await segment.until(START + 22_000)
    expect(segment.masters()).toEqual(['d1'])
  })

  test('a link that goes down is a fault, and its return is the end of it', async () => {
    const segment = await pair()
    segment.directors[0]!.handle()!.linkChanged('eth0', false)
    await segment.until(START + 1100)
    expect(segment.masters()).toEqual(['d2'])
    segment.directors[0]!.handle()!.linkChanged('eth0', true)
    await segment.until(START + 4000)
    expect(segment.masters()).toEqual(['d2'])
    segment.directors[0]!.handle()!.ready(true)
    await segment.until(START + 5000)
    expect(segment.masters()).toEqual(['d1'])
  })

  test('a link that came back makes it wait for new verdicts, but for 10 s at most', async () => {
    const segment = await pair()
    segment.directors[0]!.handle()!.linkChanged('eth0', false)
    await segment.until(START + 2000)
    segment.directors[0]!.handle()!.linkChanged('eth0', true)
    expect(segment.directors[0]!.handle()!.explain()).toContain(
      'It has not followed a master since it started to listen.',
    )
    await segment.until(START + 11_900)
    expect(segment.masters()).toEqual(['d2'])
    expect(segment.directors[0]!.handle()!.explain().slice(0, 2)).toEqual([
      '10.9.0.12 is master with priority 100, less than our 150.',
      'Its own table or connection sync is not complete: it waits for that, 0.10 s at most.',
    ])
    await segment.until(START + 12_500)
    expect(segment.masters()).toEqual(['d1'])
  })
})

describe('garbage', () => {
  test('is counted by reason, told once a minute, and moves nothing', async () => {
    const segment = await pair()
    const { handle, notes } = segment.directors[1]!
    const advert = { version: 3, vrid: 51, priority: 200, interval: 100, addresses: ['10.9.0.100'] } as const
    const wire = { family: 4, source: '10.9.0.66', destination: '224.0.0.18' } as const
    const good = encodeAdvert(advert, wire, { pseudoHeader: true })
    const bad = Buffer.from(good)
    bad[2] = 201
    const from = { source: '10.9.0.66', destination: '224.0.0.18', ttl: 255 }
    for (let i = 0; i < 1000; i++) {
      handle()!.receive({ ...from, payload: bad })
      handle()!.receive({ ...from, payload: good, ttl: 64 })
      handle()!.receive({ ...from, payload: good.subarray(0, 5) })
      handle()!.receive({ ...from, payload: good, destination: '10.9.0.12' })
      handle()!.receive({ ...from, payload: good, source: '10.9.0.12' })
    }
    expect(handle()!.counters()).toMatchObject({
      'checksum-error': 1000,
      'ip-ttl-error': 1000,
      'packet-length-error': 1000,
      'transport-error': 1000,
      'own-address': 1000,
    })
    expect(notes.filter(note => note.type === 'notice').length).toBe(5)
    await segment.until(START + 3000)
    expect(segment.masters()).toEqual(['d1'])
  })
})

describe('two masters that do not hear each other equally', () => {
  test('the better one asserts itself with each advert, and announces once a second', async () => {
    const segment = await pair()
    // d1 hears d2; d2 hears nobody and becomes master.
    segment.carry(from => (from === 0 ? undefined : 0.2))
    await segment.until(START + 2000)
    const before = segment.story().filter(line => line === 'd1 announce').length
    await segment.until(START + 5000)
    expect(segment.masters()).toEqual(['d1', 'd2'])
    const rounds = segment.story().filter(line => line === 'd1 announce').length - before
    expect(rounds).toBeGreaterThanOrEqual(10)
    expect(rounds).toBeLessThanOrEqual(20)
    const alarms = segment.directors[0]!.notes.filter(note => note.type === 'notice' && note.code === 'two-masters')
    expect(alarms).toMatchObject([{ data: { other: '10.9.0.12', priority: 100 } }])
    // Healed: the lesser one yields at the next advert.
    segment.carry(() => 0.2)
    await segment.until(START + 5200)
    expect(segment.holders()).toEqual(['d1'])
  })
})

describe('forged sources', () => {
  test('without number do not make notices without number', async () => {
    const segment = await pair()
    const { handle, notes } = segment.directors[0]!
    for (let i = 0; i < 500; i++) {
      const source = `10.9.${1 + (i >> 8)}.${i & 255}`
      const advert = { version: 3, vrid: 51, priority: 10, interval: 200, addresses: [] } as const
      const payload = encodeAdvert(advert, { family: 4, source, destination: '224.0.0.18' }, { pseudoHeader: false })
      handle()!.receive({ payload, source, destination: '224.0.0.18', ttl: 255 })
    }
    const told = notes.filter(note => note.type === 'notice')
    expect(handle()!.counters()).toMatchObject({ 'two-masters': 500, 'checksum-plain': 500, 'address-list-error': 500 })
    expect(told.length).toBeLessThan(80)
  })
})

describe('a reload', () => {
  test('that changes nothing of the kernel’s sends nothing new, and keeps the rhythm', async () => {
    const segment = await pair()
    const { config, handle } = segment.directors[0]!
    const at = segment.time.now()
    handle()!.reconfigure({ ...config, preempt: { mode: 'never' } })
    await segment.until(at + 1000)
    const adverts = segment.seen.filter(one => one.director === 0 && one.at >= at - 200 && one.what === 'advert 150')
    const gaps = adverts.slice(1).map((one, i) => Math.round(one.at - adverts[i]!.at))
    expect(new Set(gaps)).toEqual(new Set([100]))
    expect(segment.story(at)).not.toContain('d1 claim')
    expect(segment.story(at)).not.toContain('d1 announce')
  })
  test('that adds a VIP brings it to the kernel and announces it, without a new election', async () => {
    const segment = await pair()
    const { config, handle, held } = segment.directors[0]!
    handle()!.reconfigure({
      ...config,
      vips: [...config.vips, { address: '10.9.0.101', prefix: 32, interface: 'eth0' }],
    })
    await segment.until(START + 1001)
    expect([...held]).toEqual(['10.9.0.100', '10.9.0.101'])
    expect(segment.directors[0]!.notes.filter(note => note.type === 'state')).toHaveLength(2)
  })
  test('that swaps the priorities swaps the roles', async () => {
    const segment = await pair()
    for (const [i, priority] of [100, 150].entries()) {
      const { config, handle } = segment.directors[i]!
      handle()!.reconfigure({ ...config, priority })
    }
    await segment.until(START + 2000)
    expect(segment.masters()).toEqual(['d2'])
  })
})

describe('the story of a takeover', () => {
  test('names the last advert, the deadline, the advert, the VIPs and the first announcement', async () => {
    const segment = await pair()
    segment.directors[0]!.crash()
    await segment.until(START + 2000)
    const told = segment.directors[1]!.notes.filter(note => note.type === 'transition').at(-1)!
    expect(told).toMatchObject({ from: 'backup', to: 'master', cause: 'no-response', priority: 100 })
    expect(told.type === 'transition' && told.timeline.map(({ what }) => what)).toEqual([
      'last advert of 10.9.0.11',
      'deadline',
      'advert sent',
      'VIPs added',
      'first announcement sent',
    ])
  })

  test('is told for the state at once, for acting upon', async () => {
    const segment = await pair()
    expect(segment.directors[0]!.notes.filter(note => note.type === 'state')).toMatchObject([
      { from: 'init', to: 'backup', cause: 'startup' },
      { from: 'backup', to: 'master', cause: 'no-response' },
    ])
  })
})
