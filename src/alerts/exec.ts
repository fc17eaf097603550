import { spawn } from 'node:child_process'
import type { Event } from '../messages.js'
import type { Delivery, ExecConfig, Transport } from './alert.js'
import { payload } from './webhook.js'

/** The kernel takes 128 KiB per string (execve(2)); nobody wants that in a variable. */
const longest = 4_096

/**
 * Runs a program, no shell: the alert as JSON on its standard input, the main words in its environment. It runs in its
 * own process group; when its time is over the whole group is killed, grandchildren too.
 */
export function exec({ argv, timeout = 10_000, retry = true }: ExecConfig): Transport {
  return (batch, signal) =>
    new Promise<Delivery>(resolve => {
      const { event } = batch.alerts[0]
      const [program = '', ...rest] = argv
      const env = {
        PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
        LVSKEEPER_EVENT: event.name,
        LVSKEEPER_SUBJECT: event.subject.slice(0, longest),
        LVSKEEPER_LEVEL: event.level,
        LVSKEEPER_NODE: batch.node,
        LVSKEEPER_TEXT: event.text.slice(0, longest),
        ...change(event, 'from'),
        ...change(event, 'to'),
      }
      const child = spawn(program, rest, { detached: true, env, stdio: ['pipe', 'ignore', 'pipe'] })
      let complaint = ''
      let killed = ''
      const kill = (why: string) => {
        killed = why
        if (child.pid === undefined) return
        try {
          process.kill(-child.pid, 'SIGKILL')
        } catch {
          // Gone already.
        }
      }
      const stop = () => kill('stopped')
      const timer = setTimeout(() => kill(`still running after ${timeout} ms`), timeout)
      const end = (delivery: Delivery) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        resolve(delivery)
      }
      signal.addEventListener('abort', stop, { once: true })
      child.stderr.on('data', (chunk: Buffer) => {
        if (complaint.length < 300) complaint += chunk.toString()
      })
      // A program that does not read its input is fine.
      child.stdin.on('error', () => {})
      child.stdin.end(`${JSON.stringify(payload(batch))}\n`)
      child.on('error', error => end({ ok: false, reason: error.message, rejected: !retry }))
      child.on('exit', (code, by) => {
        // The program may have gone and left children behind that hold our pipe.
        child.stderr.destroy()
        if (code === 0 || (!retry && killed !== 'stopped')) end({ ok: true })
        else end({ ok: false, reason: [killed || `exit ${code ?? by}`, complaint.trim()].filter(Boolean).join(': ') })
      })
    })
}

/** The states before and after, of events that have them. */
function change({ data }: Event, which: 'from' | 'to'): Record<string, string> {
  const state = data?.[which]
  return typeof state === 'string' ? { [`LVSKEEPER_${which.toUpperCase()}`]: state } : {}
}
