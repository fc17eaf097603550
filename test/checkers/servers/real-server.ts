import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import type { Outcome, Target } from '../../../checkers/ports.js'
import { probeFor } from '../../../checkers/probe-for.js'
import type { ProbeSpec, TlsSpec } from '../../../checkers/spec.js'
import { pem, within } from '../listen.js'

/** Each kind against the server it is for, from Debian's packages, on loopback, in folders of our own. */
const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-servers-'))
// Servers that run as users of their own must come through.
chmodSync(folder, 0o755)
const running: ChildProcess[] = []
const pids = new Map<number, number>()

/** Where the certificates of the tests are. */
export const certificates = join(import.meta.dirname, '..', 'certificates')
/** A check that trusts no authority of ours, and one that does. */
export const tls: TlsSpec = { verify: 'full', warnDays: 14, failDays: 0 }
export const trusting: TlsSpec = { ...tls, ca: pem('ca.crt') }

/** Installs Debian's packages before the tests of this file, unless `path` is there. */
export function debian(path: string, ...packages: string[]): void {
  beforeAll(() => {
    if (existsSync(path)) return
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: 'ignore',
    })
  }, 600_000)
}

afterAll(async () => {
  for (const child of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    // What a wrapper has started does not end with it (postfix).
    const started = tree(child.pid ?? 0)
    child.kill('SIGTERM')
    await Promise.race([
      new Promise(resolve => child.once('exit', resolve)),
      new Promise(resolve => setTimeout(resolve, 10_000)),
    ])
    for (const pid of started) signal(pid, 'SIGKILL')
  }
  rmSync(folder, { recursive: true, force: true })
}, 120_000)

/** A folder for one server. */
export function own(name: string): string {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true })
  return path
}

/** The numeric user and group of this name. */
export function idOf(user: string): { uid: number; gid: number } {
  const id = (what: string) => Number(execFileSync('id', [what, user], { encoding: 'latin1' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** A port of loopback at which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

/** A process and all that it has forked. */
function tree(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean)
    return [pid, ...children.flatMap(child => tree(Number(child)))]
  } catch {
    return [pid]
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended.
  }
}

/** The first process of the server at this port. */
export const pidAt = ({ port }: Target): number => pids.get(port) ?? 0

/** What the checks find while every process of the server stands still: its kernel goes on accepting. */
export async function frozen(target: Target, looks: Record<string, [ProbeSpec, Partial<Outcome>, port?: number]>) {
  const stopped = tree(pidAt(target))
  for (const pid of stopped) signal(pid, 'SIGSTOP')
  try {
    for (const [name, [spec, wanted, port = target.port]] of Object.entries(looks)) {
      const began = performance.now()
      expect(await ask(spec, { ...target, port }, 300), name).toMatchObject(wanted)
      expect(performance.now() - began, name).toBeLessThan(1000)
    }
  } finally {
    for (const pid of stopped) signal(pid, 'SIGCONT')
  }
}
export const unheard: Partial<Outcome> = { passed: false, reason: 'timeout', layer: 'L7TOUT' }
export const unshaken: Partial<Outcome> = { passed: false, reason: 'timeout', layer: 'L6TOUT' }
/** Nobody listens. */
export const refused: Partial<Outcome> = { passed: false, reason: 'refused', layer: 'L4CON' }

/** Starts a program that stays in the foreground, and waits until it listens. */
export async function start(port: number, program: string, args: string[], uid?: number): Promise<Target> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  running.push(child)
  if (child.pid !== undefined) pids.set(port, child.pid)
  let complaints = ''
  child.stderr?.on('data', data => {
    complaints += data
  })
  for (let tries = 0; tries < 300; tries++) {
    if (await listens(port)) return { address: '127.0.0.1', port }
    if (child.exitCode !== null) break
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`${program} does not listen: ${complaints.slice(-2000)}`)
}

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

/** One attempt. */
export const ask = (spec: ProbeSpec, target: Target, ms = 5000) => probeFor(spec)(target, within(ms))

/** One attempt at a port of the same address at which nobody listens. */
export const askNobody = async (spec: ProbeSpec, target: Target) => ask(spec, { ...target, port: await freePort() })
