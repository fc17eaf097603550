import { causeText } from './cause-text.js'
import { READINESS_LIMIT } from './from-backup.js'
import { electionPriority, rank, tail } from './patience.js'
import type { Millis } from './ports.js'
import type { Backup, State } from './state.js'
import type { VirtualRouter } from './virtual-router.js'

/** Why this director is, or is not, master of the router, in the order in which a person would ask. */
export function explanation(
  router: VirtualRouter,
  state: State,
  heard: { from: string; at: Millis } | undefined,
  now: Millis,
): string[] {
  const { phase, knowledge } = state
  const own = electionPriority(router, knowledge)
  const lines: string[] = []
  const { behind } = knowledge
  if (behind) lines.push(`By order of ${behind.author} it stays behind the others, with priority 1 instead of its own.`)
  switch (phase.name) {
    case 'init':
      return [...lines, 'It does not take part: it has not started, or it has been stopped.']
    case 'fault':
      for (const fault of knowledge.faults) lines.push(`It has a fault: ${fault}.`)
      if (phase.retry)
        lines.push(`It had a fault: ${phase.retry.reason}; it tries again in ${seconds(phase.retry.at - now)}.`)
      return lines
    case 'master':
      lines.push(`It is master with priority ${own}.`)
      if (phase.leaving) lines.push('It has offered the mastership and keeps the VIPs until another advertises.')
      if (phase.listening) lines.push(`It ${causeText.stalled.split(',')[0]} and listens whether another took over.`)
      if (!phase.claimed) lines.push('The kernel has not yet confirmed its VIPs.')
      return lines
    case 'backup':
      return [...lines, ...whyBackup(router, state, phase, own, now), ...heardLine(heard, now)]
  }
}

function whyBackup(router: VirtualRouter, { knowledge }: State, phase: Backup, own: number, now: Millis): string[] {
  const { master } = phase
  const lines: string[] = []
  if (!master) lines.push('It has not followed a master since it started to listen.')
  else if (master.priority >= own)
    lines.push(`${master.address} is master with priority ${master.priority}; ours is ${own}.`)
  else {
    lines.push(`${master.address} is master with priority ${master.priority}, less than our ${own}.`)
    if (router.preempt.mode === 'never') lines.push('It does not pre-empt: preempt is false.')
    if (phase.preemptAt !== undefined && now < phase.preemptAt)
      lines.push(`It pre-empts after a delay, ${seconds(phase.preemptAt - now)} from now.`)
    const unready = knowledge.unreadySince === undefined ? 0 : knowledge.unreadySince + READINESS_LIMIT - now
    if (unready > 0)
      lines.push(`Its own table or connection sync is not complete: it waits for that, ${seconds(unready)} at most.`)
  }
  if (knowledge.unwitnessed) lines.push(`It does not take a silent master's place: ${knowledge.unwitnessed}.`)
  if (phase.wants) lines.push('Its time has come, but not all routers of its sync group are ready to be master.')
  const place = rank(router, knowledge, master, now)
  const why =
    place === undefined
      ? 'the skew of the RFC, because not all directors are known to run lvskeeper with this configuration'
      : `its rank is ${place} among the others`
  const rest = tail(router, knowledge, phase, now)
  lines.push(
    `After a silence of 3 x ${phase.masterInterval} ms and ${rest.toFixed(1)} ms it takes over (${why}); ` +
      `${seconds(phase.deadline - now)} of that are left.`,
  )
  return lines
}

function heardLine(heard: { from: string; at: Millis } | undefined, now: Millis): string[] {
  return heard
    ? [`The last advert came from ${heard.from}, ${seconds(now - heard.at)} ago.`]
    : ['No advert was heard yet.']
}

function seconds(ms: Millis): string {
  return `${(Math.max(0, ms) / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`
}
