import { readFileSync } from 'node:fs'

const rereadAfter = 5_000

/**
 * Reads the key file, again at most every five seconds: a new key needs no reload, a flood of datagrams no disk. While the
 * file cannot be read, the last keys hold.
 * @param now monotonic ms
 */
export function keyReader(file: string, now: () => number, failed: (error: unknown) => void): () => readonly Buffer[] {
  let keys: readonly Buffer[] = []
  let readAt = Number.NEGATIVE_INFINITY
  return () => {
    if (now() - readAt < rereadAfter) return keys
    readAt = now()
    try {
      keys = parseKeys(readFileSync(file, 'utf8'))
    } catch (error) {
      failed(error)
    }
    return keys
  }
}

/**
 * One key per line, comments after `#`. To change the key without a gap: add the new one as second line on every
 * director, then make it the first, then remove the old one.
 */
export function parseKeys(text: string): Buffer[] {
  return text
    .split('\n')
    .map(line => line.replace(/\s*#.*$/, '').trim())
    .filter(line => line !== '')
    .map(line => Buffer.from(line))
}
