import { fileTrouble } from '../file-trouble.js'

/** Writes to disk what a restart needs; a full or read-only disk ends nothing, `status` shows it until it works again. */
export function createKeep(storage: Map<string, string>) {
  return (name: string, what: string, write: () => void): void => {
    try {
      write()
      storage.delete(name)
    } catch (error) {
      storage.set(name, `${what}: ${fileTrouble(error)}`)
    }
  }
}

export type Keep = ReturnType<typeof createKeep>
