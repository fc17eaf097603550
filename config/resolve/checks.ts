import { createHash } from 'node:crypto'
import { canonical } from '../canonical.js'
import type { CheckConfig } from '../check-config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { CheckFile } from '../schema/check.js'
import { kindNames } from '../schema/check-kinds.js'
import type { File } from '../schema/file.js'
import { suggest } from '../suggest.js'
import { defined } from './defined.js'
import { probe } from './probe.js'
import type { Secrets } from './secrets.js'

/** A check with what only its users need to know. */
export type Resolved = {
  readonly config: CheckConfig
  readonly clientPath?: 'peers' | 'all' | undefined
}

export type Use = {
  readonly check?: string | CheckFile | undefined
  readonly checks?: readonly (string | CheckFile)[] | undefined
  readonly require?: 'all' | 'any' | number | undefined
}

export type Checks = {
  /** What a service or a real server says about checks; undefined: nothing. */
  use(
    path: Path,
    use: Use,
  ): { readonly checks: readonly Resolved[]; readonly require: 'all' | 'any' | number } | undefined
  /** Named checks that nothing uses. */
  warnUnused(): void
}

/** Resolves named and in-place checks, each once. */
export function checks(
  file: File,
  secrets: Secrets,
  hostname: string,
  known: readonly string[],
  report: Reporter,
): Checks {
  const named = new Map<string, Resolved | undefined>()
  const inPlace = new Map<CheckFile, Resolved | undefined>()
  const used = new Set<string>()
  if (known.includes('none'))
    report.error(
      'reserved-name',
      ['checks', 'none'],
      'a check cannot be called "none": that says that nothing is checked',
      { at: 'key' },
    )
  for (const [name, check] of Object.entries(file.checks ?? {}))
    named.set(name, resolveCheck(['checks', name], name, check, secrets, hostname, report))

  function one(path: Path, item: string | CheckFile): Resolved | undefined {
    if (typeof item === 'string') {
      used.add(item)
      if (!named.has(item) && !known.includes(item)) unknown(path, item)
      return named.get(item)
    }
    const earlier = inPlace.get(item)
    if (earlier !== undefined) return earlier
    const result = resolveCheck(path, undefined, item, secrets, hostname, report)
    inPlace.set(item, result)
    return result
  }

  function unknown(path: Path, name: string): void {
    const near = suggest(name, known)
    const suggestion =
      near !== undefined
        ? `did you mean "${near}"?`
        : known.length > 0
          ? `checks: ${known.slice(0, 10).join(', ')}`
          : kindNames.includes(name as (typeof kindNames)[number])
            ? `in place it is written { ${name}: {} }`
            : 'define it under checks'
    report.error('unknown-check', path, `there is no check "${name}"`, { suggestion })
  }

  return {
    use(path, { check, checks: several, require }) {
      if (check !== undefined && several !== undefined)
        report.error('check-and-checks', [...path, 'check'], 'both check and checks', {
          suggestion: 'put all of them into checks',
          at: 'key',
        })
      if (require !== undefined && several === undefined)
        report.error(
          'require-alone',
          [...path, 'require'],
          'require says how many of `checks` must pass, but there is no `checks` here',
          { at: 'key' },
        )
      if (check === undefined && several === undefined) return undefined
      if (check === 'none') return { checks: [], require: 'all' }
      const list = several ?? (check === undefined ? [] : [check])
      const at = (index: number): Path => (several === undefined ? [...path, 'check'] : [...path, 'checks', index])
      if (typeof require === 'number' && several !== undefined && require > list.length)
        report.error(
          'require-too-many',
          [...path, 'require'],
          `require: ${require} of ${list.length} ${list.length === 1 ? 'check' : 'checks'} can never pass`,
        )
      const found = list.map((item, index) => one(at(index), item)).filter(item => item !== undefined)
      return { checks: found, require: require ?? 'all' }
    },
    warnUnused() {
      for (const name of named.keys())
        if (!used.has(name))
          report.warn('unused-check', ['checks', name], `nothing uses the check "${name}"`, { at: 'key' })
    },
  }
}

function resolveCheck(
  path: Path,
  name: string | undefined,
  check: CheckFile,
  secrets: Secrets,
  hostname: string,
  report: Reporter,
): Resolved | undefined {
  const kinds = kindNames.filter(kind => check[kind] !== undefined)
  const [kind, second] = kinds
  if (kind === undefined) {
    report.error('check-kind', path, 'the check does not say what it asks', {
      suggestion: `one of: ${kindNames.join(', ')}`,
      at: 'key',
    })
    return undefined
  }
  if (second !== undefined) {
    report.error('check-kinds', [...path, second], `a check asks one thing: ${kinds.join(' and ')}`, {
      suggestion: 'write two checks',
      at: 'key',
    })
    return undefined
  }
  const interval = check.interval ?? 2000
  const fastInterval = check.fast_interval ?? Math.min(200, interval)
  if (fastInterval > interval)
    report.error('fast-interval', [...path, 'fast_interval'], 'fast_interval is longer than interval')
  const timeout = check.timeout ?? 1000
  if (timeout > interval && check.timeout !== undefined && check.interval !== undefined)
    report.warn(
      'timeout-interval',
      [...path, 'timeout'],
      'timeout is longer than interval: a silent real server is asked less often than interval says',
    )
  const asked = probe({ path: [...path, kind], name: name ?? kind, secrets, hostname, report }, check, kind)
  const watchable = kind === 'tcp' || kind === 'http' || kind === 'https'
  const parameters = {
    probe: asked,
    ...defined({ address: check.address, port: check.port, damping: damping(check.damping) }),
    interval,
    fastInterval,
    downInterval: check.down_interval ?? interval,
    timeout,
    rise: check.rise ?? 2,
    fall: check.fall ?? 3,
    jitter: check.jitter ?? 0.05,
    severity: check.severity ?? 'fail',
    watch: {
      enabled: check.watch === undefined ? watchable && check.invert !== true : check.watch !== false,
      final: typeof check.watch === 'object' ? (check.watch.final ?? true) : true,
    },
    ...(check.manual_resume === true ? { manualResume: true } : {}),
    ...(check.invert === true ? { invert: true } : {}),
  }
  const clientPath =
    check.client_path === true
      ? 'peers'
      : check.client_path === false
        ? undefined
        : check.client_path && (check.client_path.from ?? 'peers')
  if (clientPath !== undefined && !['tcp', 'tls', 'http', 'https'].includes(kind))
    report.error(
      'client-path-kind',
      [...path, 'client_path'],
      `client_path works with tcp, tls, http and https, not with ${kind}`,
      { at: 'key' },
    )
  return {
    config: { name: name ?? kind, key: keyOf(parameters), ...parameters },
    clientPath,
  }
}

/** The parameters as a short text: equal where they are equal. */
export function keyOf(parameters: object): string {
  return createHash('sha256').update(canonical(parameters)).digest('base64url').slice(0, 16)
}

function damping(value: CheckFile['damping']) {
  if (value === undefined || value === false) return undefined
  const given = value === true ? {} : value
  return { hold: given.hold ?? 5000, max: given.max ?? 300_000, forget: given.forget ?? 600_000 }
}
