import { plain } from './yaml-writer.js'

export function same(a: Parameters<typeof plain>[0] | undefined, b: Parameters<typeof plain>[0] | undefined): boolean {
  return JSON.stringify(a === undefined ? null : plain(a)) === JSON.stringify(b === undefined ? null : plain(b))
}

export function show(value: Parameters<typeof plain>[0] | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(plain(value))
}
