import type { Note } from '../../vrrp/note.js'
import type { Addresses, Announcer, Clock, Lan, Vip } from '../../vrrp/ports.js'
import { type RouterHandle, runRouter, type StartOptions } from '../../vrrp/router.js'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import { addressOf, routerOf } from './virtual-router.js'
import { virtualTime } from './virtual-time.js'

/** A packet or an announcement as everybody on the segment sees it. */
export type Seen = { at: number; director: number; what: string; bytes?: Buffer }

/** How long the kernel keeps VIPs that nobody renews. */
export const LIFETIME = 3000

/** Directors on one segment, in virtual time: no sockets, no waiting. What is faked is the kernel, not the router. */
export function fakeSegment(
  priorities: readonly number[],
  changes: Partial<VirtualRouter> = {},
  time = virtualTime(),
  /** The clock on the wall. */
  wall = (now: number) => 1_800_000_000_000 + now,
) {
  const seen: Seen[] = []
  const directors = priorities.map((_, index) => director(index))
  /** May drop or delay: returns the delay in ms, or undefined. */
  let carry: (from: number, to: number) => number | undefined = () => 0.2

  function director(index: number) {
    const config = routerOf(index, priorities, changes)
    const held = new Set<string>()
    const notes: Note[] = []
    const lease = { until: 0 }
    let refusal: string | undefined
    let slow = 0
    let source: string | undefined = addressOf(index)
    let sendError: string | undefined
    let handle: RouterHandle | undefined
    let current: { alive: boolean } | undefined

    let listener: (note: Note) => void = () => {}
    const tell = (note: Note) => {
      notes.push(note)
      listener(note)
    }

    const lan: Lan = {
      source: () => source,
      send(payload, destination) {
        if (sendError) return sendError
        const bytes = Buffer.from(payload)
        seen.push({ at: time.now(), director: index, what: `advert ${bytes[2]}`, bytes })
        directors.forEach((other, to) => {
          if (to === index) return
          const delay = carry(index, to)
          if (delay === undefined) return
          const packet = { payload: bytes, source: addressOf(index), destination, ttl: 255 }
          time.schedule(time.now() + delay, () => other.handle()?.receive(packet))
        })
        return undefined
      },
    }
    const addresses: Addresses = {
      async claim(_, vips) {
        // The kernel's answer may take its time; what it does, it does in the order asked.
        if (slow > 0) await new Promise<void>(resolve => time.schedule(time.now() + slow, resolve))
        if (refusal) throw new Error(refusal)
        held.clear()
        for (const vip of vips) held.add(vip.address)
        lease.until = time.now() + LIFETIME
        seen.push({ at: time.now(), director: index, what: 'claim' })
      },
      renew: () => {
        lease.until = time.now() + LIFETIME
      },
      async release() {
        if (slow > 0) await new Promise<void>(resolve => time.schedule(time.now() + slow, resolve))
        held.clear()
        seen.push({ at: time.now(), director: index, what: 'release' })
      },
    }
    const announcer: Announcer = {
      announce(vips: readonly Vip[]) {
        seen.push({ at: time.now(), director: index, what: 'announce' })
        return vips.length * 2
      },
    }
    return {
      config,
      address: addressOf(index),
      notes,
      held,
      lease,
      handle: () => handle,
      onNote: (hear: (note: Note) => void) => {
        listener = hear
      },
      start(options: StartOptions = {}) {
        const life = { alive: true }
        current = life
        const clock = mortal(time.clock(), life)
        const ports = { clock, lan, addresses, announcer, epoch: () => wall(time.now()) }
        handle = runRouter(config, ports, tell, { ready: true, ...options })
        return handle
      },
      /** The process is gone at once; the kernel keeps the VIPs for its lifetime. */
      crash() {
        if (current) current.alive = false
        handle = undefined
      },
      refuse: (error: string | undefined) => {
        refusal = error
      },
      slow: (delay: number) => {
        slow = delay
      },
      failSends: (error: string | undefined) => {
        sendError = error
      },
      setSource: (address: string | undefined) => {
        source = address
        handle?.addressChanged()
      },
    }
  }

  return {
    time,
    seen,
    directors,
    carry: (rule: (from: number, to: number) => number | undefined) => {
      carry = rule
    },
    until: time.until,
    masters: () =>
      directors.flatMap((one, index) => (one.handle()?.status().state === 'master' ? [`d${index + 1}`] : [])),
    holders: () =>
      directors.flatMap((one, index) => (one.held.size > 0 && one.lease.until > time.now() ? [`d${index + 1}`] : [])),
    /** What was seen since then, as `d1 advert 150`. */
    story: (since = 0) => seen.filter(({ at }) => at >= since).map(({ director: i, what }) => `d${i + 1} ${what}`),
  }
}

/** A dead process wakes up no more. */
function mortal(clock: Clock, life: { readonly alive: boolean }): Clock {
  return { now: clock.now, at: (deadline, wake) => clock.at(deadline, () => life.alive && wake()) }
}

/** Everybody knows everybody as lvskeeper with the same file: ranks instead of skew. */
export function acquaint(segment: ReturnType<typeof fakeSegment>) {
  const views = segment.directors.map(({ config }) => ({ director: config.director, sameConfig: true }))
  for (const one of segment.directors) one.handle()?.peers(views.filter(view => view.director !== one.config.director))
}
