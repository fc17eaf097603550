import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'

/**
 * The lab's network for tests: real namespaces, real nginx, built by `deploy/lab/topology`. The same natively (`*.netns.test.ts`)
 * and inside the kernel with IPVS (`*.lab.test.ts`).
 */
export async function createTopology(shape: Shape = {}): Promise<Topology> {
  const prefix = `lk${process.pid}-${++counter}`
  const environment = { ...process.env, LVSKEEPER_LAB_PREFIX: prefix }
  const topology = async (...args: string[]) =>
    (await run(`${labFolder}/topology`, args, { env: environment, maxBuffer })).stdout
  const running = new Set<ChildProcess>()

  await topology(
    'up',
    ...['--mode', shape.mode ?? 'dr', '--real-servers', String(shape.realServers ?? 2)],
    ...(shape.inner ? ['--inner'] : []),
    ...(shape.router ? ['--router'] : []),
    ...(shape.nginx === false ? ['--no-nginx'] : []),
  )
  const last = () => execFileSync(`${labFolder}/topology`, ['down'], { env: environment })
  process.once('exit', last)

  return {
    prefix,
    ns: name => `${prefix}-${name}`,
    exec: (name, argv) => exec(`${prefix}-${name}`, argv),
    spawnIn(name, argv, options) {
      const child = spawnIn(`${prefix}-${name}`, argv, options)
      running.add(child)
      child.once('exit', () => running.delete(child))
      return child
    },
    nginx: async (action, ...servers) => void (await topology('nginx', action, ...servers)),
    keepalived: (action, director, ...options) => topology('keepalived', action, director, ...options),
    cut: async name => void (await topology('cut', name)),
    heal: async name => void (await topology('heal', name)),
    kill: async name => void (await topology('kill', name)),
    crash: async name => void (await topology('crash', name)),
    async down() {
      await Promise.all([...running].map(child => stop(child, 'SIGKILL')))
      await topology('down')
      process.off('exit', last)
    },
  }
}

export type Shape = {
  /** 2 unless it says other. */
  readonly realServers?: number
  /** How the real servers are prepared: VIP on lo, the directors as gateway, or VIP on tunl0. */
  readonly mode?: 'dr' | 'nat' | 'tun'
  /** An inner network on the directors' eth1 also when the mode needs none. */
  readonly inner?: boolean
  /** The client behind a router instead of on the directors' network. */
  readonly router?: boolean
  readonly nginx?: boolean
}

/** d1, d2: directors; rs1..: real servers; cl: the client; rt: the router; sw: the switch (bridges br0, br1; one port named as each node). */
export type Name = 'd1' | 'd2' | 'cl' | 'rt' | 'sw' | `rs${number}`

export interface Topology {
  readonly prefix: string
  /** The full name of a namespace, as `ip netns` has it. */
  ns(name: Name): string
  exec(name: Name, argv: readonly string[]): Promise<Done>
  /** Ended by `down` at the latest. */
  spawnIn(name: Name, argv: readonly string[], options?: SpawnOptions): ChildProcess
  nginx(action: 'start' | 'stop' | 'kill', ...servers: `rs${number}`[]): Promise<void>
  keepalived(action: 'start' | 'stop' | 'kill' | 'log', director: 'd1' | 'd2', ...options: string[]): Promise<string>
  /** Pulls the cable at the switch: the node loses its carrier. */
  cut(name: Name): Promise<void>
  heal(name: Name): Promise<void>
  /** kill -9 to every process in the namespace; addresses and tables stay. */
  kill(name: Name): Promise<void>
  /** The machine is gone: cable cut and every process killed. */
  crash(name: Name): Promise<void>
  down(): Promise<void>
}

export type Done = { readonly status: number; readonly stdout: string; readonly stderr: string }
export type SpawnOptions = {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly stdio?: 'pipe' | 'inherit' | 'ignore'
}

/** A command in a namespace; a failing one is an answer, not an exception. */
export async function exec(namespace: string, argv: readonly string[]): Promise<Done> {
  try {
    const { stdout, stderr } = await run('ip', ['netns', 'exec', namespace, ...argv], { maxBuffer })
    return { status: 0, stdout, stderr }
  } catch (error) {
    if (
      error instanceof Error &&
      'code' in error &&
      typeof error.code === 'number' &&
      'stdout' in error &&
      'stderr' in error
    )
      return { status: error.code, stdout: String(error.stdout), stderr: String(error.stderr) }
    throw error
  }
}

/** Its pid is that of the program itself: `ip netns exec` replaces itself by it. */
export function spawnIn(namespace: string, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawn('ip', ['netns', 'exec', namespace, ...argv], { stdio: 'pipe', ...options })
}

/** Ends one process and waits until it is gone. */
export function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  return new Promise(done => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return done()
    child.once('exit', () => done())
    child.kill(signal)
  })
}

/** Asks until the answer is true, and hands it over; throws with what it waited for after `limit` milliseconds. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  limit = 10_000,
  every = 20,
): Promise<Exclude<T, false | undefined | null | 0 | ''>> {
  const end = performance.now() + limit
  for (;;) {
    const answer = await ask()
    if (answer) return answer as Exclude<T, false | undefined | null | 0 | ''>
    if (performance.now() > end) throw new Error(`waited ${limit} ms for ${what}`)
    await new Promise(wake => setTimeout(wake, every))
  }
}

/** The client that never stops asking (`deploy/lab/probe.mjs`); `end` tells what it saw. */
export function startProbe(
  topology: Topology,
  options: readonly string[] = ['--every', '5'],
): { end(): Promise<ProbeReport> } {
  const child = topology.spawnIn('cl', [process.execPath, `${labFolder}/probe.mjs`, ...options])
  let text = ''
  let trouble = ''
  child.stdout?.on('data', piece => {
    text += piece
  })
  child.stderr?.on('data', piece => {
    trouble += piece
  })
  return {
    async end() {
      const closed = new Promise(done => child.once('close', done))
      await stop(child)
      if (child.stdout?.readableEnded === false) await closed
      if (!text) throw new Error(`the probe said nothing: ${trouble}`)
      return JSON.parse(text) as ProbeReport
    },
  }
}

/** Times in epoch milliseconds. */
export type ProbeReport = {
  readonly start: number
  readonly end: number
  readonly attempts: number
  readonly ok: number
  readonly skipped: number
  readonly longestGapMs: number
  readonly gaps: readonly { readonly start: number; readonly end: number; readonly ms: number; readonly open?: true }[]
  readonly errors: Readonly<Record<string, number>>
  readonly servers: Readonly<Record<string, number>>
  readonly worstLatenessMs: number
}

/** Whether the kernel has IPVS: inside the lab it always does. */
export const inLab = process.env['LVSKEEPER_LAB'] !== undefined

export const labFolder = resolve(import.meta.dirname, '../../deploy/lab')

const run = promisify(execFile)
const maxBuffer = 64 * 1024 * 1024
let counter = 0
