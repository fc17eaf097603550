import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import koffi from 'koffi'

const library = koffi.load(null)
const setns = library.func('int setns(int fd, int kind)') as (fd: number, kind: number) => number
const newNetwork = 0x40000000

export type Namespace = {
  readonly name: string
  /**
   * Runs `work` with this thread in the namespace and comes back. Sockets keep the namespace they were made in, so whatever `work` opens BEFORE its
   * first await lives there: `ns.enter(() => watchLinks())`. No child process needed. vitest's workers are processes, so the thread is the main one.
   */
  enter<T>(work: () => T): T
  /** The same over awaits: until `work` is done the whole process is in the namespace. For what opens files of /proc late. */
  stay<T>(work: () => Promise<T>): Promise<T>
  /** A command inside, its output. Throws when it fails. */
  run(...command: string[]): string
  start(...command: string[]): ChildProcess
}

export type Segment = { readonly a: Namespace; readonly b: Namespace; remove(): void }

/** Two namespaces joined by a veth pair, `eth0` in both, with 10.9.0.11/24 and fd00:9::11/64 in a, .12 in b. `remove` takes away these two and nothing else. */
export function segment(): Segment {
  const a = create()
  const b = create()
  a.run('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', b.name)
  for (const [namespace, host] of [
    [a, 11],
    [b, 12],
  ] as const) {
    namespace.run('ip', 'addr', 'add', `10.9.0.${host}/24`, 'dev', 'eth0')
    namespace.run('ip', 'addr', 'add', `fd00:9::${host}/64`, 'dev', 'eth0', 'nodad')
    // A link-local address that is usable at once.
    namespace.run('ip', 'link', 'set', 'eth0', 'addrgenmode', 'none')
    namespace.run('ip', 'link', 'set', 'eth0', 'up')
    namespace.run('ip', 'addr', 'add', `fe80::${host}/64`, 'dev', 'eth0', 'nodad')
  }
  return {
    a,
    b,
    remove() {
      execFileSync('ip', ['netns', 'del', a.name])
      execFileSync('ip', ['netns', 'del', b.name])
    },
  }
}

let counter = 0

function create(): Namespace {
  const name = `lk-${process.pid}-${++counter}`
  execFileSync('ip', ['netns', 'add', name])
  const command = (args: string[]) => ['netns', 'exec', name, ...args]
  const namespace: Namespace = {
    name,
    enter: work => enter(name, work),
    async stay(work) {
      const home = openSync('/proc/self/ns/net', 'r')
      const there = openSync(`/run/netns/${name}`, 'r')
      setns(there, newNetwork)
      closeSync(there)
      return work().finally(() => {
        setns(home, newNetwork)
        closeSync(home)
      })
    },
    run: (...args) => execFileSync('ip', command(args), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
    start: (...args) => spawn('ip', command(args), { stdio: ['ignore', 'pipe', 'pipe'] }),
  }
  namespace.run('ip', 'link', 'set', 'lo', 'up')
  return namespace
}

function enter<T>(name: string, work: () => T): T {
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

const root = resolve(import.meta.dirname, '../..')

/**
 * The folder of the compiled program, for child processes that must be killed for real: `import('<compiled()>/src/linux/x.js')`. Made by tsc once per
 * run of vitest, which is the parent of all its workers (while it watches: once per test file), inside node_modules so that packages are found from there.
 */
export function compiled(): string {
  const cache = `${root}/node_modules/.cache`
  const folder = `${cache}/lvskeeper-${process.env['VITEST_MODE'] === 'RUN' ? process.ppid : process.pid}`
  if (existsSync(folder)) return folder
  const unfinished = `${folder}-${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  // vitest ends its workers without an `exit` event: what earlier ones left is removed by the next.
  for (const name of readdirSync(cache)) {
    const pid = /^lvskeeper-(\d+)(-\d+)?$/.exec(name)?.[1]
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(`${cache}/${name}`, { recursive: true, force: true })
  }
  try {
    execFileSync(
      `${root}/node_modules/.bin/tsc`,
      ['-p', 'tsconfig.build.json', '--outDir', unfinished, '--incremental', 'false', '--tsBuildInfoFile', 'null'],
      {
        cwd: root,
        stdio: 'pipe',
      },
    )
  } catch {
    // Type errors do not keep tsc from emitting; a file that is really missing fails at import.
  }
  renameSync(unfinished, folder)
  return folder
}

/** Polls until `ask` answers something true, or throws after `limit` ms with what it was waiting for. */
export async function until<T>(what: string, ask: () => T | undefined | false, limit = 5000): Promise<T> {
  const end = performance.now() + limit
  for (;;) {
    const answer = ask()
    if (answer) return answer
    if (performance.now() > end) throw new Error(`waited ${limit} ms for ${what}`)
    await new Promise(wake => setTimeout(wake, 10))
  }
}

export const sleep = (ms: number) => new Promise<void>(wake => setTimeout(wake, ms))
