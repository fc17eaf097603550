import { readFileSync } from 'node:fs'

/** The version in package.json, which lies beside `dist` in a package and beside `src` in a checkout. */
export const version: string = read()

function read(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string }).version
    } catch {
      // Look one folder higher.
    }
  }
  return 'unknown'
}
