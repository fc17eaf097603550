import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Output of a program; undefined: it is not here, or refused. */
export function run(program: string, args: readonly string[]): string | undefined {
  try {
    const options = { encoding: 'utf8' as const, timeout: 10_000, maxBuffer: 2 ** 28 }
    return execFileSync(program, args, {
      ...options,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
    })
  } catch {
    return undefined
  }
}

export function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

export function list(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
