import type { PeerView } from '../../vrrp/state.js'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import { type Director, type Random, random, simulate } from './simulation.js'
import { routerOf } from './virtual-router.js'

export type Verdict = { readonly seed: number; readonly wrong: string[]; readonly log: () => readonly string[] }

/**
 * One random history: everything goes wrong for a while, then the network heals and everybody runs. What must hold:
 * the VIP is where the master is, at any time; once healed, two masters for no longer than one down interval, and one
 * within a bound; then a standstill of all of them together moves nothing.
 */
export function history(seed: number): Verdict {
  const rnd = random(seed)
  const routers = chosen(rnd)
  const sim = simulate(routers, rnd)
  const { directors, network } = sim
  const slowest = Math.max(...routers.map(({ advertInterval }) => advertInterval))
  const wrong: string[] = []
  const acquainted = rnd.chance(0.6)
  let restarted = false
  let healed = false

  for (const one of directors)
    sim.at(rnd.between(0, slowest), () => {
      if (rnd.chance(0.9)) start(one)
    })
  const turbulence = slowest * rnd.between(10, 60)
  const acts = rnd.int(2, 14)
  for (let i = 0; i < acts; i++) sim.at(rnd.between(slowest, turbulence), () => mischief(rnd.pick(directors)))

  sim.onEvent(at => {
    for (const one of directors) {
      const { phase } = one.state
      const master = one.alive && phase.name === 'master'
      // A process that sleeps or listens after a sleep cannot renew; the kernel takes the VIP by itself.
      if (master && one.vipUntil <= 0) wrong.push(`${at.toFixed(1)}: d${one.index + 1} is master without the VIP`)
      if (one.alive && !master && one.vipUntil > at && phase.name !== 'init')
        wrong.push(`${at.toFixed(1)}: d${one.index + 1} is ${phase.name} with the VIP`)
    }
  })
  sim.until(turbulence)

  // Healed: packets under way may still arrive late, then all is well.
  healed = true
  network.loss = 0
  network.duplicates = 0
  network.cut = () => false
  network.delay = () => rnd.between(0.05, 0.3)
  for (const one of directors) {
    if (!one.alive) start(one)
    if (one.state.phase.name === 'init') start(one)
    sim.tell(one, { type: 'standing', priority: one.router.priority, faults: [] })
    sim.tell(one, { type: 'ready', ready: true })
    if (one.stalledUntil > sim.now()) sim.stall(one, 0)
  }
  const calm = Math.max(turbulence, ...directors.map(one => one.stalledUntil)) + 2 * slowest + 100
  // Who was told to stop has done so by now, and is started again.
  for (const one of directors)
    sim.at(calm, () => {
      if (one.state.phase.name === 'init') start(one)
    })
  // A restart announced up to a second; a late packet may have taught it to somebody just before.
  const learned = restarted ? Math.max(slowest, ...routers.map(({ restartInterval }) => restartInterval)) : slowest
  const down = 4 * learned + 5
  let twoSince: number | undefined
  let noneSince: number | undefined
  const end = calm + 5 * down
  sim.onEvent(at => {
    if (at < calm) return
    const count = sim.masters().length
    twoSince = count > 1 ? (twoSince ?? at) : undefined
    noneSince = count === 0 ? (noneSince ?? at) : undefined
    if (twoSince !== undefined && at - twoSince > down)
      wrong.push(`${at.toFixed(1)}: two masters since ${twoSince.toFixed(1)}`)
    if (noneSince !== undefined && at - noneSince > down + 200)
      wrong.push(`${at.toFixed(1)}: no master since ${noneSince.toFixed(1)}`)
  })
  sim.until(end)
  // A delayed pre-emption may fall into this very moment.
  if (sim.masters().length !== 1) sim.until(end + down)
  const masters = sim.masters()
  if (masters.length !== 1) wrong.push(`at the end: ${masters.length} masters`)
  const holders = sim.holders()
  if (holders.length !== 1 || holders[0] !== masters[0]) wrong.push(`at the end: ${holders.length} holders`)
  // Whoever may pre-empt and is better has done so by now.
  const winner = masters[0]
  for (const one of directors)
    if (winner && one !== winner && one.router.preempt.mode === 'always' && !one.state.knowledge.behind)
      if (one.router.priority > winner.router.priority && one.state.phase.name === 'backup')
        wrong.push(`at the end: d${one.index + 1} is better than the master d${winner.index + 1}`)
  if (wrong.length === 0 && winner) standTogether(winner)
  return { seed, wrong: wrong.slice(0, 5), log: sim.log }

  /** What stops all directors for as long, or nearly, is no reason to take over from a master that goes on. */
  function standTogether(master: Director) {
    const { advertInterval } = master.router
    const rightful = directors.every(
      one =>
        one.router.advertInterval === advertInterval &&
        one.state.knowledge.priority <= master.state.knowledge.priority &&
        !one.state.knowledge.behind,
    )
    if (!rightful) return
    const before = directors.map(one => one.transitions.length)
    stallAll(rnd.between(0.5, 8) * advertInterval)
    sim.until(sim.now() + 20 * advertInterval)
    directors.forEach((one, index) => {
      for (const { at, from, to, cause } of one.transitions.slice(before[index]))
        wrong.push(`${at.toFixed(1)}: after a standstill of all d${index + 1} went from ${from} to ${to} (${cause})`)
    })
    if (sim.holders()[0] !== master) wrong.push('after a standstill of all the master has no VIP')
  }

  /** As a hypervisor does, one after the other, but for much less than an interval. `over`: whether it has come too late for those that are left. */
  function stallAll(length: number, over = () => false) {
    for (const one of directors) {
      const { advertInterval } = one.router
      const late = rnd.between(0, 0.2 * advertInterval)
      sim.at(sim.now() + late, () => {
        if (!over()) sim.stall(one, length - late + rnd.between(0, 0.2 * advertInterval))
      })
    }
  }

  function start(one: Director) {
    sim.start(one, { ready: healed || rnd.chance(0.7), ...(acquainted ? { views: views(one) } : {}) })
  }

  function views(one: Director): PeerView[] {
    return directors
      .filter(other => other !== one)
      .map(other => ({
        director: other.router.director,
        sameConfig: other.router.advertInterval === one.router.advertInterval,
        ...(rnd.chance(0.5) ? { priority: other.state.knowledge.priority } : {}),
      }))
  }

  function mischief(one: Director) {
    const interval = one.router.advertInterval
    const kind = rnd.int(0, 16)
    switch (kind) {
      case 0:
        return sim.crash(one)
      case 1:
        return sim.at(sim.now() + 0.01, () => start(one))
      case 2: {
        // The process dies and the next goes on.
        if (!one.alive) return
        const wasMaster = one.state.phase.name === 'master'
        sim.crash(one)
        return sim.at(sim.now() + rnd.between(0, 4 * interval), () => {
          if (!one.alive) sim.start(one, { resume: wasMaster, ready: healed || rnd.chance(0.5) })
        })
      }
      case 3:
        return sim.stall(one, rnd.between(0, 2 * interval))
      case 4:
        return sim.stall(one, rnd.between(0, 12 * interval))
      case 5: {
        const side = directors.map(() => rnd.chance(0.5))
        network.cut = (from, to) => side[from] !== side[to]
        return
      }
      case 6: {
        const from = rnd.pick(directors).index
        network.cut = sender => sender === from
        return
      }
      case 7:
        network.cut = () => false
        return
      case 8:
        network.loss = rnd.pick([0, 0.01, 0.05, 0.3, 0.6])
        return
      case 9: {
        const most = rnd.pick([0.3, 2, 0.2 * interval, 1.5 * interval])
        network.delay = () => rnd.between(0.05, most)
        return
      }
      case 10:
        network.duplicates = rnd.pick([0, 0.1, 0.5])
        return
      case 11:
        return sim.tell(one, { type: 'standing', priority: rnd.int(1, 254), faults: [] })
      case 12:
        return sim.tell(one, { type: 'standing', priority: one.router.priority, faults: ['interface eth1 is down'] })
      case 13:
        return sim.tell(one, rnd.chance(0.5) ? { type: 'failover', behind } : { type: 'give-back' })
      case 14:
        return sim.tell(one, { type: 'ready', ready: healed || rnd.chance(0.5) })
      case 15: {
        const how = rnd.chance(0.5) ? 'stop' : 'restart'
        restarted ||= how === 'restart'
        sim.tell(one, { type: 'shutdown', how })
        return sim.at(sim.now() + rnd.between(0.5, 4) * interval, () => {
          const resume = how === 'restart' && one.vipUntil > sim.now()
          if (one.alive && one.state.phase.name === 'init') sim.start(one, { resume, ready: healed || rnd.chance(0.5) })
        })
      }
      case 16:
        return stallAll(rnd.between(0.3, 12) * interval, () => healed)
    }
  }
}

const behind = { author: 'root', at: 0, lasting: false }

/** 2 to 5 directors; mostly of one file, sometimes each with its own. */
function chosen(rnd: Random): VirtualRouter[] {
  const count = rnd.int(2, 5)
  const equal = rnd.chance(0.2)
  const priorities = Array.from({ length: count }, () => (equal ? 100 : rnd.int(1, 254)))
  const interval = rnd.pick([10, 50, 100, 1000])
  const differing = rnd.chance(0.2)
  const preempt = rnd.chance(0.7) ? ({ mode: 'always' } as const) : anyPreempt()
  return priorities.map((_, index) =>
    routerOf(index, priorities, {
      advertInterval: differing ? rnd.pick([interval, interval * 2]) : interval,
      preempt: differing ? anyPreempt() : preempt,
    }),
  )

  function anyPreempt(): VirtualRouter['preempt'] {
    return rnd.pick([{ mode: 'always' }, { mode: 'never' }, { mode: 'delayed', delay: rnd.between(1, 20) * 100 }])
  }
}
