import { spawn } from 'node:child_process'
import { excerpt, failed, timedOut } from './errors.js'
import type { Outcome, Probe, Target } from './ports.js'
import type { ExecSpec } from './spec.js'

/** First output bytes that are kept; the rest is read and dropped, so that the program never blocks. */
const OUTPUT = 4096

/**
 * Runs a program without a shell, in a process group of its own that is killed at the timeout, children included. Its
 * first line of output is the detail.
 */
export function execProbe(spec: ExecSpec): Probe {
  return (target, signal) =>
    new Promise(resolve => {
      const [program = '', ...args] = spec.argv.map(word => fill(word, target))
      const env = {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        LANG: 'C',
        LVSKEEPER_ADDRESS: target.address,
        LVSKEEPER_PORT: String(target.port),
        ...spec.env,
      }
      let output = ''
      let settled = false
      const settle = (outcome: Outcome) => {
        if (settled) return
        settled = true
        signal.removeEventListener('abort', late)
        resolve(outcome)
      }
      const child = spawn(program, args, {
        env,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
        ...(spec.uid === undefined ? {} : { uid: spec.uid }),
        ...(spec.gid === undefined ? {} : { gid: spec.gid }),
      })
      const late = () => {
        killGroup(child.pid)
        hangUp()
        settle(timedOut('L7', undefined, firstLine(output)))
      }
      const keep = (chunk: Buffer) => {
        if (output.length < OUTPUT) output += chunk.toString('utf8')
      }
      // Both are missing where not even a pipe could be made (EMFILE); `error` tells that.
      const pipes = [child.stdout, child.stderr].filter(Boolean)
      const hangUp = () => {
        for (const pipe of pipes) pipe.destroy()
      }
      for (const pipe of pipes) pipe.on('data', keep)
      // The program cannot be started: ours to mend, unless it is not there or not executable, which the file says wrongly.
      child.once('error', error => settle(failed('local-error', 'SOCKERR', error.message)))
      child.once('exit', (code, killedBy) => {
        // What it left behind in the background goes with it.
        killGroup(child.pid)
        // The output may still be in the pipe: one turn of the loop for it.
        setImmediate(() => {
          hangUp()
          if (code === null) settle(failed('exit-code', 'L7STS', `killed by ${killedBy}`, firstLine(output)))
          else settle(outcomeOf(code, spec.exit, firstLine(output)))
        })
      })
      if (signal.aborted) late()
      else signal.addEventListener('abort', late)
    })
}

function fill(word: string, { address, port }: Target): string {
  return word.replaceAll('{address}', address).replaceAll('{port}', String(port))
}

function firstLine(output: string): string {
  return excerpt(output.split('\n', 1)[0] ?? '', 200)
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // ESRCH: nothing of it is left.
  }
}

/** The exit code's meaning in each of the three conventions. */
export function outcomeOf(code: number, exit: ExecSpec['exit'], line: string): Outcome {
  const detail = line === '' ? `exit ${code}` : line
  const wrong = failed('exit-code', 'L7STS', `exit ${code}`, line)
  const right: Outcome = { passed: true, layer: 'L7OK', detail }
  if (code === 0) return right
  switch (exit) {
    case 'plain':
      return wrong
    case 'nagios':
      return code === 1 ? { ...right, warning: detail } : wrong
    case 'misc-dynamic':
      // keepalived.conf(5): 2 to 255 set the weight to the code minus 2.
      return code === 1 ? wrong : { ...right, wish: { weight: code - 2 } }
  }
}
