import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apiClient } from '../../src/api/client.js'
import type { Change } from '../../src/api/handlers.js'
import type { StoredEvent } from '../../src/events/store.js'
import type { Explanation } from '../../src/status/explain.js'
import type { Status } from '../../src/status/status.js'
import { compiled, type Namespace, sleep } from '../linux/namespaces.js'

/** The whole program, four processes of it, in a namespace of the test. */
export function director(namespace: Namespace, node = 'd1') {
  const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-director-'))
  const file = join(folder, 'lvskeeper.yaml')
  const run = join(folder, 'run')
  const state = join(folder, 'state')
  const program = join(compiled(), 'src/main.js')
  const paths = ['--run-dir', run, '--state-dir', state]
  const control = apiClient(join(run, 'control.sock'), 30_000)
  let parent: ChildProcess | undefined
  mkdirSync(run)

  async function answers(): Promise<Status> {
    const end = performance.now() + 20_000
    for (;;) {
      try {
        return await control.get<Status>('/v1/status')
      } catch (error) {
        if (performance.now() > end || parent?.exitCode !== null)
          throw new Error(`no director: ${error instanceof Error ? error.message : error}\n${log()}`)
        await sleep(20)
      }
    }
  }

  function log(): string {
    return readFileSync(join(folder, 'log'), 'utf8')
  }

  return {
    folder,
    file,
    run,
    state,
    log,
    write: (text: string) => writeFileSync(file, text),
    status: () => control.get<Status>('/v1/status'),
    events: (last = 200) => control.get<StoredEvent[]>(`/v1/events?last=${last}`),
    explain: (subject: string) => control.get<Explanation>(`/v1/explain?subject=${encodeURIComponent(subject)}`),
    post: (path: string, body: unknown = {}) => control.post<Change>(path, body),
    delete: (path: string) => control.delete<Change>(path),
    parentPid: () => parent?.pid,
    /** The checkers process that stands ready, once it does. */
    spareCheckers: () =>
      children(parent?.pid).find(pid => {
        const env = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
        return env.includes('LVSKEEPER_ROLE=checkers') && env.includes('LVSKEEPER_SPARE=1')
      }),
    /** Resolves when it answers. */
    async start(): Promise<Status> {
      const output = openSync(join(folder, 'log'), 'a')
      parent = spawn(
        'ip',
        ['netns', 'exec', namespace.name, process.execPath, program, 'run', '-c', file, '--node', node, ...paths],
        { stdio: ['ignore', output, output] },
      )
      return answers()
    },
    async until(what: string, holds: (status: Status) => boolean, limit = 10_000): Promise<Status> {
      const end = performance.now() + limit
      for (;;) {
        const status = await answers()
        if (holds(status)) return status
        if (performance.now() > end) throw new Error(`waited ${limit} ms for ${what}: ${JSON.stringify(status)}`)
        await sleep(20)
      }
    },
    async stop(): Promise<void> {
      if (parent && parent.exitCode === null) {
        const ended = new Promise(resolve => parent?.once('exit', resolve))
        parent.kill('SIGTERM')
        await ended
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function children(pid: number | undefined): number[] {
  const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return listed === '' ? [] : listed.split(' ').map(Number)
}
