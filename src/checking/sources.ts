import { createHash } from 'node:crypto'
import { type FSWatcher, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { basename, dirname } from 'node:path'
import type { RealServerConfig, ServerSource, ServiceConfig } from '../../config/config.js'
import { canonical } from '../../vrrp/address.js'
import { serverKey } from '../ipvs/table.js'
import type { Event } from '../messages.js'
import { type Found, parseServers } from './server-file.js'

/** What the sources need of DNS; `node:dns` promises fit. A name without such records rejects. */
export interface Resolver {
  resolve4(name: string): Promise<string[]>
  resolve6(name: string): Promise<string[]>
  resolveSrv(name: string): Promise<{ name: string; port: number; weight: number; priority: number }[]>
}

export type SourcePorts = {
  readonly resolver: Resolver
  /** The last answers outlive the process: a restart while DNS is down empties nothing. */
  readonly memory: {
    read(): Readonly<Record<string, readonly Found[]>>
    write(all: Record<string, readonly Found[]>): void
  }
  tell(event: Event): void
  /** The real servers that a virtual server's sources name have changed. */
  changed(service: string, servers: readonly RealServerConfig[]): void
}

type Running = {
  readonly source: ServerSource
  found: readonly Found[]
  failing: boolean
  timer?: NodeJS.Timeout
  watcher?: FSWatcher | undefined
}

/** An editor writes in several steps. */
const settled = 100

/** Looks up real servers by DNS and in files, again and again. What vanishes keeps its last answer. */
export function createSources(ports: SourcePorts) {
  const services = new Map<string, { readonly config: ServiceConfig; readonly running: readonly Running[] }>()
  const remembered = { ...ports.memory.read() }

  function start(name: string, source: ServerSource): Running {
    const running: Running = { source, found: remembered[identity(source)] ?? [], failing: false }
    if (source.kind === 'file') running.watcher = watched(source.path, () => hurry(name, running))
    void look(name, running)
    return running
  }

  function hurry(name: string, running: Running): void {
    clearTimeout(running.timer)
    running.timer = setTimeout(() => void look(name, running), settled)
  }

  async function look(name: string, running: Running): Promise<void> {
    const { source } = running
    try {
      const found = await ask(source, ports.resolver)
      if (!runs(name, running)) return
      running.failing = false
      take(name, running, found)
    } catch (error) {
      if (!running.failing) {
        const text = error instanceof Error ? error.message : String(error)
        const kept = running.found.length
        ports.tell(
          event(
            'sources.failed',
            'warning',
            name,
            `${label(source)}: ${text}; the last answer stays (${kept} real servers)`,
          ),
        )
      }
      running.failing = true
    }
    if (!runs(name, running)) return
    clearTimeout(running.timer)
    running.timer = setTimeout(() => void look(name, running), source.refresh)
    running.timer.unref()
  }

  function runs(name: string, running: Running): boolean {
    return services.get(name)?.running.includes(running) === true
  }

  function take(name: string, running: Running, found: readonly Found[]): void {
    const [before, after] = [running.found, found].map(list => new Set(list.map(one => JSON.stringify(one))))
    if (!before || !after || (before.size === after.size && [...after].every(one => before.has(one)))) return
    const names = (list: readonly Found[]) => new Set(list.map(one => serverKey(one)))
    const [old, fresh] = [names(running.found), names(found)]
    running.found = found
    remembered[identity(running.source)] = found
    ports.memory.write(remembered)
    const added = [...fresh].filter(key => !old.has(key))
    const removed = [...old].filter(key => !fresh.has(key))
    const words = [...added.map(key => `+${key}`), ...removed.map(key => `-${key}`)].join(' ')
    ports.tell({
      ...event('sources.changed', 'notice', name, `${label(running.source)}: ${words || 'weights or tiers changed'}`),
      data: { service: name, added, removed },
    })
    publish(name)
  }

  function publish(name: string): void {
    const service = services.get(name)
    if (!service) return
    const all = service.running.flatMap(({ source, found }) => found.map(one => server(source, one)))
    ports.changed(name, [...new Map(all.map(one => [serverKey(one), one])).values()])
  }

  function stop(name: string): void {
    for (const { timer, watcher } of services.get(name)?.running ?? []) {
      clearTimeout(timer)
      watcher?.close()
    }
    services.delete(name)
  }

  return {
    /** A virtual server of the configuration, new or changed. */
    upsert(config: ServiceConfig): void {
      const { name, sources } = config
      const before = services.get(name)
      if (!before && sources.length === 0) return
      if (before && JSON.stringify(before.config.sources) === JSON.stringify(sources)) return
      stop(name)
      const running: Running[] = []
      services.set(name, { config, running })
      for (const source of sources) running.push(start(name, source))
      publish(name)
    },
    remove: stop,
    stop(): void {
      for (const name of [...services.keys()]) stop(name)
    },
  }
}

/** The folder is watched: a file that is replaced is another one. Where that is not possible, `refresh` does. */
function watched(path: string, changed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_, name) => {
      if (name === null || name === basename(path)) changed()
    })
    return watcher.on('error', () => watcher.close())
  } catch {
    return undefined
  }
}

async function ask(source: ServerSource, resolver: Resolver): Promise<readonly Found[]> {
  if (source.kind === 'file') {
    return sorted(parseServers(await jsonText(source.path), source.path, source.port))
  }
  const found = await records(source, resolver)
  // No name may empty a service: a zone that lost its records is a mistake more often than a wish.
  if (found.length === 0) throw new Error('the answer is empty')
  return sorted(found)
}

/** Loaded only where a file wants it. */
async function jsonText(path: string): Promise<string> {
  const text = await readFile(path, 'utf8')
  if (!/\.ya?ml$/.test(path)) return text
  const { plainYaml } = await import('../../config/plain-yaml.js')
  return JSON.stringify(plainYaml(text) ?? [])
}

async function records(
  { name, record, port }: Extract<ServerSource, { kind: 'dns' }>,
  resolver: Resolver,
): Promise<Found[]> {
  if (record === 'A') return (await resolver.resolve4(name)).map(address => ({ address, port }))
  if (record === 'AAAA') return (await resolver.resolve6(name)).map(address => ({ address, port }))
  const targets = await resolver.resolveSrv(name)
  // RFC 2782: the lowest priority first; what is left waits in the next tier.
  const ranks = [...new Set(targets.map(({ priority }) => priority))].sort((a, b) => a - b)
  const all = await Promise.all(
    targets.map(async target => {
      const addresses = await Promise.allSettled([resolver.resolve4(target.name), resolver.resolve6(target.name)])
      // Half an answer would take the other half's real servers out.
      const failed = addresses.find(each => each.status === 'rejected' && !hasNone(each.reason))
      if (failed?.status === 'rejected') throw failed.reason
      const found = addresses.flatMap(each => (each.status === 'fulfilled' ? each.value : []))
      if (found.length === 0) throw new Error(`${target.name} has no address`)
      return found.map(address => ({
        address,
        port: port > 0 ? port : target.port,
        tier: ranks.indexOf(target.priority),
        ...(target.weight > 0 ? { weight: target.weight } : {}),
      }))
    }),
  )
  return all.flat()
}

/** The name is known to have no such record: not that nobody could be asked. */
function hasNone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENODATA' || error.code === 'ENOTFOUND')
}

/** Addresses as the kernel writes them, else the same real server would be another one. */
function sorted(found: readonly Found[]): readonly Found[] {
  return found
    .filter(({ address }) => isIP(address) !== 0 && !address.includes('%'))
    .map(one => ({ ...one, address: canonical(one.address) }))
    .sort((a, b) => (serverKey(a) < serverKey(b) ? -1 : 1))
}

/** A real server as the file would have named it. */
function server(source: ServerSource, { address, port, weight, tier }: Found): RealServerConfig {
  const { forward, tunnel, upper, lower, checks, require } = source
  return {
    address,
    port,
    weight: weight ?? source.weight,
    tier: source.tier + (tier ?? 0),
    forward,
    upper,
    lower,
    require,
    ...(tunnel ? { tunnel } : {}),
    checks: checks.map(check => ownPath(check, address)),
  }
}

/** The source was placed once for all that it names: each has a path and a mark of its own. */
function ownPath(check: RealServerConfig['checks'][number], address: string): RealServerConfig['checks'][number] {
  const { probe } = check
  if (probe.kind !== 'client-path') return check
  const offset = createHash('sha256').update(`${probe.mark} ${address}`).digest().readUInt32BE(0) % 0x100000
  const mark = 0x4c500000 + offset
  return { ...check, key: `${check.key}-${mark.toString(16)}`, probe: { ...probe, mark } }
}

function identity(source: ServerSource): string {
  return source.kind === 'dns'
    ? `dns ${source.name} ${source.record} ${source.port}`
    : `file ${source.path} ${source.port}`
}

function label(source: ServerSource): string {
  return source.kind === 'dns' ? `${source.record} ${source.name}` : source.path
}

function event(name: string, level: Event['level'], service: string, text: string): Event {
  return { at: Date.now(), name, level, subject: `service ${service}`, text }
}
