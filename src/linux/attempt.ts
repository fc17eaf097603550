import { codeOf } from './errno.js'

/** Makes a change that may be refused: `ok`, or the errno name. */
export function attempt(change: () => void): string {
  try {
    change()
    return 'ok'
  } catch (error) {
    // os.setPriority's SystemError carries the errno name one level down.
    if (error instanceof Error && 'info' in error) return codeOf(error.info) ?? 'EIO'
    return codeOf(error) ?? 'EIO'
  }
}
