import type { Counters } from './counters.js'
import type { Epoch, Moment } from './note.js'
import { electionPriority } from './patience.js'
import type { Behind, Cause, State, StateName } from './state.js'
import type { Standing } from './tracking.js'
import type { VirtualRouter } from './virtual-router.js'

/** What people see of a virtual router. */
export type RouterStatus = {
  readonly name: string
  readonly vrid: number
  readonly interface: string
  readonly family: 4 | 6
  readonly version: 2 | 3
  readonly state: StateName
  readonly since: Epoch
  readonly cause: Cause
  readonly priority: {
    readonly base: number
    readonly effective: number
    readonly contributions: Standing['contributions']
  }
  readonly advertInterval: number
  readonly vips: readonly string[]
  readonly master?: string
  readonly lastAdvert?: Epoch
  readonly faults: readonly string[]
  readonly behind?: Pick<Behind, 'author' | 'reason' | 'at'>
  readonly counters: Readonly<Record<string, number>>
  readonly timeline: readonly { readonly at: Epoch; readonly what: string }[]
}

export type StatusFacts = {
  readonly router: VirtualRouter
  readonly state: State
  readonly standing: Standing
  readonly since: Epoch
  readonly cause: Cause
  readonly faults: readonly string[]
  readonly master: string | undefined
  readonly lastAdvert: Epoch | undefined
  readonly counters: Counters
  readonly timeline: readonly Moment[]
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

export function routerStatus(facts: StatusFacts): RouterStatus {
  const { router, state, standing, master, lastAdvert } = facts
  const { phase, knowledge } = state
  const effective = electionPriority(router, knowledge)
  const contributions = [...standing.contributions]
  // The sum that people see must be the priority that goes out.
  const sum = contributions.reduce((all, { value }) => all + value, router.priority)
  const explained = knowledge.behind ? sum : sum + groupShare(standing, knowledge.priority)
  if (explained < sum)
    contributions.push({
      source: `sync group ${router.syncGroup}`,
      value: explained - sum,
      reason: 'the least priority of its routers counts',
    })
  if (knowledge.behind)
    contributions.push({
      source: `failover by ${knowledge.behind.author}`,
      value: effective - explained,
      reason: knowledge.behind.reason ?? 'stays behind until given back',
    })
  // Without spreads: of 255 routers this is made every two seconds in the process that sends the adverts.
  const status: Writable<RouterStatus> = {
    name: router.name,
    vrid: router.vrid,
    interface: router.interface,
    family: router.family,
    version: router.version,
    state: phase.name,
    since: facts.since,
    cause: facts.cause,
    priority: { base: router.priority, effective, contributions },
    advertInterval: router.advertInterval,
    vips: vipTexts(router),
    faults: facts.faults,
    counters: { ...facts.counters },
    timeline: facts.timeline.map(({ at, what }) => ({ at, what })),
  }
  if (master !== undefined) status.master = master
  if (lastAdvert !== undefined) status.lastAdvert = lastAdvert
  if (knowledge.behind) status.behind = knowledge.behind
  return status
}

/** What the group takes away from this router's own priority; 0 or less. */
function groupShare(standing: Standing, counted: number): number {
  return Math.min(0, counted - standing.priority)
}

/** A router's configuration never changes in place. */
const texts = new WeakMap<VirtualRouter, readonly string[]>()

function vipTexts(router: VirtualRouter): readonly string[] {
  const known = texts.get(router)
  if (known) return known
  const made = [...router.vips, ...router.excludedVips].map(vip => `${vip.address}/${vip.prefix}`)
  texts.set(router, made)
  return made
}
