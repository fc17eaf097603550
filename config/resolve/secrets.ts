import { createHash } from 'node:crypto'
import type { Reporter, Surroundings } from '../context.js'
import { reason } from '../gather.js'
import type { Path } from '../problem.js'

export type Secrets = {
  /** Content without its last line end. `own`: each director may have another, as a certificate of itself. */
  file(path: Path, name: string | undefined, own?: 'own'): string | undefined
  /** `password` or `password_file`, not both. */
  either(path: Path, key: string, value: string | undefined, file: string | undefined): string | undefined
  user(path: Path, name: string | undefined): number | undefined
  /** Without a name that of the user: a program that runs as somebody else shall not keep the group of lvskeeper, which is root's. */
  group(path: Path, name: string | undefined, user: string | undefined): number | undefined
  /** Complains of a program that cannot be run here. */
  program(path: Path, name: string): void
  /** SHA-256 (hex) of what the files hold that are the same on every director; undefined: there are none. */
  digest(): string | undefined
}

/** Reads what the file points to. Where the file is only checked, what is not here is a warning. */
export function secrets({ readFile, notRunnable, static: isStatic }: Surroundings, report: Reporter): Secrets {
  const cache = new Map<string, string | undefined>()
  const shared = new Map<string, string>()
  const unavailable = isStatic ? report.warn : report.error

  function read(path: Path, name: string): string | undefined {
    if (cache.has(name)) return cache.get(name)
    let content: string | undefined
    try {
      content = readFile(name)
      if (content === '') unavailable('secret-empty', path, `${name} is empty`)
    } catch (error) {
      unavailable('secret-missing', path, `${name} cannot be read: ${reason(error)}`)
    }
    cache.set(name, content)
    return content
  }

  function lookUp(path: Path, database: string, what: string, name: string | undefined): number | undefined {
    if (name === undefined) return undefined
    if (/^\d+$/.test(name)) return Number(name)
    const line = (read(path, database) ?? '').split('\n').find(entry => entry.startsWith(`${name}:`))
    if (line === undefined) unavailable('unknown-user', path, `there is no ${what} "${name}" here`)
    return line === undefined ? undefined : Number(line.split(':')[2])
  }

  /** passwd(5): of a number that has no entry, the group of the same number. */
  function ownGroup(user: string | undefined): number | undefined {
    if (user === undefined) return undefined
    const isNumber = /^\d+$/.test(user)
    const entry = quietly('/etc/passwd')
      .split('\n')
      .map(line => line.split(':'))
      .find(fields => fields[isNumber ? 2 : 0] === user)
    return entry ? Number(entry[3]) : isNumber ? Number(user) : undefined
  }

  function quietly(name: string): string {
    try {
      return cache.get(name) ?? readFile(name)
    } catch {
      return ''
    }
  }

  return {
    file(path, name, own) {
      const content = name === undefined ? undefined : read(path, name)?.replace(/\r?\n$/, '')
      if (name !== undefined && content !== undefined && own === undefined) shared.set(name, content)
      return content
    },
    either(path, key, value, name) {
      if (value !== undefined && name !== undefined)
        report.error('secret-twice', [...path, key], `both ${key} and ${key}_file`, {
          suggestion: 'keep one of them',
          at: 'key',
        })
      return value ?? this.file([...path, `${key}_file`], name)
    },
    user: (path, name) => lookUp(path, '/etc/passwd', 'user', name),
    group: (path, name, user) => (name === undefined ? ownGroup(user) : lookUp(path, '/etc/group', 'group', name)),
    digest() {
      if (shared.size === 0) return undefined
      const sorted = [...shared].sort(([one], [other]) => (one < other ? -1 : 1))
      return createHash('sha256').update(JSON.stringify(sorted)).digest('hex')
    },
    program(path, name) {
      const why = notRunnable?.(name)
      if (why !== undefined) unavailable('program-missing', path, `${name} cannot be run: ${why}`)
    },
  }
}
