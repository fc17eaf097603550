import { getSystemErrorMap } from 'node:util'

/** A refusal of the kernel: `code` is the errno name (`EPERM`), `call` what was asked. Compared with `instanceof`. */
export class KernelError extends Error {
  readonly code: string
  readonly call: string

  constructor(call: string, code: string) {
    super(`${call}: ${code} (${meaning(code)})`)
    this.name = 'KernelError'
    this.code = code
    this.call = call
  }
}

/** The errno name of a positive number: 19 -> `ENODEV`. Unknown ones stay numbers. */
export function errnoName(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[0] ?? others.get(errno)?.[0] ?? String(errno)
}

/** What an errno name says to a person: `ENODEV` -> `no such device`. */
export function meaning(code: string): string {
  for (const [name, text] of getSystemErrorMap().values()) if (name === code) return text
  for (const [name, text] of others.values()) if (name === code) return text
  return 'unknown error'
}

/** The errno name of whatever was thrown, or undefined when it is not the kernel's refusal. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Numbers of asm-generic/errno.h that libuv's table lacks. */
const others = new Map<number, readonly [string, string]>([
  [3, ['ESRCH', 'no such process']],
  [115, ['EINPROGRESS', 'operation now in progress']],
  [28, ['ENOSPC', 'no space left on device']],
  [34, ['ERANGE', 'result too large']],
  [42, ['ENOMSG', 'no message of desired type']],
  [61, ['ENODATA', 'no data available']],
  [71, ['EPROTO', 'protocol error']],
  [93, ['EPROTONOSUPPORT', 'protocol not supported']],
  [94, ['ESOCKTNOSUPPORT', 'socket type not supported']],
  [96, ['EPFNOSUPPORT', 'protocol family not supported']],
  [122, ['EDQUOT', 'disk quota exceeded']],
])
