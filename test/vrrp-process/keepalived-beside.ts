import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stop } from '../lab/harness.js'
import { type Pair, signal } from './pair.js'

/** keepalived as one of the directors of a pair, instead of the program. `program`: which, if not the machine's own. */
export function keepalivedBeside({ home, topology }: Pair, name: 'd1' | 'd2', config: string, program = 'keepalived') {
  const file = join(home, 'keepalived.conf')
  writeFileSync(file, config)
  const pids = ['-p', join(home, 'keepalived.pid'), '-r', join(home, 'keepalived-vrrp.pid')]
  const child = topology.spawnIn(name, [program, '-n', '-l', '-D', '-P', '-f', file, ...pids])
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', piece => {
      log += piece
    })
  return {
    log: () => log,
    /** SIGTERM: it says that it leaves. */
    stop: () => stop(child),
    /** SIGHUP, with another file. */
    reload(changed: string) {
      writeFileSync(file, changed)
      child.kill('SIGHUP')
    },
    /** All of its processes at once. */
    crash() {
      const { pid, exitCode, signalCode } = child
      if (pid === undefined || exitCode !== null || signalCode !== null) return
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
      for (const each of [...children.filter(Boolean).map(Number), pid]) signal(each, 'SIGKILL')
    },
  }
}
