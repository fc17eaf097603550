import { existsSync, readFileSync } from 'node:fs'
import { type Director, type Pair, untilReady } from './pair.js'

/**
 * Makes the pair whole again, whatever the test before has left: cables, real servers, directors. A test that failed half way
 * must not take the others, nor its own second try, with it.
 */
export async function restore(pair: Pair): Promise<void> {
  const { d1, d2, net } = pair
  for (const one of [d1, d2]) await net.heal(one.name)
  for (const server of ['rs1', 'rs2']) {
    const pid = read(`/run/lvskeeper-lab/${net.prefix}/nginx-${server}/pid`)
    if (!alive(pid)) net.topology('nginx', 'start', server)
  }
  for (const one of [d1, d2]) if (!runs(one)) one.start()
  await untilReady(pair)
}

/** Whether its parent process runs. */
export function runs(one: Director): boolean {
  return alive(read(`${one.run}/lvskeeper.pid`))
}

function read(file: string): number {
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
}

/** A zombie has no command line. */
function alive(pid: number): boolean {
  try {
    return pid > 0 && readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== ''
  } catch {
    return false
  }
}
