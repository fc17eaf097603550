import { KernelError } from './errno.js'
import { type Macvlan, type Macvlans, macvlanSysctls } from './macvlan.js'
import type { SysctlJournal } from './sysctl-journal.js'

export type Refused = { readonly name: string; readonly error: KernelError }

/**
 * Brings the macvlans and their settings to what is wanted: makes what is missing, takes over what a process before this one made, removes the rest of ours and puts
 * its settings back. Level-triggered: called at start, after each change of the configuration and when a parent appears. Never rejects for the kernel's refusals: they
 * are the result, and the routers on these interfaces find them missing.
 */
export async function convergeVirtualMacs(
  wanted: readonly Macvlan[],
  macvlans: Macvlans,
  journal: SysctlJournal,
): Promise<readonly Refused[]> {
  const refused: Refused[] = []
  for (const { name } of macvlans.leftovers(wanted.map(macvlan => macvlan.name))) await macvlans.remove(name)
  const settings = wanted.flatMap(macvlan => macvlanSysctls(macvlan).map(([name]) => name))
  journal.restore(new Set(settings))
  for (const macvlan of wanted) {
    try {
      const index = await macvlans.ensure(macvlan)
      for (const [name, value] of macvlanSysctls(macvlan)) journal.set(name, value)
      await macvlans.listen(index, macvlan.groups ?? [])
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      refused.push({ name: macvlan.name, error })
    }
  }
  return refused
}
