import type { Addresses } from '../../vrrp/ports.js'
import { readSysctl, writeSysctl } from './sysctl.js'

const BACKUP_ONLY = 'net.ipv4.vs.backup_only'

/**
 * A director that is a real server too does not balance while it is backup (src/checking/two-box.ts). It must begin to before it has the
 * VIPs: connections of the other real server that reached it earlier would be reset. One read where that setting is off.
 */
export function withBalancing(addresses: Addresses): Addresses {
  return {
    ...addresses,
    claim(router, vips) {
      begin()
      return addresses.claim(router, vips)
    },
  }
}

/** What cannot be written here is written, and told, by the checkers process. */
function begin(): void {
  try {
    if (readSysctl(BACKUP_ONLY) === '1') writeSysctl(BACKUP_ONLY, '0')
  } catch {
    // See above.
  }
}
