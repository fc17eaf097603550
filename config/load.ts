import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { type Broken, meant, type Saved, saved } from './broken-entries.js'
import { canonical } from './canonical.js'
import { certain, depends } from './certain.js'
import type { Config } from './config.js'
import { type Reporter, reporter, type Surroundings } from './context.js'
import { everywhere, withDefaults } from './defaults.js'
import type { Environment } from './environment.js'
import { freeze } from './freeze.js'
import { gather } from './gather.js'
import { complaints } from './issues.js'
import type { Problem } from './problem.js'
import { alerts } from './resolve/alerts.js'
import { checks } from './resolve/checks.js'
import { findNode } from './resolve/node.js'
import { routerRules } from './resolve/router-rules.js'
import { type Names, routers } from './resolve/routers.js'
import { secrets } from './resolve/secrets.js'
import { serviceRules } from './resolve/service-rules.js'
import { services } from './resolve/services.js'
import { settings } from './resolve/settings.js'
import { tracking } from './resolve/tracking.js'
import { type File, file as schema } from './schema/file.js'

export type LoadOptions = {
  /** As messages name it; included files and secrets are found relative to it. */
  readonly file: string
  /** `--node` or LVSKEEPER_NODE. */
  readonly node?: string
  readonly hostname: string
  /** Every address of this machine, without prefix. */
  readonly localAddresses: readonly string[]
  /** true: only looked at, here need be no director. false: this machine must be one. Absent: whichever is found. */
  readonly static?: boolean
  readonly env?: Environment
  /** Absolute path -> content; throws. Default: the file system. */
  readonly readFile?: (path: string) => string
  /** Absolute path -> names; throws. Default: the file system. */
  readonly listFolder?: (path: string) => readonly string[]
  /** Why the program at this absolute path cannot be run; undefined: it can. Absent: nobody looks. */
  readonly notRunnable?: (path: string) => string | undefined
}

export type Loaded =
  | {
      readonly ok: true
      readonly config: Config
      readonly warnings: readonly Problem[]
      /** Where each virtual router and virtual server stands: `virtual_servers.web` -> `FILE:LINE`. */
      readonly lines: Readonly<Record<string, string>>
    }
  | {
      readonly ok: false
      readonly errors: readonly Problem[]
      readonly warnings: readonly Problem[]
      /** What was read: the file and what it includes. */
      readonly files: readonly string[]
    }

/** The text of a configuration file -> the frozen configuration of this director, or every error at once. Never throws on any text. */
export function loadConfig(text: string, options: LoadOptions): Loaded {
  const surroundings: Surroundings = {
    env: options.env ?? process.env,
    readFile: options.readFile ?? (path => readFileSync(path, 'utf8')),
    listFolder: options.listFolder ?? (path => readdirSync(path)),
    static: options.static === true,
    ...(options.notRunnable ? { notRunnable: options.notRunnable } : {}),
  }
  const gathered = gather(options.file, text, surroundings)
  const report = reporter(gathered.place, gathered.findings, gathered.warnings)
  const unreadable = Object.keys(gathered.data).length === 0
  if (unreadable && report.errors.length > 0) return failed(report, gathered.files)

  const { data, broken: inDefaults } = withDefaults(gathered.data, report)
  const { rest, broken } = parse(data, inDefaults, report)
  if (rest === undefined) return failed(report, gathered.files)

  const told = certain(report, broken)
  const config = resolve(rest, gathered.data, gathered.files, options, surroundings, told)
  if (report.errors.length > 0) return failed(report, gathered.files)
  const lines = Object.fromEntries(
    (['virtual_routers', 'virtual_servers'] as const).flatMap(part =>
      keys(gathered.data[part]).map(name => {
        const { file, line } = gathered.place([part, name], 'key')
        return [`${part}.${name}`, `${file}:${line}`]
      }),
    ),
  )
  return { ok: true, config: freeze(config), warnings: sorted(report.warnings, gathered.files), lines }
}

const silent: Reporter = { errors: [], warnings: [], error: () => {}, warn: () => {} }

function failed({ errors, warnings }: Reporter, files: readonly string[]): Loaded {
  return { ok: false, errors: sorted(errors, files), warnings: sorted(warnings, files), files }
}

/** Nobody reads more; the count says how many there are. */
const most = 500

/** In the order of the files and their lines. */
function sorted(problems: readonly Problem[], files: readonly string[]): readonly Problem[] {
  const order = new Map(files.map((file, index) => [file, index]))
  const rank = ({ file }: Problem) => order.get(file) ?? files.length
  const all = [...problems].sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.col - b.col)
  const next = all[most]
  if (next === undefined) return all
  const { suggestion: _, ...where } = next
  const rest: Problem = { ...where, code: 'more-problems', message: `and ${all.length - most} more from here on` }
  return [...all.slice(0, most), rest]
}

/** The schema's verdict: the file, or what is left of it when everything is taken out that is reported here. */
function parse(data: Record<string, unknown>, inDefaults: readonly Broken[], report: Reporter): Saved<File> {
  const first = schema.safeParse(data)
  if (first.success) return { rest: first.data, broken: inDefaults }
  const found = complaints(schema, data, first.error.issues)
  const slips = found.map(one => meant(one, data))
  const elsewhere = [...inDefaults, ...slips.filter(({ path }) => path.join() === 'defaults').flatMap(everywhere)]
  for (const [index, { code, path, message, ...more }] of found.entries()) {
    // What a broken default would have said is not missing.
    const key = code === 'missing-key' ? slips[index]?.path.at(-1) : undefined
    if (key !== undefined && elsewhere.some(one => depends(`${key}`, path, one))) continue
    report.error(code, path, message, more)
  }
  const { rest, broken } = saved(schema, data, found)
  return { rest, broken: [...broken, ...elsewhere] }
}

function resolve(
  file: File,
  data: Record<string, unknown>,
  files: readonly string[],
  options: LoadOptions,
  surroundings: Surroundings,
  report: Reporter,
): Config {
  // Where a director is broken, who is who cannot be told: that it is broken is said already.
  const whole = keys(file.directors).length === keys(data['directors']).length
  const { directors, node, static: isStatic } = findNode(file, options, whole ? report : silent)
  const secret = secrets({ ...surroundings, static: isStatic }, report)
  const names: Names = {
    directors: keys(data['directors']),
    scripts: keys(data['scripts']),
    files: keys(data['files']),
    processes: keys(data['processes']),
    virtual_servers: keys(data['virtual_servers']),
  }
  if (
    directors.length > 0 &&
    file.directors === undefined &&
    keys(data['virtual_routers']).length > 0 &&
    data['directors'] === undefined
  )
    report.error('no-directors', ['virtual_routers'], 'virtual routers need directors', {
      suggestion: 'directors: { d1: { address: ..., priority: 150 } }',
      at: 'key',
    })
  directorRules(directors, report)

  const around = { directors, names, secrets: secret, report }
  for (const director of directors)
    routerRules(file, routers(file, { ...around, node: director }), { ...around, node: director })
  const own = routers(file, { ...around, node })

  const named = checks(file, secret, options.hostname, keys(data['checks']), report)
  const virtualServers = services(file, named, report)
  serviceRules(file, virtualServers, own, report)
  named.warnUnused()

  const rename = (name: string) => node.interfaces[name] ?? name
  const config: Config = {
    hash: createHash('sha256').update(canonical(data)).digest('hex'),
    files,
    node,
    static: isStatic,
    directors,
    routers: own,
    services: virtualServers,
    tracking: tracking(file, rename, secret, report),
    alerts: alerts(
      file,
      {
        directors: names.directors,
        routers: keys(data['virtual_routers']),
        services: names.virtual_servers,
        resolved: virtualServers,
      },
      report,
    ),
    twoBox: virtualServers.some(({ realServers }) =>
      realServers.some(({ address }) => directors.some(({ addresses }) => addresses.includes(address))),
    ),
    ...settings(file, rename, report),
  }
  // What of them is read is known when all else is resolved.
  const secretsHash = secret.digest()
  return secretsHash === undefined ? config : { ...config, secretsHash }
}

function directorRules(directors: Config['directors'], report: Reporter): void {
  const taken = new Map<string, string>()
  for (const { name, addresses } of directors)
    for (const [index, address] of addresses.entries()) {
      const other = taken.get(address)
      if (other !== undefined)
        report.error(
          'duplicate-director-address',
          ['directors', name, 'address', index],
          other === name ? `${address} stands twice in ${name}` : `${address} belongs to director ${other} already`,
        )
      taken.set(address, name)
    }
}

function keys(value: unknown): readonly string[] {
  return isMapping(value) ? Object.keys(value) : []
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
