import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Changed, readSysctl, restoreSysctl, writeSysctl } from './sysctl.js'

export type SysctlJournal = {
  /** Sets it and remembers what it was before we first touched it, on disk before in the kernel. Throws a KernelError. */
  set(name: string, value: string, brief?: true): void
  /** Puts back every setting that is not among `keep`. Returns those that it did put back. */
  restore(keep?: ReadonlySet<string>): readonly Changed[]
  /** What is changed now, with the value that it had. */
  entries(): readonly Changed[]
}

/**
 * The kernel settings that we changed, in a file that outlives a crash and a stop, but not a reboot (so in /run): a later process restores what it
 * no longer wants. Addresses, routes and macvlans need no journal, they carry a mark in the kernel; a setting cannot.
 */
export function sysctlJournal(file: string): SysctlJournal {
  const changes = new Map(load(file).map(change => [change.name, change]))
  return {
    set(name, value, brief) {
      const known = changes.get(name)
      const now = readSysctl(name)
      if (now === value) return
      // The value that somebody else set meanwhile is the one to go back to.
      const previous = known && known.value === now ? known.previous : (now ?? '')
      changes.set(name, { name, previous, value, ...(brief ? { brief } : {}) })
      save()
      try {
        writeSysctl(name, value)
      } catch (error) {
        if (known) changes.set(name, known)
        else changes.delete(name)
        save()
        throw error
      }
    },
    restore(keep = new Set()) {
      const restored: Changed[] = []
      const before = changes.size
      for (const change of [...changes.values()]) {
        if (keep.has(change.name)) continue
        if (restoreSysctl(change)) restored.push(change)
        changes.delete(change.name)
      }
      if (changes.size < before) save()
      return restored
    },
    entries: () => [...changes.values()],
  }

  /** Whole or not at all: a new file takes the place of the old one. */
  function save() {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(`${file}.new`, JSON.stringify([...changes.values()]), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
}

/** A journal that cannot be read is an empty one: nothing in it may keep a director from starting. */
function load(file: string): Changed[] {
  try {
    const entries: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return Array.isArray(entries) ? entries.filter(isChange) : []
  } catch {
    return []
  }
}

function isChange(entry: unknown): entry is Changed {
  if (typeof entry !== 'object' || entry === null) return false
  return ['name', 'previous', 'value'].every(key => typeof (entry as Record<string, unknown>)[key] === 'string')
}
