import type { Check } from './keepalived-checker.js'
import type { RealServer } from './keepalived-real-server.js'
import type { Service } from './keepalived-service.js'
import { uniqueNames } from './keepalived-values.js'
import { type Entries, entries, get, plain, put } from './yaml-writer.js'

export type CheckNames = {
  /** `checks:` of the YAML: each check once, whoever uses it. */
  readonly entries: Entries
  nameOf(check: Check): string
}

/** Gives every check a name: the same check of many real servers is written once. */
export function checkNames(services: readonly Service[]): CheckNames {
  const names = new Map<string, string>()
  const unique = uniqueNames()
  const result = entries()
  const all = services.flatMap(service => service.realServers).flatMap((server: RealServer) => server.checks)
  for (const check of all) {
    const key = keyOf(check)
    if (names.has(key)) continue
    const name = unique(nameFor(check.entry))
    names.set(key, name)
    put(result, name, check.entry, check.comments)
  }
  return { entries: result, nameOf: check => names.get(keyOf(check)) ?? 'none' }
}

function keyOf(check: Check): string {
  return JSON.stringify(plain(check.entry))
}

/** `tcp`, `http-healthz`, `exec-check_mysql`. */
function nameFor(entry: Entries): string {
  const kind = entry.pairs[0]?.key ?? 'check'
  const asked = entry.pairs[0]?.value
  if (typeof asked !== 'object' || asked.kind !== 'map') return kind
  const path = get(asked, 'path')
  const argv = get(asked, 'argv')
  const words = typeof argv === 'object' && argv.kind === 'list' ? argv.items.map(item => String(item.value)) : []
  const program = words.find(word => word !== '/usr/bin/env') ?? ''
  const detail = typeof path === 'string' ? path.replace(/[?#].*$/, '') : program.replace(/^.*\//, '')
  const clean = detail
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
  return clean === '' ? kind : `${kind}-${clean}`
}
