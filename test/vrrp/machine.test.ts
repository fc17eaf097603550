import { describe, expect, test } from 'vitest'
import { deadline, initialState, step, wakeAt } from '../../vrrp/machine.js'
import type { Behind, Event, Phase, State, Step } from '../../vrrp/state.js'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import { addressOf, routerOf } from '../fakes/virtual-router.js'

const [OWN, OTHER, THIRD] = [addressOf(0), addressOf(1), addressOf(2)]
const NOW = 50_000

/** d1 of three directors, as good as the second and better than the third. */
const router = (changes: Partial<VirtualRouter> = {}) => routerOf(0, [100, 100, 50], changes)
/** ((256 - 100) * 100) / 256 */
const SKEW = 60.9375

/** The same, but the third director has an address below ours. */
const LOWER = '10.9.0.1'
const withLower = (() => {
  const config = router()
  const directors = config.directors.map(one => (one.name === 'd3' ? { ...one, addresses: [LOWER] } : one))
  return { ...config, directors }
})()

const on = (config: VirtualRouter, state: State, event: Event, now = NOW): Step => step(config, state, event, now, OWN)
const idle = (config = router()): State => {
  const state = initialState(config, NOW - 60_000)
  return { ...state, knowledge: { ...state.knowledge, unreadySince: undefined } }
}
const backup = (config = router(), changes: Partial<Phase & { name: 'backup' }> = {}): State => ({
  ...idle(config),
  phase: {
    ...{ name: 'backup', masterInterval: config.advertInterval, deadline: NOW + 150 },
    ...{ left: false, rearmed: false, wants: false },
    ...changes,
  },
})
const master = (config = router(), changes: Partial<Phase & { name: 'master' }> = {}): State => ({
  ...idle(config),
  phase: {
    ...{ name: 'master', deadline: NOW, lastSent: NOW - config.advertInterval, claimed: true, listening: false },
    ...changes,
  },
})
const advert = (priority: number, from = OTHER, interval = 100): Event => ({ type: 'advert', priority, interval, from })
const sends = ([, effects]: Step) => effects.flatMap(effect => (effect.type === 'send' ? [effect.priority] : []))
const kinds = ([, effects]: Step) => effects.map(effect => (effect.type === 'transition' ? effect.cause : effect.type))
const name = ([state]: Step) => state.phase.name
/** Awake all the time, and nothing is heard until then. */
const silence = (config: VirtualRouter, state: State, until: number): State => {
  let now = state
  for (let at = wakeAt(now); at !== undefined && at < until; at = wakeAt(now))
    now = on(config, now, { type: 'tick' }, at)[0]
  return now
}
const behind: Behind = { author: 'root', at: 0, lasting: false }

describe('at the start', () => {
  test('a router listens for three intervals and its skew', () => {
    const result = on(router(), idle(), { type: 'startup' })
    expect(name(result)).toBe('backup')
    expect(deadline(result[0])).toBe(NOW + 300 + SKEW)
    expect(result[1]).toEqual([{ type: 'transition', from: 'init', to: 'backup', cause: 'startup' }])
  })
  test('the owner is master at once, advert first', () => {
    const owner = router({ priority: 255 })
    const result = on(owner, idle(owner), { type: 'startup' })
    expect(kinds(result)).toEqual(['send', 'claim', 'owner'])
    expect(sends(result)).toEqual([255])
  })
  test('a router with a fault stays out of it', () => {
    const state = idle()
    const faulty = { ...state, knowledge: { ...state.knowledge, faults: ['interface eth0 is down'] } }
    expect(kinds(on(router(), faulty, { type: 'startup' }))).toEqual(['startup'])
    expect(name(on(router(), faulty, { type: 'startup' }))).toBe('fault')
  })
  test('a process that follows a master goes on within the others’ patience', () => {
    expect(kinds(on(router(), idle(), { type: 'startup', resume: { silence: 299 } }))).toEqual([
      'send',
      'claim',
      'resumed',
    ])
    expect(name(on(router(), idle(), { type: 'startup', resume: { silence: 300 } }))).toBe('backup')
    expect(name(on(router(), idle(), { type: 'startup', resume: { silence: 2999, patience: 3000 } }))).toBe('master')
  })
  test('nothing else happens before', () => {
    for (const event of [advert(200), { type: 'tick' }, { type: 'shutdown', how: 'stop' }] as Event[])
      expect(on(router(), idle(), event)[1]).toEqual([])
  })
})

describe('a backup', () => {
  test('waits for its deadline', () => {
    expect(on(router(), backup(), { type: 'tick' }, NOW + 149)).toEqual([backup(), []])
  })
  test('takes over when it has passed: advert, VIPs, then all the rest', () => {
    const result = on(router(), backup(), { type: 'tick' }, NOW + 150)
    expect(kinds(result)).toEqual(['send', 'claim', 'no-response'])
    expect(result[0].phase).toEqual({
      ...{ name: 'master', deadline: NOW + 250, lastSent: NOW + 150, claimed: false, listening: false },
    })
  })
  test('follows a master of higher or equal priority, at that master’s interval', () => {
    for (const priority of [100, 200]) {
      const [state, effects] = on(router(), backup(), advert(priority, OTHER, 1000))
      expect(effects).toEqual([])
      expect(state.phase).toMatchObject({ name: 'backup', masterInterval: 1000, master: { address: OTHER, priority } })
      expect(deadline(state)).toBe(NOW + 3000 + SKEW * 10)
    }
  })
  test('in version 2 waits its own interval and the seconds of RFC 3768', () => {
    const old = router({ version: 2, advertInterval: 2000 })
    expect(deadline(on(old, backup(old), advert(200, OTHER, 2000))[0])).toBe(NOW + 6000 + SKEW * 10)
  })
  test('does not follow a lesser master, and takes over when its own timer ends', () => {
    const first = on(router(), backup(), advert(99, THIRD))
    expect(deadline(first[0])).toBe(NOW + 150)
    expect(kinds(on(router(), first[0], { type: 'tick' }, NOW + 150))).toEqual(['claim', 'preempted'])
  })
  test('says once that it will relieve a lesser master, and again after that one was silent', () => {
    const first = on(router(), backup(), advert(50))
    expect(first[1]).toEqual([{ type: 'notice', notice: { what: 'will-preempt', master: OTHER } }])
    const second = on(router(), first[0], advert(50), NOW + 100)
    expect(second[1]).toEqual([])
    const third = on(router(), second[0], advert(50), NOW + 350)
    expect(kinds(third)).toEqual(['notice'])
  })
  test('tells a lesser master only when its own VIPs are in place and announced', () => {
    const [listening] = on(router(), backup(), advert(99, THIRD))
    const [relieving] = on(router(), listening, { type: 'tick' }, NOW + 150)
    expect(kinds(on(router(), relieving, advert(99, THIRD), NOW + 151))).toEqual([])
    const told = on(router(), relieving, { type: 'claimed' }, NOW + 152)
    expect(kinds(told)).toEqual(['announce', 'send'])
    expect(deadline(told[0])).toBe(NOW + 252)
  })
  test('deposes nobody when its kernel refuses the VIPs', () => {
    const [listening] = on(router(), backup(), advert(99, THIRD))
    const [relieving] = on(router(), listening, { type: 'tick' }, NOW + 150)
    const [, effects] = on(router(), relieving, { type: 'claim-refused', error: 'EINVAL' }, NOW + 152)
    expect(effects.some(effect => effect.type === 'send' && effect.priority > 0)).toBe(false)
  })
  test('follows a lesser master where pre-emption is off', () => {
    const meek = router({ preempt: { mode: 'never' } })
    expect(deadline(on(meek, backup(meek), advert(50, THIRD))[0])).toBe(NOW + 300 + SKEW)
  })
  test('relieves a director in maintenance even where pre-emption is off, unless priority 1 is what the file gives it', () => {
    const meek = router({ preempt: { mode: 'never' } })
    const heard = on(meek, backup(meek), advert(1))
    expect(deadline(heard[0])).toBe(NOW + 150)
    expect(kinds(on(meek, heard[0], { type: 'tick' }, NOW + 150))).toEqual(['claim', 'preempted'])
    const directors = meek.directors.map(one => (one.name === 'd2' ? { ...one, priority: 1 } : one))
    const other = { ...meek, directors }
    expect(deadline(on(other, backup(other), advert(1))[0])).toBe(NOW + 300 + SKEW)
  })
  test('goes back to work after maintenance without taking over where pre-emption is off; a switch-over is taken back', () => {
    const meek = router({ preempt: { mode: 'never' } })
    const end = (order: Behind) => {
      const away = on(meek, backup(meek), { type: 'failover', behind: order })[0]
      return kinds(on(meek, on(meek, away, advert(50))[0], { type: 'give-back' }))
    }
    expect(end({ ...behind, lasting: true })).toEqual([])
    expect(end(behind)).toContain('given-back')
  })
  test('follows a lesser master for the delay of its pre-emption, and no longer', () => {
    const patient = router({ preempt: { mode: 'delayed', delay: 1000 } })
    let state = backup(patient)
    for (let at = NOW; at < NOW + 1000; at += 100) state = on(patient, state, advert(50, THIRD), at)[0]
    expect(deadline(state)).toBe(NOW + 900 + 300 + SKEW)
    expect(deadline(on(patient, state, advert(50, THIRD), NOW + 1000)[0])).toBe(deadline(state))
  })
  test('begins the delay anew after a better master was heard', () => {
    const patient = router({ preempt: { mode: 'delayed', delay: 1000 } })
    let state = on(patient, backup(patient), advert(50, THIRD), NOW)[0]
    state = on(patient, state, advert(200, OTHER), NOW + 900)[0]
    state = on(patient, state, advert(50, THIRD), NOW + 1100)[0]
    expect(deadline(state)).toBe(NOW + 1100 + 300 + SKEW)
  })
  test('that hears a lesser master leaves it alone until its own table is complete, for 10 s at most', () => {
    const state = backup()
    const unready = { ...state, knowledge: { ...state.knowledge, unreadySince: NOW - 9_999 } }
    expect(deadline(on(router(), unready, advert(50, THIRD))[0])).toBe(NOW + 300 + SKEW)
    expect(deadline(on(router(), unready, advert(50, THIRD), NOW + 1)[0])).toBe(NOW + 150)
    const ready = on(router(), unready, { type: 'ready', ready: true })[0]
    expect(deadline(on(router(), ready, advert(50, THIRD))[0])).toBe(NOW + 150)
    // A large table that gets on says so again: it is waited for, for as long as it does.
    const again = on(router(), unready, { type: 'ready', ready: false })[0]
    expect(deadline(on(router(), again, advert(50, THIRD), NOW + 9_000)[0])).toBe(NOW + 9_300 + SKEW)
  })
  test('that hears none takes the VIP though its table is incomplete', () => {
    const state = backup()
    const unready = { ...state, knowledge: { ...state.knowledge, unreadySince: NOW } }
    expect(name(on(router(), unready, { type: 'tick' }, NOW + 150))).toBe('master')
  })
  test('takes over after its skew alone when the master says that it leaves', () => {
    const following = on(router(), backup(), advert(200))[0]
    const left = on(router(), following, advert(0), NOW + 50)
    expect(deadline(left[0])).toBe(NOW + 50 + SKEW)
    expect(kinds(on(router(), left[0], { type: 'tick' }, NOW + 50 + SKEW))).toEqual(['send', 'claim', 'master-left'])
  })
  test('is not put off by a second farewell', () => {
    const following = on(router(), backup(), advert(200))[0]
    const left = on(router(), following, advert(0), NOW + 50)[0]
    expect(deadline(on(router(), left, advert(0), NOW + 90)[0])).toBe(NOW + 50 + SKEW)
  })
  test('does not mind the farewell of a master that it no longer follows', () => {
    const following = on(router(), backup(), advert(200, THIRD))[0]
    expect(on(router(), following, advert(0, OTHER), NOW + 50)).toEqual([following, []])
  })
  test('that wakes too late to judge waits for what may still be unread, once, then acts', () => {
    const [state, effects] = on(router(), backup(), { type: 'tick' }, NOW + 150 + 80)
    expect(effects).toEqual([{ type: 'notice', notice: { what: 'stalled', late: 80 } }])
    expect(deadline(state)).toBe(NOW + 230 + 10)
    expect(name(on(router(), state, { type: 'tick' }, NOW + 500))).toBe('master')
  })
  test('of two directors waits only for what the kernel has yet to hand over: nobody else can have claimed', () => {
    const pair = routerOf(0, [100, 100], {})
    const known = on(pair, backup(pair), { type: 'peers', peers: [{ director: 'd2', sameConfig: true }] })[0]
    const due = deadline(known)!
    expect(deadline(on(pair, known, { type: 'tick' }, due + 80)[0])).toBe(due + 80.5)
    const stranger = on(pair, known, advert(1, '10.9.0.99'))[0]
    expect(deadline(on(pair, stranger, { type: 'tick' }, deadline(stranger)! + 80)[0])).toBe(deadline(stranger)! + 90)
  })
  test('looks whether it is awake, half an interval after each advert that does not come', () => {
    const looks: number[] = []
    let [state] = on(router(), backup(), advert(200))
    for (let at = wakeAt(state)!; at < deadline(state)!; at = wakeAt(state)!) {
      looks.push(at - NOW)
      state = on(router(), state, { type: 'tick' }, at)[0]
    }
    expect(looks).toEqual([150, 250, 350])
    expect(kinds(on(router(), state, { type: 'tick' }, deadline(state)!))).toEqual(['send', 'claim', 'no-response'])
  })
  test('that stood still gives the master, which may have stood still as well, two intervals and its own place, once', () => {
    const [following] = on(router(), backup(), advert(200))
    const [state, effects] = on(router(), following, { type: 'tick' }, NOW + 350)
    expect(effects).toEqual([{ type: 'notice', notice: { what: 'stalled', late: 200 } }])
    expect(deadline(state)).toBe(NOW + 350 + 200 + SKEW)
    expect(wakeAt(state)).toBe(deadline(state))
    expect(name(on(router(), state, { type: 'tick' }, NOW + 5_000))).toBe('master')
  })
  test('that stood still does so before its deadline as well, from an interval after a missed look on', () => {
    const [following] = on(router(), backup(), advert(200))
    expect(deadline(on(router(), following, { type: 'tick' }, NOW + 249)[0])).toBe(NOW + 300 + SKEW)
    expect(deadline(on(router(), following, { type: 'tick' }, NOW + 250)[0])).toBe(NOW + 450 + SKEW)
  })
  test('that stood still gives nothing when the master was silent before', () => {
    const [following] = on(router(), backup(), advert(200))
    const due = deadline(following)!
    const alone = silence(router(), following, due)
    expect(deadline(on(router(), alone, { type: 'tick' }, due + 99)[0])).toBe(due + 99 + 10)
  })
  test('reads an advert that waited while it stood still as it does silence', () => {
    const late = (waited: number): Event => ({ type: 'advert', priority: 200, interval: 100, from: OTHER, waited })
    expect(deadline(on(router(), backup(), late(249))[0])).toBe(NOW + 51 + SKEW)
    expect(deadline(on(router(), backup(), late(250))[0])).toBe(NOW + 200 + SKEW)
  })
  test('does not replace a silent master without its witness, says so, and looks again every interval', () => {
    const alone: Event = { type: 'standing', priority: 100, faults: [], unwitnessed: 'witness 10.9.0.1: timeout' }
    const waiting = on(router(), backup(), alone)[0]
    const [state, effects] = on(router(), waiting, { type: 'tick' }, NOW + 150)
    expect(name([state, effects])).toBe('backup')
    expect(effects).toEqual([{ type: 'notice', notice: { what: 'unwitnessed', why: 'witness 10.9.0.1: timeout' } }])
    expect(deadline(state)).toBe(NOW + 250)
    const again = on(router(), state, { type: 'standing', priority: 100, faults: [] }, NOW + 200)[0]
    expect(kinds(on(router(), again, { type: 'tick' }, NOW + 250))).toEqual(['send', 'claim', 'no-response'])
  })
  test('needs no witness to follow a farewell, to relieve a lesser master, or to be given back', () => {
    const alone: Event = { type: 'standing', priority: 100, faults: [], unwitnessed: 'witness 10.9.0.1: timeout' }
    const waiting = on(router(), backup(), alone)[0]
    const left = on(router(), on(router(), waiting, advert(200))[0], advert(0), NOW + 50)[0]
    expect(kinds(on(router(), left, { type: 'tick' }, NOW + 50 + SKEW))).toEqual(['send', 'claim', 'master-left'])
    const lesser = on(router(), waiting, advert(50), NOW + 100)[0]
    expect(kinds(on(router(), lesser, { type: 'tick' }, NOW + 150))).toEqual(['claim', 'preempted'])
    const kept = on(router(), on(router(), waiting, { type: 'failover', behind })[0], advert(50))[0]
    expect(kinds(on(router(), kept, { type: 'give-back' }))).toContain('given-back')
  })
  test('moves its running timer when its priority changes', () => {
    const [state] = on(router(), backup(), { type: 'standing', priority: 200, faults: [] })
    expect(deadline(state)).toBe(NOW + 150 - (100 / 256) * 100)
  })
  test('says so when a router that is none of the directors takes part, once', () => {
    const first = on(router(), backup(), advert(200, '10.9.0.99'))
    expect(first[1]).toEqual([{ type: 'notice', notice: { what: 'stranger', address: '10.9.0.99' } }])
    expect(on(router(), first[0], advert(200, '10.9.0.99'))[1]).toEqual([])
  })
  test('in a sync group asks before it becomes master', () => {
    const grouped = router({ syncGroup: 'g' })
    const [state, effects] = on(grouped, backup(grouped), { type: 'tick' }, NOW + 150)
    expect(effects).toEqual([{ type: 'notice', notice: { what: 'wants-master' } }])
    expect(kinds(on(grouped, state, { type: 'group', to: 'master' }))).toEqual(['send', 'claim', 'no-response'])
    expect(on(grouped, backup(grouped), { type: 'group', to: 'master' })[1]).toEqual([])
  })
})

describe('the ranks', () => {
  const peers = (...priorities: (number | undefined)[]): Event => ({
    type: 'peers',
    peers: priorities.map((priority, i) => ({
      ...{ director: `d${i + 2}`, sameConfig: true },
      ...(priority === undefined ? {} : { priority }),
    })),
  })
  const following = (event: Event, from = OTHER) => {
    const known = on(router(), backup(), event)[0]
    return deadline(on(router(), known, advert(200, from))[0])! - NOW - 300
  }
  test('give the best other director the guard alone', () => expect(following(peers(undefined, undefined))).toBe(2))
  test('give a slot for each director that may be better, the silent master left out', () => {
    expect(following(peers(undefined, 120))).toBe(12)
    expect(following(peers(undefined, 120), THIRD)).toBe(12)
    expect(following(peers(120, 30), THIRD)).toBe(12)
    expect(following(peers(30, 30), THIRD)).toBe(2)
  })
  test('hold for nobody while one director is not known to have our configuration', () => {
    const half: Event = {
      type: 'peers',
      peers: [
        { director: 'd2', sameConfig: true },
        { director: 'd3', sameConfig: false },
      ],
    }
    expect(following(half)).toBe(SKEW)
  })
  test('hold for nobody once a stranger was heard', () => {
    const known = on(router(), backup(), peers(undefined, undefined))[0]
    const warned = on(router(), known, advert(120, '10.9.0.99'))[0]
    expect(deadline(on(router(), warned, advert(200))[0])).toBe(NOW + 300 + SKEW)
  })
  test('guard against a master whose adverts come late, with the RFC’s skew at most', () => {
    let state = on(router(), backup(), peers(undefined, undefined))[0]
    state = on(router(), state, advert(200), NOW)[0]
    state = on(router(), state, advert(200), NOW + 115)[0]
    expect(deadline(state)).toBe(NOW + 115 + 300 + 22.5)
    state = on(router(), state, advert(200), NOW + 415)[0]
    expect(deadline(state)).toBe(NOW + 415 + 300 + SKEW)
  })
  test('forget a late advert after a second of good ones', () => {
    let state = on(router(), backup(), peers(undefined, undefined))[0]
    state = on(router(), state, advert(200), NOW)[0]
    for (let i = 0; i <= 11; i++) state = on(router(), state, advert(200), NOW + 115 + i * 100)[0]
    expect(deadline(state)).toBe(NOW + 115 + 1100 + 300 + 2)
  })
  test('do not guard against what only this director read late, and count from its arrival', () => {
    const waited = (ms: number): Event => ({ type: 'advert', priority: 200, interval: 100, from: OTHER, waited: ms })
    let state = on(router(), backup(), peers(undefined, undefined))[0]
    state = on(router(), state, advert(200), NOW)[0]
    state = on(router(), state, waited(9), NOW + 109)[0]
    expect(deadline(state)).toBe(NOW + 100 + 300 + 2)
  })
  test('give a master whose advert waited long another interval: more of them may wait', () => {
    const waited = (ms: number): Event => ({ type: 'advert', priority: 200, interval: 100, from: OTHER, waited: ms })
    let state = on(router(), backup(), peers(undefined, undefined))[0]
    state = on(router(), state, advert(200), NOW)[0]
    state = on(router(), state, waited(240), NOW + 340)[0]
    expect(deadline(state)).toBe(NOW + 340 + 100)
  })
  test('let the best take over at once when the master leaves', () => {
    let state = on(router(), backup(), peers(undefined, undefined))[0]
    state = on(router(), state, advert(200), NOW)[0]
    expect(kinds(on(router(), state, advert(0), NOW + 50))).toEqual(['send', 'claim', 'master-left'])
  })
})

describe('link-local senders, which no file names', () => {
  const six = routerOf(0, [100, 200], { family: 6, vips: [{ address: 'fe80::100', prefix: 128, interface: 'eth0' }] })
  const known = on(six, backup(six), { type: 'peers', peers: [{ director: 'd2', sameConfig: true }] })[0]
  test('are taken for the other directors, as many as there are', () => {
    const [state, effects] = on(six, known, advert(200, 'fe80::12'))
    expect(effects).toEqual([])
    expect(deadline(state)).toBe(NOW + 300 + 2)
  })
  test('are strangers beyond that, until an hour has passed', () => {
    const first = on(six, known, advert(200, 'fe80::12'))[0]
    const second = on(six, first, advert(210, 'fe80::13'))
    expect(second[1]).toEqual([{ type: 'notice', notice: { what: 'stranger', address: 'fe80::13' } }])
    expect(deadline(second[0])).toBe(NOW + 300 + SKEW)
    const later = on(six, first, advert(210, 'fe80::13'), NOW + 3_600_000)
    expect(later[1]).toEqual([])
  })
  test('are no strangers any more once the peer channel says who they are, and real strangers are heard again', () => {
    const heard = on(router(), backup(), advert(200, '10.9.1.12'))
    expect(kinds(heard)).toEqual(['notice'])
    const views = (sources: string[]): Event => ({
      type: 'peers',
      peers: [{ director: 'd2', sameConfig: true, sources }],
    })
    const told = on(router(), heard[0], views(['10.9.1.12']))[0]
    expect(told.knowledge.strangerAt).toBeUndefined()
    const again = on(router(), told, advert(200, '10.9.0.99'))[0]
    expect(on(router(), again, views(['10.9.1.12']))[0].knowledge.strangerAt).toBe(NOW)
  })
  test('are who the peer channel says they are', () => {
    const told = on(six, known, {
      type: 'peers',
      peers: [{ director: 'd2', sameConfig: true, sources: ['fe80::12', 'fe80::13'] }],
    })[0]
    const first = on(six, told, advert(200, 'fe80::12'))[0]
    expect(on(six, first, advert(200, 'fe80::13'))[1]).toEqual([])
  })
})

describe('a master', () => {
  test('sends an advert every interval', () => {
    const result = on(router(), master(), { type: 'tick' })
    expect(result[1]).toEqual([{ type: 'send', priority: 100, interval: 100 }])
    expect(deadline(result[0])).toBe(NOW + 100)
  })
  test('keeps its cadence when it wakes late, unless a whole advert is due by then', () => {
    expect(deadline(on(router(), master(), { type: 'tick' }, NOW + 40)[0])).toBe(NOW + 100)
    expect(deadline(on(router(), master(), { type: 'tick' }, NOW + 120)[0])).toBe(NOW + 220)
  })
  test('announces its VIPs when the kernel has them', () => {
    const result = on(router(), master(router(), { claimed: false }), { type: 'claimed' })
    expect(result[1]).toEqual([{ type: 'announce', why: 'takeover' }])
  })
  test('yields to a higher priority, and to a higher address of equal priority', () => {
    expect(kinds(on(withLower, master(), advert(101, LOWER)))).toEqual(['release', 'higher-priority-master'])
    expect(kinds(on(router(), master(), advert(100, OTHER)))).toEqual(['release', 'higher-address-master'])
  })
  test('asserts itself against a lesser master, announces again, and says that there are two', () => {
    for (const lesser of [advert(99, OTHER), advert(100, LOWER)]) {
      const result = on(withLower, master(), lesser)
      expect(kinds(result)).toEqual(['send', 'announce', 'notice'])
      expect(deadline(result[0])).toBe(NOW + 100)
    }
  })
  test('answers a farewell with an advert', () => expect(sends(on(router(), master(), advert(0)))).toEqual([100]))
  test('says at once that its priority has changed', () => {
    expect(sends(on(router(), master(), { type: 'standing', priority: 40, faults: [] }))).toEqual([40])
    expect(on(router(), master(), { type: 'standing', priority: 100, faults: [] })[1]).toEqual([])
  })
  test('says that it leaves when it gets a fault, and lets go', () => {
    const result = on(router(), master(), { type: 'standing', priority: 100, faults: ['interface eth0 is down'] })
    expect(kinds(result)).toEqual(['send', 'release', 'fault'])
    expect(sends(result)).toEqual([0])
  })
  test('is none without its VIPs: a refused claim is a fault, tried again ever more seldom', () => {
    let state = master(router(), { claimed: false })
    const waits: number[] = []
    for (let i = 0; i < 9; i++) {
      const result = on(router(), state, { type: 'claim-refused', error: 'EPERM' })
      expect(kinds(result)).toEqual(['send', 'release', 'claim-refused'])
      waits.push(deadline(result[0])! - NOW)
      state = { ...result[0], phase: master(router(), { claimed: false }).phase }
    }
    expect(waits).toEqual([5000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000])
  })
  test('is none if its adverts do not go out, from the third on', () => {
    const failed = (inARow: number): Event => ({ type: 'send-failed', error: 'ENETDOWN', inARow })
    expect(name(on(router(), master(), failed(2)))).toBe('master')
    expect(name(on(router(), master(), failed(3)))).toBe('fault')
  })
  test('puts a VIP back that somebody removed, and announces it', () => {
    const result = on(router(), master(), { type: 'vip-lost' })
    expect(result[1]).toEqual([{ type: 'claim' }])
    expect(on(router(), result[0], { type: 'claimed' })[1]).toEqual([{ type: 'announce', why: 'reclaimed' }])
  })
  test('that slept longer than the others wait puts no VIP back that another may have by now', () => {
    expect(kinds(on(router(), master(router(), { lastSent: NOW - 300 }), { type: 'vip-lost' }))).toEqual([])
    expect(kinds(on(router(), master(router(), { listening: true }), { type: 'vip-lost' }))).toEqual([])
  })
  test('that slept longer than the others wait sends nothing before it has listened', () => {
    const result = on(router(), master(router(), { lastSent: NOW - 300, deadline: NOW - 200 }), { type: 'tick' })
    expect(kinds(result)).toEqual(['notice'])
    expect(deadline(result[0])).toBe(NOW + 110)
  })
  test('that slept finds another master, however low, and follows it', () => {
    const slept = master(router(), { lastSent: NOW - 300 })
    expect(kinds(on(router(), slept, advert(1, THIRD)))).toEqual(['release', 'stalled'])
  })
  test('keeps its next advert’s time when the interval changes, and sooner if it has become shorter', () => {
    const state = master(router({ advertInterval: 1000 }), { deadline: NOW + 900 })
    const shorter = on(router(), state, { type: 'reconfigured', before: router({ advertInterval: 1000 }) })
    expect(deadline(shorter[0])).toBe(NOW + 100)
    const longer = on(router({ advertInterval: 1000 }), master(router(), { deadline: NOW + 30 }), {
      type: 'reconfigured',
      before: router(),
    })
    expect(deadline(longer[0])).toBe(NOW + 30)
    expect(kinds(longer)).toEqual([])
  })
})

describe('a master with another file', () => {
  test('other routes or rules are claimed like other VIPs', () => {
    const changed: Event = { type: 'reconfigured', before: router() }
    expect(kinds(on(router(), master(), changed))).toEqual([])
    const routes = [{ destination: '10.98.0.0/16', via: '10.9.0.1' }]
    expect(kinds(on(router({ routes }), master(), changed))).toEqual(['claim'])
    const rules = [{ family: 4, from: '10.9.0.100/32', table: 100 }] as const
    expect(kinds(on(router({ rules }), master(), changed))).toEqual(['claim'])
  })

  test('brings the kernel to other VIPs, and leaves it alone otherwise', () => {
    const more = router({ excludedVips: [{ address: '10.1.0.1', prefix: 24, interface: 'eth1' }] })
    const changed: Event = { type: 'reconfigured', before: router() }
    expect(kinds(on(more, master(), changed))).toEqual(['claim'])
    expect(kinds(on(router({ priority: 90 }), master(), changed))).toEqual([])
  })
})

describe('a master that leaves', () => {
  const leaving = on(router(), master(router(), { deadline: NOW + 60 }), { type: 'failover', behind })
  test('says so once, and keeps the VIPs: by the RFC each farewell puts a backup off by its skew', () => {
    expect(kinds(leaving)).toEqual(['send'])
    expect(sends(leaving)).toEqual([0])
    expect(deadline(leaving[0])).toBe(NOW + 130)
  })
  test('says so in every slot where the others are known to obey ranks', () => {
    const peers = ['d2', 'd3'].map(director => ({ director, sameConfig: true }))
    const known = on(router(), master(), { type: 'peers', peers })[0]
    const told = on(router(), known, { type: 'failover', behind })[0]
    expect(deadline(told)).toBe(NOW + 10)
    expect(sends(on(router(), told, { type: 'tick' }, NOW + 10))).toEqual([0])
  })
  test('lets go when another advertises, of whatever priority', () => {
    const result = on(router(), leaving[0], advert(1, THIRD), NOW + 12)
    expect(kinds(result)).toEqual(['release', 'handed-over', 'notice'])
    expect(result[0].knowledge.behind).toEqual(behind)
  })
  test('takes back what nobody wants: three slots and the others’ skew', () => {
    expect(kinds(on(router(), leaving[0], { type: 'tick' }, NOW + 129))).toEqual([])
    const result = on(router(), leaving[0], { type: 'tick' }, NOW + 130)
    expect(kinds(result)).toEqual(['send', 'notice'])
    expect(sends(result)).toEqual([100])
    expect(result[0].knowledge.behind).toBeUndefined()
  })
  test('afterwards follows any master, and counts as the least', () => {
    const [state] = on(router(), leaving[0], advert(50, THIRD), NOW + 12)
    const [later] = on(router(), state, advert(50, THIRD), NOW + 112)
    expect(deadline(later)).toBe(NOW + 112 + 300 + (255 * 100) / 256)
  })
  test('is master again with its own priority when that one fails', () => {
    const [state] = on(router(), leaving[0], advert(50, THIRD), NOW + 12)
    const due = deadline(state)!
    const result = on(router(), silence(router(), state, due), { type: 'tick' }, due)
    expect(sends(result)).toEqual([100])
    expect(result[0].knowledge.behind).toBeUndefined()
  })
  test('for maintenance stays the least even then', () => {
    const lasting = on(router(), master(), { type: 'failover', behind: { ...behind, lasting: true } })
    const [state] = on(router(), lasting[0], advert(50, THIRD), NOW + 12)
    const due = deadline(state)!
    expect(sends(on(router(), silence(router(), state, due), { type: 'tick' }, due))).toEqual([1])
  })
  test('for good ends when another advertises, or when nobody does', () => {
    const stopping = on(router(), master(), { type: 'shutdown', how: 'stop' })
    expect(sends(stopping)).toEqual([0])
    expect(kinds(on(router(), stopping[0], advert(50, THIRD), NOW + 5))).toEqual(['release', 'handed-over', 'notice'])
    expect(kinds(on(router(), stopping[0], { type: 'tick' }, NOW + 130))).toEqual(['send', 'release', 'shutdown'])
  })
  test('alone leaves at once', () => {
    const alone = routerOf(0, [100])
    expect(kinds(on(alone, master(alone), { type: 'shutdown', how: 'stop' }))).toEqual(['send', 'release', 'shutdown'])
  })
  test('for a restart keeps the VIPs and announces a longer interval, which version 2 cannot', () => {
    const result = on(router(), master(), { type: 'shutdown', how: 'restart' })
    expect(result[1][0]).toEqual({ type: 'send', priority: 100, interval: 1000 })
    expect(kinds(result)).toEqual(['send', 'restart'])
    const old = router({ version: 2, advertInterval: 2000 })
    expect(on(old, master(old), { type: 'shutdown', how: 'restart' })[1][0]).toMatchObject({ interval: 2000 })
  })
})

describe('a fault', () => {
  const faulty = (): State => ({
    ...idle(),
    phase: { name: 'fault' },
    knowledge: { ...idle().knowledge, faults: ['interface eth0 is down'] },
  })
  test('ends in a backup that listens first', () => {
    const result = on(router(), faulty(), { type: 'standing', priority: 100, faults: [] })
    expect(kinds(result)).toEqual(['fault-cleared'])
    expect(deadline(result[0])).toBe(NOW + 300 + SKEW)
  })
  test('hears adverts and does nothing', () => expect(on(router(), faulty(), advert(1))).toEqual([faulty(), []]))
  test('of a refused address ends when its time is up', () => {
    const refused = on(router(), master(router(), { claimed: false }), { type: 'claim-refused', error: 'EPERM' })[0]
    expect(name(on(router(), refused, { type: 'tick' }, NOW + 4999))).toBe('fault')
    expect(name(on(router(), refused, { type: 'tick' }, NOW + 5000))).toBe('backup')
  })
})
