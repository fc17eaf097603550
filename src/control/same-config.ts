import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../../config/config.js'

/**
 * Whether both ask for the same. Their hashes say so of the text alone, which is equal on all directors: what the files of keys and
 * passwords hold, and which number a user has here, is not in it.
 */
export function sameConfig(one: Config, other: Config): boolean {
  return one.hash === other.hash && isDeepStrictEqual({ ...one, files: [] }, { ...other, files: [] })
}
