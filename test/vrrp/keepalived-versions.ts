import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'

/** What to call it, and the Debian suite that it is of; '': the machine's own. */
export const suites: [string, string][] = [
  ["this machine's", ''],
  ['2.3.3, of trixie', 'trixie'],
  ['that of forky', 'forky'],
]

/** The program, fetched once where it is not the machine's own (`deploy/lab/keepalived-newer`). */
export function keepalivedOf(suite: string): string {
  if (!suite) return 'keepalived'
  const fetch = resolve(import.meta.dirname, '../../deploy/lab/keepalived-newer')
  return execFileSync(fetch, [suite], { encoding: 'utf8' }).trim()
}
