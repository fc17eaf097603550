import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Status } from '../../src/status/status.js'
import { type Done, exec, inLab, labFolder, type ProbeReport } from '../lab/harness.js'

if (!inLab) throw new Error('run this with: deploy/lab/lab run -- npx vitest run --project lab')

/**
 * Two directors of the compiled program (`npm run build`) on the lab's network, as `deploy/lab/director.mjs` starts and asks them. The
 * start of one costs seconds of the lab's only processor: a file of tests shares one pair and leaves it as it was.
 */
export async function createPair(shape: {
  readonly mode: 'dr' | 'nat' | 'tun'
  readonly config?: string
}): Promise<Pair> {
  const net = lab(`pair${++counter}`)
  // On a kernel with IPVS of its own two labs side by side share /tmp.
  const home = mkdtempSync(join(tmpdir(), `lvskeeper-${net.prefix}-`))
  const source = join(home, 'source.yaml')
  const config = shape.config ?? pairFile(shape.mode)
  writeFileSync(source, config)
  net.up('--mode', shape.mode)
  const alerts: Alert[] = []
  const receiver = net.spawn('cl', [process.execPath, join(labFolder, '../demo/receiver.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  receiver.stdout?.on('data', part => {
    for (const line of String(part).split('\n').filter(Boolean)) {
      const alert = JSON.parse(line) as Alert | { listening: true }
      if ('name' in alert) alerts.push(alert)
    }
  })
  const d1 = director(net, 'd1', { config: source, home })
  const d2 = director(net, 'd2', { home })
  const nginxPids = (server: string): number[] => {
    const pid = Number(readFileSync(`/run/lvskeeper-lab/${net.prefix}/nginx-${server}/pid`, 'utf8'))
    const workers = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
    return [pid, ...workers]
  }
  return {
    net,
    d1,
    d2,
    config,
    alerts,
    write: text => writeFileSync(d1.file, text),
    client: (every = 10, timeout = 250) => client(net, every, timeout),
    curl: async () => (await exec(net.ns('cl'), ['curl', '-sS', '-m', '2', `http://${vip}/`])).stdout.trim(),
    exec: (name, ...argv) => exec(net.ns(name), argv),
    killNginx: server => {
      for (const pid of nginxPids(server)) process.kill(pid, 'SIGKILL')
    },
    async end() {
      receiver.kill('SIGKILL')
      for (const one of [d1, d2]) {
        try {
          one.crash()
        } catch {
          // It is down already.
        }
      }
      endKeepers()
      net.down()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

export const vip = '10.9.0.100'

/** The lab's file of a pair. Tunnels have none of their own: it is direct routing with another word. */
export function pairFile(mode: 'dr' | 'nat' | 'tun'): string {
  const text = readFileSync(join(labFolder, `pair-${mode === 'nat' ? 'nat' : 'dr'}.yaml`), 'utf8')
  return mode === 'tun' ? text.replaceAll('forward: dr', 'forward: tun') : text
}

/** Addresses of the real servers in a director's kernel, by service; weights beside them. */
export const servers = (one: Director, service = 0): string[] =>
  (one.table()[service]?.[1] ?? []).map(({ address, weight }) => `${address.replace(/:\d+$/, '')} ${weight}`).sort()

/** Both directors answer, d1 is master, both tables are complete. */
export async function untilReady({ d1, d2 }: Pick<Pair, 'd1' | 'd2'>, count = 2): Promise<void> {
  const full = (one: Director) => servers(one).length === count
  await until(
    'd1 is master, both tables are complete',
    () => d1.holds(vip) && !d2.holds(vip) && full(d1) && full(d2),
    60_000,
    20,
  )
  for (const one of [d1, d2])
    await until(
      `${one.name} hears the other director`,
      async () => (await status(one))?.peers.every(peer => peer.state === 'fresh' && peer.report?.tableReady),
      30_000,
      200,
    )
  for (const one of [d1, d2]) await untilRunning(one)
}

/** All of its processes run, and so does vrrp's spare. */
export async function untilRunning(one: Director): Promise<void> {
  await until(
    `all processes of ${one.name} run`,
    async () =>
      (await status(one))?.processes.every(part => part.state === 'running') && one.pids().spare !== undefined,
    40_000,
    100,
  )
}

/** The status object from its socket; undefined while nobody answers. */
export const status = (one: Director): Promise<Status | undefined> => one.get<Status>('/v1/status')

/** Looks every few milliseconds, for as long as `during` takes, and at least `ms`; answers what `wrong` found first. */
export async function meanwhile(ms: number, wrong: () => string | undefined): Promise<string | undefined> {
  const end = performance.now() + ms
  while (performance.now() < end) {
    const found = wrong()
    if (found) return found
    await sleep(5)
  }
  return undefined
}

export const lost = (report: ProbeReport): number => Object.values(report.errors).reduce((sum, count) => sum + count, 0)

async function client(net: Net, every: number, timeout: number) {
  const argv = [
    '--target',
    `${vip}:80`,
    '--threshold',
    '20',
    '--every',
    String(every),
    '--timeout',
    String(timeout),
    '--tell',
  ]
  const child = net.spawn('cl', [process.execPath, join(labFolder, 'probe.mjs'), ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  child.stdout?.on('data', part => {
    out += part
  })
  await new Promise(asking => child.stderr?.once('data', asking))
  return {
    end: () =>
      new Promise<ProbeReport>(resolve => {
        child.on('close', () => resolve(JSON.parse(out) as ProbeReport))
        child.kill('SIGTERM')
      }),
  }
}

export type Pair = {
  readonly net: Net
  readonly d1: Director
  readonly d2: Director
  /** The file as it was at the start; `write` puts another in its place (both directors read the same). */
  readonly config: string
  readonly alerts: readonly Alert[]
  write(text: string): void
  /** A new connection every so many ms, given up after `timeout` ms. */
  client(every?: number, timeout?: number): Promise<{ end(): Promise<ProbeReport> }>
  curl(): Promise<string>
  exec(name: string, ...argv: string[]): Promise<Done>
  killNginx(server: string): void
  end(): Promise<void>
}

export type Alert = { readonly received: number; readonly node: string; readonly name: string; readonly text: string }

/** What `deploy/lab/director.mjs` offers, in types. */
export type Net = {
  readonly prefix: string
  ns(name: string): string
  topology(...args: string[]): void
  up(...args: string[]): void
  down(): void
  spawn(name: string, argv: readonly string[], options?: SpawnOptions): ChildProcess
  cut(name: string): Promise<unknown>
  heal(name: string): Promise<unknown>
}

export type Director = {
  readonly name: string
  readonly file: string
  readonly run: string
  start(options?: { nice?: number }): ChildProcess
  cli(command: string, ...more: string[]): Promise<string>
  ask(path: string, body: unknown): Promise<string>
  get<T>(path: string): Promise<T | undefined>
  up(limit?: number): Promise<unknown>
  pid(): number
  pids(): Partial<Record<Process, number>> & { parent: number }
  crash(pids?: readonly number[]): void
  stop(): Promise<void>
  table(): readonly [string, readonly { address: string; forward: string; weight: number; active: number }[]][]
  holds(address: string): boolean
  log(): string
}

export type Process = 'parent' | 'vrrp' | 'spare' | 'checkers' | 'spareCheckers' | 'control'

type DirectorModule = {
  lab(prefix: string): Net
  director(net: Net, name: string, options: { config?: string; home: string }): Director
  endKeepers(): void
  sleep(ms: number): Promise<void>
  until<T>(what: string, done: () => T | Promise<T>, limit?: number, pause?: number): Promise<{ value: T; ms: number }>
}

let counter = 0
const module = (await import(join(labFolder, 'director.mjs'))) as DirectorModule
export const { lab, director, endKeepers, sleep, until } = module
