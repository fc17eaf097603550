import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** What a listener's clients may do. probe: health, readiness and role only. */
export type Access = 'probe' | 'read' | 'admin'

export type Token = {
  /** Author of what it changes. */
  readonly name: string
  readonly file: string
  readonly access: 'read' | 'admin'
}

const ranks: Readonly<Record<Access, number>> = { probe: 0, read: 1, admin: 2 }

export function allows(has: Access, needs: Access): boolean {
  return ranks[has] >= ranks[needs]
}

/**
 * The token that a request carries. Files are read each time, so that a rotated token holds at once; all are compared,
 * as digests, in a time that tells nothing.
 */
export function tokenOf(authorization: string | undefined, tokens: readonly Token[]): Token | undefined {
  const [, given] = /^Bearer (.+)$/i.exec(authorization ?? '') ?? []
  if (given === undefined) return undefined
  const digest = sha256(given.trim())
  return tokens.filter(token => {
    const expected = read(token.file)
    return expected !== undefined && timingSafeEqual(sha256(expected), digest)
  })[0]
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** An empty or unreadable file opens no door. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}
