import { readFileSync } from 'node:fs'

/** Most file descriptors that this process may have open (RLIMIT_NOFILE, soft; proc(5) limits). 1024 where it is not told. */
export function descriptorLimit(path = '/proc/self/limits'): number {
  try {
    const [, limit] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync(path, 'utf8')) ?? []
    if (limit === 'unlimited') return 1 << 20
    return limit === undefined ? 1024 : Number(limit)
  } catch {
    return 1024
  }
}
