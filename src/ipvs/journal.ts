import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { canonicalAddress } from './address.js'
import type { Journal, JournalContent } from './ports.js'
import { parseServiceKey, type ServiceId, serviceKey } from './table.js'

const EMPTY: JournalContent = { services: [], quiet: {}, daemons: [] }

/** The journal as a small JSON file, replaced atomically. A file that makes no sense counts as none. */
export function fileJournal(path: string): Journal {
  return {
    async read() {
      try {
        return parseJournal(await readFile(path, 'utf8'))
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return EMPTY
        throw error
      }
    },
    async write(content) {
      await mkdir(dirname(path), { recursive: true })
      const temporary = `${path}.${process.pid}.new`
      try {
        const file = await open(temporary, 'w', 0o640)
        try {
          await file.writeFile(`${JSON.stringify({ version: 1, ...content })}\n`)
          // Else a power cut could leave the new name with the old emptiness.
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(temporary, path)
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
    },
  }
}

/** Reads what `write` wrote; anything else gives the empty journal, entry by entry. */
export function parseJournal(text: string): JournalContent {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return EMPTY
  }
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1) return EMPTY
  const { services, quiet, daemons } = { ...EMPTY, ...value } as Record<string, unknown>
  const reasons = typeof quiet === 'object' && quiet !== null ? Object.entries(quiet) : []
  return {
    services: Array.isArray(services) ? services.filter(isKey) : [],
    quiet: Object.fromEntries(reasons.filter(([, reason]) => REASONS.has(reason))),
    daemons: Array.isArray(daemons) ? daemons.filter(role => role === 'master' || role === 'backup') : [],
  }
}

const REASONS: ReadonlySet<unknown> = new Set(['down', 'drain', 'maint', 'standby', 'weight'])

/** What is no service could not be asked for, and would keep the table from being read at all. */
function isKey(key: unknown): key is string {
  const id = typeof key === 'string' ? parseServiceKey(key) : undefined
  if (!id) return false
  try {
    return serviceKey('mark' in id ? id : { ...id, address: canonicalAddress(id.address) }) === key && inRange(id)
  } catch {
    return false
  }
}

function inRange(id: ServiceId): boolean {
  return 'mark' in id ? id.mark > 0 && id.mark <= 0xffffffff : id.port <= 0xffff
}
