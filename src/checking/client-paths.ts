import type { Verdict } from '../../checkers/verdict.js'
import type { CheckConfig } from '../../config/check-config.js'
import type { RealServerConfig } from '../../config/config.js'
import { familyOf } from '../ipvs/address.js'
import type { VirtualServerInput } from '../ipvs/inputs.js'
import type { NeededSysctl } from '../ipvs/sysctls.js'
import { type Event, mostPaths } from '../messages.js'
import type { Checks, Member, Pool } from './pool.js'

export type PathSpec = Extract<CheckConfig['probe'], { kind: 'client-path' }>

/** Names of the one-server services begin so; no name in a file can. */
const prefix = 'client path '

/**
 * Checks along the clients' path: for each real server one more service in the kernel's table, by a firewall mark of
 * its own, that leads to it alone. A director that holds the VIP cannot probe so (its kernel would answer itself)
 * unless the check says `from: all`; it believes the other directors instead.
 */
export function createClientPaths(holds: (vip: string) => boolean) {
  let peers: { readonly broken: ReadonlySet<number>; readonly heard: boolean } = { broken: new Set(), heard: false }
  let doubted = false
  let pathsOfTheirs = 0

  /** By the list of real servers, which is a new one whenever anything about them changes. */
  const known = new WeakMap<object, readonly VirtualServerInput[]>()

  function made(members: readonly Member[]): readonly VirtualServerInput[] {
    const before = known.get(members)
    if (before) return before
    const now = members.flatMap(({ service, server }) =>
      paths(server).map(path => input(`${prefix}${service.name}/${server.address} ${path.mark}`, path, server)),
    )
    known.set(members, now)
    return now
  }

  /** Of thousands of virtual servers mostly few or none are probed so. */
  const probed = (pool: Pick<Pool, 'services'>) =>
    [...pool.services()].filter(([, { members }]) => made(members).length > 0)

  return {
    isPath: (service: string): boolean => service.startsWith(prefix),
    /** The one-server services, for the table. */
    inputs: (pool: Pick<Pool, 'services'>): VirtualServerInput[] =>
      probed(pool).flatMap(([, { members }]) => made(members)),
    /** The virtual servers whose verdicts depend on who holds the VIP, and on what the other directors find. */
    services: (pool: Pick<Pool, 'services'>): string[] => probed(pool).map(([name]) => name),
    /** Why this path cannot be probed from here just now. */
    obstacle(path: PathSpec): string | undefined {
      return path.from !== 'all' && holds(path.vip)
        ? `this director holds ${path.vip}: the other directors probe the clients' path`
        : undefined
    },
    /**
     * What counts: the own result where this director can probe. Else what the others say; while none speaks, what was
     * found before. Never found out: fine, for the plain checks speak as well.
     */
    verdict(spec: CheckConfig, own: Verdict): Verdict {
      const { probe } = spec
      if (probe.kind !== 'client-path' || this.obstacle(probe) === undefined) return own
      if (peers.heard && !doubted) return peers.broken.has(probe.mark) ? 'down' : 'up'
      return own === 'unknown' ? 'up' : own
    },
    /** What this director finds broken, for the others; undefined where it can probe no path. */
    broken(pool: Pick<Pool, 'services'>, checks: Checks): number[] | undefined {
      const found: number[] = []
      let probes = false
      for (const [, { members }] of probed(pool))
        for (const { server, checkKeys } of members)
          server.checks.forEach(({ probe }, at) => {
            if (probe.kind !== 'client-path' || this.obstacle(probe) !== undefined) return
            const verdict = checks.report(checkKeys[at] ?? '')?.health.verdict
            if (verdict !== undefined && verdict !== 'unknown') probes = true
            if (verdict === 'down') found.push(probe.mark)
          })
      return probes ? found.sort((a, b) => a - b) : undefined
    },
    hear(broken: readonly number[], heard: boolean): void {
      peers = { broken: new Set(broken), heard }
    },
    /**
     * Every path broken, or as many as can be told: that is more likely the others' own trouble (a firewall there, marks that are not
     * set) than that of all real servers at once. It must not empty the table. Answers whether that has changed.
     */
    doubt(pool: Pick<Pool, 'services'>): {
      readonly doubted: boolean
      readonly changed: boolean
      readonly paths: number
    } {
      const theirs = new Set<number>()
      for (const [, { members }] of probed(pool))
        for (const { server } of members)
          for (const path of paths(server)) if (this.obstacle(path) !== undefined) theirs.add(path.mark)
      const broken = [...theirs].filter(mark => peers.broken.has(mark)).length
      const before = doubted
      doubted = peers.heard && broken > 1 && broken >= Math.min(theirs.size, mostPaths)
      pathsOfTheirs = theirs.size
      return { doubted, changed: doubted !== before, paths: theirs.size }
    },
    /** For the status of the table: how many paths the doubt is about, while there is one. */
    report: (): { readonly pathsDoubted?: number } => (doubted ? { pathsDoubted: pathsOfTheirs } : {}),
    /** `from: all`: the holder's kernel must take answers that come from its own address. */
    sysctls(pool: Pick<Pool, 'services'>, interfaces: readonly string[]): NeededSysctl[] {
      return pathSettings(
        probed(pool).flatMap(([, { members }]) => members.map(({ server }) => server)),
        interfaces,
      )
    },
  }
}

/** What the kernel needs where the holder of the VIP probes these real servers too. */
export function pathSettings(
  servers: readonly Pick<RealServerConfig, 'checks'>[],
  interfaces: readonly string[],
): NeededSysctl[] {
  const all = servers.some(server => paths(server).some(({ from, vip }) => from === 'all' && familyOf(vip) === 4))
  if (!all) return []
  return interfaces.map(name => ({
    name: `net.ipv4.conf.${name.replaceAll('.', '/')}.accept_local`,
    value: '1',
    why: 'client_path from all directors: answers to probes of the VIP come from an own address',
    brief: true,
  }))
}

export function doubtEvent(doubted: boolean, paths: number): Event {
  const base = { at: Date.now(), subject: 'table' }
  if (!doubted)
    return {
      ...base,
      name: 'paths.believed',
      level: 'notice',
      text: "what the other directors find on the clients' paths counts again",
    }
  const text = `the other directors find all ${paths} clients' paths broken, which is more likely their own trouble: it does not count`
  return { ...base, name: 'paths.doubted', level: 'alarm', text, data: { paths } }
}

export type ClientPaths = ReturnType<typeof createClientPaths>

function paths({ checks }: Pick<RealServerConfig, 'checks'>): PathSpec[] {
  return checks.flatMap(({ probe }) => (probe.kind === 'client-path' ? [probe] : []))
}

function input(name: string, { mark, vip }: PathSpec, server: RealServerConfig): VirtualServerInput {
  const { address, forward, tunnel } = server
  return {
    name,
    ids: [{ mark, family: familyOf(vip) }],
    settings: { scheduler: 'rr', flags: [], onePacket: false },
    quorum: 0,
    hysteresis: 0,
    start: 'up',
    servers: [
      {
        address,
        port: 0,
        settings: { weight: 1, forward, upper: 0, lower: 0, ...(tunnel ? { tunnel } : {}) },
        // Whatever its checks say: only by being asked can it show that it is well again.
        verdict: 'up',
        inhibit: false,
      },
    ],
  }
}
