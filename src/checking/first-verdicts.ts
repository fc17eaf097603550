import type { ServiceConfig } from '../../config/config.js'
import { kernelServer } from '../ipvs/desired.js'
import { serverEntry } from '../ipvs/entry.js'
import { fastKey } from '../ipvs/fast-key.js'
import type { FastTable, JournalContent } from '../ipvs/ports.js'
import { serverKey, serviceKey } from '../ipvs/table.js'
import type { Member } from './pool.js'

/**
 * What a real server counts as until its first check of this process, from what the process before left in the kernel:
 * there with weight: up. Weight 0: as the journal says. Missing from a service that we made: it was taken out, so down,
 * whatever `start` says. undefined: nothing is known of it.
 */
export function firstVerdict(
  service: Pick<ServiceConfig, 'ids'>,
  server: Member['server'],
  kernel: FastTable,
  journal: JournalContent,
): 'up' | 'down' | undefined {
  const { address, port, weight, forward, upper, lower } = server
  let found: 'up' | 'down' | undefined
  for (const id of service.ids) {
    const key = serviceKey(id)
    const held = kernel.get(fastKey(key))
    if (!held) continue
    const name = serverKey(kernelServer(id, { address, port, settings: { weight, forward, upper, lower } }))
    const entry = held.servers.get(name)
    if (entry && entry.weight > 0) return 'up'
    const quiet = journal.quiet[serverEntry(key, name)]
    if (!entry) found ??= journal.services.includes(key) ? 'down' : undefined
    else if (quiet === 'down') found = 'down'
    else if (quiet === 'standby') found = 'up'
  }
  return found
}
