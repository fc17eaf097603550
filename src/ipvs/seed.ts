import { kernelServer } from './desired.js'
import { serverEntry } from './entry.js'
import type { RealServerInput } from './inputs.js'
import type { JournalContent } from './ports.js'
import { type ServiceId, serverKey, serviceKey, type Table } from './table.js'

/**
 * What a real server counts as before its first check, from what the kernel held when this process started: there
 * with weight: up; weight 0: down where the journal says so, up where it says that only its tier was not needed, else
 * unknown. undefined: the kernel does not have it, so `start` in the file says. Provisional: the first outcome decides.
 */
export function seedVerdict(
  ids: readonly ServiceId[],
  server: Pick<RealServerInput, 'address' | 'port' | 'settings'>,
  kernel: Table,
  journal: JournalContent,
): 'up' | 'down' | 'unknown' | undefined {
  let found: 'up' | 'down' | 'unknown' | undefined
  for (const id of ids) {
    const name = serverKey(kernelServer(id, server))
    const entry = kernel.get(serviceKey(id))?.servers.get(name)
    if (!entry) continue
    if (entry.settings.weight > 0) return 'up'
    const reason = journal.quiet[serverEntry(serviceKey(id), name)]
    found = reason === 'down' ? 'down' : reason === 'standby' ? 'up' : 'unknown'
  }
  return found
}
