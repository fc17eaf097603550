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
}

export type Command =
  | { readonly to: string; readonly order: 'master' | 'backup' }
  /** Replaces the faults that the group gave before. */
  | { readonly to: string; readonly order: 'faults'; readonly faults: readonly string[] }

/**
 * What the members must do to be of one mind. `left`: the member whose change of state made us look.
 *
 *   one has a fault             -> all others get it as theirs
 *   one fell from master        -> the other masters fall with it
 *   all want, or are, master    -> all become master
 */
export function agree(group: string, members: readonly Member[], left?: { name: string; to: StateName }): Command[] {
  const commands: Command[] = []
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
