import { type ChildProcess, fork } from 'node:child_process'
import type { Address, Envelope, Message, Role } from '../messages.js'

/** One forked process of this program, as the parent sees it. */
export type Child = {
  readonly role: Role
  readonly pid: number
  readonly startedAt: number
  /** Monotonic time of the last sign of life; put off where whoever listens was late himself. */
  lastAlive: number
  /** Monotonic time of its last message. */
  readonly lastWord: number
  send(message: Message, from?: Address): void
  kill(signal: NodeJS.Signals): void
}

/** vrrp: nothing may delay an advert, so no helper threads whose turn the main thread would wait for. */
const flags: Readonly<Record<Role, readonly string[]>> = {
  vrrp: ['--single-threaded-gc', '--v8-pool-size=0', '--max-semi-space-size=2', '--max-old-space-size=128'],
  checkers: ['--max-semi-space-size=16'],
  control: [],
}

/** For files and names. checkers: dead network mounts keep two at most (checkers/file-start.ts). */
const threads: Readonly<Record<Role, string>> = { vrrp: '1', checkers: '6', control: '4' }

export function startChild(
  role: Role,
  env: Readonly<Record<string, string>>,
  onEnvelope: (child: Child, envelope: Envelope) => void,
  onExit: (child: Child, reason: string) => void,
): Child {
  const entry = process.argv[1]
  if (!entry) throw new Error('this program does not know its own file')
  const { LVSKEEPER_ROLE: _, ...rest } = process.env
  const handle: ChildProcess = fork(entry, [], {
    env: { ...rest, ...env, LVSKEEPER_ROLE: role, UV_THREADPOOL_SIZE: threads[role] },
    execArgv: [...process.execArgv, ...flags[role]],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Structured clone: keys are bytes, and numbers stay numbers.
    serialization: 'advanced',
    // Signals of a terminal (Ctrl-C) go to the parent alone, which leaves in order.
    detached: true,
  })
  const now = performance.now()
  let lastWord = now
  const child: Child = {
    role,
    pid: handle.pid ?? 0,
    startedAt: now,
    lastAlive: now,
    get lastWord() {
      return lastWord
    },
    send: (message, from = 'parent') => {
      if (handle.connected) handle.send({ to: role, from, message } satisfies Envelope, () => {})
    },
    kill: signal => handle.kill(signal),
  }
  handle.on('message', envelope => {
    lastWord = performance.now()
    child.lastAlive = lastWord
    onEnvelope(child, envelope as Envelope)
  })
  // Exactly one of the two says that it is over; 'error' also comes when it could not be started at all.
  let over = false
  const end = (reason: string) => {
    if (over) return
    over = true
    onExit(child, reason)
  }
  handle.on('exit', (code, signal) => end(signal ? `killed by ${signal}` : `exit code ${code}`))
  handle.on('error', error => handle.pid === undefined && end(error.message))
  return child
}
