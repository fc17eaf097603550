import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Found } from './server-file.js'
import type { SourcePorts } from './sources.js'

/** The last answers of the sources in a file. One that makes no sense counts as none; one that cannot be written is told once. */
export function sourceMemory(file: string, failed: (error: unknown) => void): SourcePorts['memory'] {
  let complained = false
  return {
    read() {
      try {
        const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
        return isMemory(value) ? value : {}
      } catch {
        return {}
      }
    },
    write(all) {
      try {
        mkdirSync(dirname(file), { recursive: true })
        writeFileSync(`${file}.new`, JSON.stringify(all), { mode: 0o640 })
        renameSync(`${file}.new`, file)
        complained = false
      } catch (error) {
        if (!complained) failed(error)
        complained = true
      }
    },
  }
}

function isMemory(value: unknown): value is Record<string, readonly Found[]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every(
    list =>
      Array.isArray(list) &&
      list.every(
        (one: Partial<Found> | null) =>
          typeof one?.address === 'string' && Number.isInteger(one.port) && one.port !== undefined,
      ),
  )
}
