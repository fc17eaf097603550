import { notices } from './notices.js'
import type { Status } from './status.js'

/** The one status object: what the processes reported, and what of it is different from normal. */
export function snapshot(parts: Omit<Status, 'notices'>): Status {
  return { ...parts, notices: notices(parts) }
}
