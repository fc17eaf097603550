import { readdirSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { type NeededSysctl, neededSysctls, type SysctlFeatures } from '../ipvs/sysctls.js'
import { type Changed, readSysctl } from '../linux/sysctl.js'
import { sysctlJournal } from '../linux/sysctl-journal.js'
import type { Event } from '../messages.js'

/** Sets what the virtual servers need of the kernel before they are used, and remembers what it was (`stop --clear`). */
export function createKernelSettings(runFolder: string, tell: (event: Event) => void) {
  const journal = sysctlJournal(settingsFile(runFolder))
  const refused = new Set<string>()

  function set({ name, value, why, brief }: NeededSysctl): void {
    const before = readSysctl(name)
    // Another kernel may not have it; the module that brings it may not be loaded yet.
    if (before === undefined || before === value) return
    try {
      journal.set(name, value, brief)
      tell(event('sysctl.set', 'info', name, `${name} = ${value} (was ${before}): ${why}`, { before, after: value }))
    } catch (error) {
      if (refused.has(name)) return
      refused.add(name)
      const text = error instanceof Error ? error.message : String(error)
      const data = { before, wanted: value }
      tell(event('sysctl.refused', 'alarm', name, `${name} could not be set to ${value} (${why}): ${text}`, data))
    }
  }

  return {
    /** Level-triggered: what is as it shall be is not touched. */
    converge(needs: Omit<SysctlFeatures, 'interfaces'>, more: readonly NeededSysctl[] = []): void {
      // What the file says by name wins over what a feature would set.
      const wanted = new Map(
        [...neededSysctls({ ...needs, interfaces: settableInterfaces() }), ...more].map(each => [each.name, each]),
      )
      // A file without a feature is no reason to stop forwarding for whatever else has come to need it (a nat service that still
      // drains, a container): only what would do harm goes back.
      const stays = journal.entries().flatMap(({ name, brief }) => (brief ? [] : [name]))
      for (const { name, previous } of journal.restore(new Set([...wanted.keys(), ...stays])))
        tell(event('sysctl.restored', 'info', name, `${name} is ${previous} again: nothing needs it any more`, {}))
      wanted.forEach(set)
    },
    /** One that changes while the configuration stays; `converge` must be told of it, too. */
    set,
    /** Puts back what we changed, where it is still ours. */
    restore(): void {
      journal.restore()
    },
  }
}

/** What was changed, with the values found. */
const settingsFile = (runFolder: string) => join(runFolder, 'sysctls-ipvs.json')

/** What the director with this run folder has changed and not put back. */
export function changedSettings(runFolder: string): readonly Changed[] {
  return sysctlJournal(settingsFile(runFolder)).entries()
}

/** As sysctl(8) writes them: a dot inside a name becomes a slash. */
export function settableInterfaces(folder = '/proc/sys/net/ipv4/conf'): string[] {
  return readdirSync(folder)
    .filter(name => name !== 'all' && name !== 'default' && name !== 'lo')
    .map(name => name.replaceAll('.', '/'))
}

/** Addresses of this machine on interfaces other than lo. */
export function reachableAddresses(): string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    // A label (`lo:0`) is named like an interface of its own.
    name.split(':')[0] === 'lo' ? [] : addresses.map(({ address }) => address),
  )
}

function event(name: string, level: Event['level'], setting: string, text: string, data: Event['data']): Event {
  return { at: Date.now(), name, level, subject: `sysctl ${setting}`, text, ...(data ? { data } : {}) }
}
