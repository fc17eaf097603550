import type { ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import koffi from 'koffi'
import { apiClient } from '../../src/api/client.js'
import type { Change } from '../../src/api/handlers.js'
import { watchLinks } from '../../src/linux/links.js'
import type { Status } from '../../src/status/status.js'
import { createTopology, until } from '../lab/harness.js'
import { program } from './program.js'
import { listen } from './wire.js'

export const vip = '10.9.0.100'
export const now = () => performance.timeOrigin + performance.now()
export const sleep = (ms: number) => new Promise<void>(wake => setTimeout(wake, ms))

type Process = 'parent' | 'vrrp' | 'spare' | 'checkers' | 'spareCheckers' | 'control'
const spareOf: Readonly<Record<string, Process>> = { vrrp: 'spare', checkers: 'spareCheckers' }

export type PairOptions = {
  /** Lines of the virtual router beside vrid, interface, interval and VIP. */
  readonly router?: string
  readonly interval?: string
  /** Instead of `vips`. */
  readonly vips?: string
  /** Further lines at the top level. */
  readonly more?: string
  /** Further virtual routers, indented by two. */
  readonly routers?: string
  /** The directors are known by their IPv6 addresses as well. */
  readonly dual?: boolean
  /** An inner network on eth1. */
  readonly inner?: boolean
}

/** The program on both directors of a topology, without virtual servers: the kernel of the host needs no IPVS. */
export async function createPair(options: PairOptions = {}) {
  const file = await program()
  const topology = await createTopology({ realServers: 0, nginx: false, inner: options.inner === true })
  const home = mkdtempSync(join(tmpdir(), 'lvskeeper-pair-'))
  const config = join(home, 'lvskeeper.yaml')
  writeFileSync(join(home, 'peer.key'), 'a key for this test only, not a secret\n', { mode: 0o600 })
  const address = (last: number) => (options.dual ? `[10.9.0.${last}, 'fd00:9::${last}']` : `10.9.0.${last}`)
  const write = (changed: PairOptions) =>
    writeFileSync(
      config,
      `directors:
  d1: { address: ${address(11)}, priority: 150 }
  d2: { address: ${address(12)}, priority: 100 }
peer_key_file: ${home}/peer.key
virtual_routers:
  web:
    vrid: 51
    interface: eth0
    advert_interval: ${changed.interval ?? '100ms'}
    vips: [${changed.vips ?? `${vip}/32`}]
${(changed.router ?? '').replace(/^(?=.)/gm, '    ')}
${changed.routers ?? ''}
${changed.more ?? ''}`,
    )
  write(options)
  const wire = await listen(topology)
  const d1 = await director('d1')
  const d2 = await director('d2')

  async function director(name: 'd1' | 'd2') {
    const own = join(home, name)
    mkdirSync(own)
    const run = join(own, 'run')
    const links = await inside(topology.ns(name), () => watchLinks())
    /** When the VIP came and went. */
    const changes: { at: number; has: boolean }[] = []
    const has = () => links.addresses().some(({ address }) => address === vip)
    links.watch(() => {
      if (has() !== (changes.at(-1)?.has ?? false)) changes.push({ at: now(), has: has() })
    })
    let log = ''
    let parent: ChildProcess | undefined

    const get = (path: string): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const call = request({ socketPath: join(run, 'status.sock'), path, timeout: 5_000 }, answer => {
          let text = ''
          answer.on('data', piece => {
            text += piece
          })
          answer.on('end', () => resolve(JSON.parse(text)))
        })
        call.on('error', reject)
        call.on('timeout', () => call.destroy(new Error('no answer')))
        call.end()
      })

    const one = {
      name,
      run,
      address: name === 'd1' ? '10.9.0.11' : '10.9.0.12',
      changes,
      has,
      links,
      log: () => log,
      start(...args: string[]) {
        const argv = [process.execPath, file, 'run', '-c', config, '--node', name, '--run-dir', run]
        parent = topology.spawnIn(name, [...argv, '--state-dir', join(own, 'state'), ...args])
        for (const stream of [parent.stdout, parent.stderr])
          stream?.on('data', piece => {
            log += piece
          })
      },
      parent: () => parent!,
      get,
      status: async () => (await get('/v1/status').catch(() => undefined)) as Status | undefined,
      router: async (router = 'web') => (await one.status())?.routers.find(each => each.name === router),
      state: async (router = 'web') => (await one.router(router))?.state,
      /** Gives a router away, or takes it back, as the command does, without the start of a process for it. */
      failover: (order: { router: string; force?: true; back?: true }) =>
        apiClient(join(run, 'control.sock')).post<Change>('/v1/failover', order),
      /** Runs a command of the program against this director. */
      cli: (...argv: string[]) => topology.exec(name, [process.execPath, file, ...argv, '--run-dir', run]),
      events: async (pattern = '*') =>
        (await get(`/v1/events?name=${encodeURIComponent(pattern)}`)) as {
          name: string
          text: string
          at: number
          data?: Record<string, unknown>
        }[],
      /** Pids by role; a spare is the younger one. */
      pids(): Partial<Record<Process, number>> {
        const pid = parent!.pid!
        const found: Record<string, number> = { parent: pid }
        for (const child of children(pid)) {
          let role: string | undefined
          try {
            role = /LVSKEEPER_ROLE=(\w+)/.exec(readFileSync(`/proc/${child}/environ`, 'utf8'))?.[1]
          } catch {
            continue
          }
          if (role) found[found[role] === undefined ? role : spareOf[role]!] = child
        }
        return found
      },
      /** Whether vrrp and its spare are there and the director answers. */
      whole: () =>
        until(`${name} is whole`, async () => one.pids().spare && (await one.state()) !== undefined, 20_000, 50),
      kill(...roles: Process[]) {
        const pids = one.pids()
        for (const role of roles) signal(pids[role], 'SIGKILL')
      },
      /** The parent first: it would start others. */
      killAll() {
        const { parent, ...children } = one.pids()
        // A parent that dies first leaves time for vrrp to tell its peers of a restart, one that dies last would let a spare go on.
        signal(parent, 'SIGSTOP')
        for (const pid of [...Object.values(children), parent]) signal(pid, 'SIGKILL')
      },
    }
    return one
  }

  return {
    topology,
    wire,
    d1,
    d2,
    home,
    reconfigure: write,
    /** Both run, d1 is master, both have their spare process. */
    async up() {
      d1.start()
      await until('d1 is master', async () => (await d1.state()) === 'master', 20_000)
      d2.start()
      await until('d2 is backup', async () => (await d2.state()) === 'backup', 20_000)
      await Promise.all([d1.whole(), d2.whole()])
      await sleep(1_500)
    },
    /** What both said, for a test that failed. */
    story: () => [d1, d2].map(one => `${one.name}\n${one.log().slice(-6_000)}`).join('\n'),
    /** For how long both had the VIP from `since` on, in ms. */
    both(since: number): number {
      const moments = [...d1.changes.map(one => ({ ...one, who: 0 })), ...d2.changes.map(one => ({ ...one, who: 1 }))]
      moments.sort((a, b) => a.at - b.at)
      const has = [false, false]
      let total = 0
      let began: number | undefined
      for (const { at, who, has: now } of moments) {
        has[who] = now
        if (has[0] && has[1]) began ??= at
        else if (began !== undefined) {
          if (at >= since) total += at - Math.max(began, since)
          began = undefined
        }
      }
      return began === undefined ? total : total + now() - began
    },
    async down() {
      await wire.end()
      for (const one of [d1, d2]) {
        for (const pid of Object.values(one.parent() ? one.pids() : {})) signal(pid, 'SIGKILL')
        one.links.close()
      }
      await topology.down()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

export type Pair = Awaited<ReturnType<typeof createPair>>
export type Director = Pair['d1']

/** Nothing happens to a process that is gone already. */
export function signal(pid: number | undefined, name: NodeJS.Signals) {
  if (pid === undefined) return
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function children(pid: number): number[] {
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .filter(entry => {
      try {
        return readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(pid)
      } catch {
        return false
      }
    })
    .map(Number)
    .sort((a, b) => startOf(a) - startOf(b))
}

/** Process ids start over; times of birth do not (proc(5), field 22 of stat). */
function startOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19])
  } catch {
    return 0
  }
}

const library = koffi.load(null)
const setns = library.func('int setns(int fd, int kind)') as (fd: number, kind: number) => number
const newNetwork = 0x40000000

/** Runs `work`, up to its first await, in a namespace. */
function inside<T>(name: string, work: () => T): T {
  const home = openSync('/proc/self/ns/net', 'r')
  const there = openSync(`/run/netns/${name}`, 'r')
  if (setns(there, newNetwork) !== 0) throw new Error(`cannot enter ${name}`)
  try {
    return work()
  } finally {
    setns(home, newNetwork)
    closeSync(there)
    closeSync(home)
  }
}
