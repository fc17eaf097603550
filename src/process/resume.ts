import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Held } from '../messages.js'
import { type Paths, resumeFile } from './paths.js'

type Resume = { readonly boot: string; readonly at: string; readonly held: readonly Held[] }

/**
 * Remembers over a restart which VIPs this director goes on holding. Monotonic time: a clock step changes nothing.
 * The patience of each is what the last advert before the restart asked of the others.
 * @param leftAt before the last advert (ns, process.hrtime): the others count from there, not from the end of the last child
 */
export function writeResume(paths: Paths, held: readonly Held[], leftAt: bigint): void {
  const resume: Resume = { boot: bootId(), at: leftAt.toString(), held }
  writeFileSync(resumeFile(paths), JSON.stringify(resume))
}

export function forgetResume(paths: Paths): void {
  rmSync(resumeFile(paths), { force: true })
}

/** What the process before us held, its patience shortened by the time that has passed; nothing when that is too long ago. */
export function readResume(paths: Paths): readonly Held[] {
  try {
    const resume = JSON.parse(readFileSync(resumeFile(paths), 'utf8')) as Resume
    forgetResume(paths)
    const passed = Number(process.hrtime.bigint() - BigInt(resume.at)) / 1e6
    if (resume.boot !== bootId() || passed < 0) return []
    return resume.held
      .map(router => ({ ...router, patience: router.patience - passed }))
      .filter(({ patience }) => patience > 0)
  } catch {
    // No file, or one that a full disk cut short: a start like any other.
    return []
  }
}

/** /proc/sys/kernel/random/boot_id: monotonic times of another boot mean nothing. */
function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}
