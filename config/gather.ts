import { dirname, join, resolve } from 'node:path'
import type { Surroundings } from './context.js'
import { readDocument, type SourceFile } from './document.js'
import { type Finding, finding, type Place } from './finding.js'
import type { Path } from './problem.js'
import { listParts, namedParts } from './schema/file.js'

/** All files as one: the data, where each part of it came from, and what was wrong on the way. */
export type Gathered = {
  readonly data: Record<string, unknown>
  readonly files: readonly string[]
  readonly findings: readonly Finding[]
  readonly warnings: readonly Finding[]
  readonly place: (path: Path, at?: 'key' | 'value') => Place
}

const deepest = 8

/** Reads the file and everything that it includes. Named things add up, lists are joined, anything else may stand only once. */
export function gather(file: string, text: string, surroundings: Surroundings): Gathered {
  const findings: Finding[] = []
  const warnings: Finding[] = []
  const files: string[] = []
  const data: Record<string, unknown> = {}
  /** `key`, `key name` or `key index` -> where it stands. */
  const origin = new Map<string, { source: SourceFile; path: Path }>()

  function add(name: string, content: string, chain: readonly string[]): void {
    files.push(name)
    const { source, findings: found } = readDocument(name, content, surroundings.env)
    findings.push(...found)
    for (const [key, value] of Object.entries(source.data)) {
      if (key.startsWith('x-')) continue
      if (key === 'include') continue
      if (isNamed(key) && isMapping(value)) addNamed(source, key, value)
      else if (isList(key) && Array.isArray(value)) addList(source, key, value)
      else addOnce(source, key, value)
    }
    // Last, whatever line it stands in: what this file says comes first.
    if (Object.hasOwn(source.data, 'include')) include(source, source.data['include'], [...chain, resolve(name)])
  }

  function addNamed(source: SourceFile, key: string, value: Record<string, unknown>): void {
    const all = data[key] ?? {}
    data[key] = all
    if (!origin.has(key)) origin.set(key, { source, path: [key] })
    if (!isMapping(all)) return twice(source, key, [key])
    for (const [name, entry] of Object.entries(value)) {
      const id = `${key} ${name}`
      const earlier = origin.get(id)
      if (earlier !== undefined) {
        twice(source, id, [key, name])
        continue
      }
      origin.set(id, { source, path: [key, name] })
      all[name] = entry
    }
  }

  function addList(source: SourceFile, key: string, value: readonly unknown[]): void {
    const all = data[key] ?? []
    data[key] = all
    if (!origin.has(key)) origin.set(key, { source, path: [key] })
    if (!Array.isArray(all)) return twice(source, key, [key])
    for (const [index, entry] of value.entries()) {
      origin.set(`${key} ${all.length}`, { source, path: [key, index] })
      all.push(entry)
    }
  }

  function addOnce(source: SourceFile, key: string, value: unknown): void {
    if (Object.hasOwn(data, key)) return twice(source, key, [key])
    origin.set(key, { source, path: [key] })
    data[key] = value
  }

  function twice(source: SourceFile, id: string, path: Path): void {
    const first = origin.get(id)
    const at = first?.source.place(first.path, 'key')
    const where = at === undefined ? '' : `, first in ${at.file}:${at.line}`
    findings.push(
      finding(
        'duplicate-key',
        source.place(path, 'key'),
        `"${path.at(-1)}" is defined twice${where}`,
        'remove or rename one',
      ),
    )
  }

  function include(source: SourceFile, value: unknown, chain: readonly string[]): void {
    const patterns = Array.isArray(value) ? value : [value]
    for (const [index, pattern] of patterns.entries()) {
      const path: Path = Array.isArray(value) ? ['include', index] : ['include']
      if (typeof pattern !== 'string' || pattern === '') {
        findings.push(finding('bad-include', source.place(path), 'include: expected a file name such as conf.d/*.yaml'))
        continue
      }
      if (chain.length > deepest) {
        findings.push(finding('include-too-deep', source.place(path), `included more than ${deepest} levels deep`))
        continue
      }
      for (const name of matching(source, path, pattern)) includeFile(source, path, name, chain)
    }
  }

  function includeFile(source: SourceFile, path: Path, name: string, chain: readonly string[]): void {
    if (chain.includes(resolve(name))) {
      findings.push(finding('include-cycle', source.place(path), `${name} includes itself`))
      return
    }
    try {
      const content = surroundings.readFile(resolve(name))
      add(name, content, chain)
    } catch (error) {
      findings.push(finding('include-missing', source.place(path), `${name} cannot be read: ${reason(error)}`))
    }
  }

  /** The files that a pattern names, in the order of their names; `*` and `?` are allowed in the last part. */
  function matching(source: SourceFile, path: Path, pattern: string): string[] {
    const full = pattern.startsWith('/') ? pattern : join(dirname(source.file), pattern)
    const folder = dirname(full)
    const last = full.slice(full.lastIndexOf('/') + 1)
    if (/[*?[\]{}]/.test(folder) || /[[\]{}]/.test(last)) {
      findings.push(
        finding(
          'bad-include',
          source.place(path),
          'include: * and ? are allowed in the last part only, such as conf.d/*.yaml',
        ),
      )
      return []
    }
    if (!/[*?]/.test(last)) return [full]
    const body = last
      .replace(/[.+^$()|\\]/g, '\\$&')
      .replace(/\*/g, '[^/]*')
      .replace(/\?/g, '[^/]')
    const shape = new RegExp(`^${last.startsWith('.') ? '' : '(?!\\.)'}${body}$`)
    try {
      const names = surroundings.listFolder(resolve(folder)).filter(name => shape.test(name))
      if (names.length === 0) warnings.push(finding('include-empty', source.place(path), `no file matches ${full}`))
      return [...names].sort().map(name => join(folder, name))
    } catch (error) {
      findings.push(finding('include-missing', source.place(path), `${folder} cannot be read: ${reason(error)}`))
      return []
    }
  }

  add(file, text, [])
  const top: Place = { file, line: 1, col: 1, snippet: '' }
  return {
    data,
    files,
    findings,
    warnings,
    place: (path, at) => {
      const [key, step] = path
      const exact = step === undefined ? undefined : origin.get(`${key} ${step}`)
      if (exact !== undefined) return exact.source.place([...exact.path, ...path.slice(2)], at)
      const found = origin.get(String(key))
      return found === undefined ? (path.length === 0 ? firstKey() : top) : found.source.place(path, at)
    },
  }

  function firstKey(): Place {
    const first = [...origin.values()][0]
    return first === undefined ? top : first.source.place([], 'key')
  }
}

function isNamed(key: string): boolean {
  return (namedParts as readonly string[]).includes(key)
}

function isList(key: string): boolean {
  return (listParts as readonly string[]).includes(key)
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function reason(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  if (code === 'ENOENT') return 'no such file'
  if (code === 'EACCES') return 'permission denied'
  return code ?? message ?? 'unreadable'
}
