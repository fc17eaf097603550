import type { StateName } from './state.js'

/** One virtual router of a sync group, as the others see it. */
export type Member = {
  readonly name: string
  readonly state: StateName
  /** Its deadline has passed: it would be master if the others were, too. */
  readonly wants: boolean
  /** Its own faults, not those that the group gave it. */
  readonly faults: readonly string[]
  /** Faults that the group gave it. */
  readonly given: readonly string[]
  /** Its own effective priority, and the most that the group lets count. */
  readonly priority: number
  readonly most?: number
}

export type Command =
  | { readonly to: string; readonly order: 'master' | 'backup' }
  /** Replaces the faults that the group gave before. */
  | { readonly to: string; readonly order: 'faults'; readonly faults: readonly string[] }
  | { readonly to: string; readonly order: 'most'; readonly priority: number }

/**
 * What the members must do to be of one mind. `left`: the member whose change of state made us look.
 *
 *   priorities differ           -> the least counts for all: else two directors, each better in one member,
 *                                  would take the group from each other for ever
 *   one has a fault             -> all others get it as theirs
 *   one fell from master        -> the other masters fall with it
 *   all want, or are, master    -> all become master
 */
export function agree(group: string, members: readonly Member[], left?: { name: string; to: StateName }): Command[] {
  const commands: Command[] = []
  const least = Math.min(...members.map(({ priority }) => priority))
  for (const { name, most } of members) if (most !== least) commands.push({ to: name, order: 'most', priority: least })
  for (const member of members) {
    const faults = members
      .filter(other => other !== member && other.faults.length > 0)
      .map(other => `sync group ${group}: ${other.name} has a fault`)
    if (faults.join() !== member.given.join()) commands.push({ to: member.name, order: 'faults', faults })
  }
  if (left && left.to !== 'master')
    for (const { name, state } of members)
      if (name !== left.name && state === 'master') commands.push({ to: name, order: 'backup' })
  if (members.every(({ state, wants }) => state === 'master' || (state === 'backup' && wants)))
    for (const { name, state } of members) if (state !== 'master') commands.push({ to: name, order: 'master' })
  return commands
}
