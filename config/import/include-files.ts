import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import type { IncludeFiles } from './keepalived-lines.js'

/** The files of this machine, for `include` lines. Patterns as glob(3) with GLOB_BRACE reads them. */
export const includeFiles: IncludeFiles = {
  list: pattern => [...new Set(expandBraces(pattern).flatMap(expandPattern))],
  read(path) {
    try {
      const found = statSync(path)
      if (!found.isFile()) return undefined
      return { text: readFileSync(path, 'utf8'), executable: (found.mode & 0o111) !== 0 }
    } catch {
      return undefined
    }
  },
}

/** `a{b,c{d,e}}` -> `ab`, `acd`, `ace`. */
export function expandBraces(pattern: string): string[] {
  const start = pattern.indexOf('{')
  if (start < 0) return [pattern]
  const cuts = [start]
  let depth = 0
  for (let i = start; i < pattern.length; i++) {
    const char = pattern.charAt(i)
    if (char === '{') depth++
    if (char === ',' && depth === 1) cuts.push(i)
    if (char === '}' && --depth === 0) {
      cuts.push(i)
      const choices = cuts.slice(1).map((cut, index) => pattern.slice((cuts[index] ?? 0) + 1, cut))
      const head = pattern.slice(0, start)
      const tails = expandBraces(pattern.slice(i + 1))
      return choices.flatMap(expandBraces).flatMap(choice => tails.map(tail => head + choice + tail))
    }
  }
  return [pattern]
}

function expandPattern(pattern: string): string[] {
  let found = [isAbsolute(pattern) ? '/' : '.']
  for (const segment of pattern.split('/').filter(part => part !== '')) {
    if (/[*?[]/.test(segment)) {
      const matches = segmentPattern(segment)
      found = found.flatMap(folder =>
        names(folder)
          .filter(name => matches.test(name))
          .map(name => join(folder, name)),
      )
    } else found = found.map(folder => join(folder, segment)).filter(exists)
  }
  return found.map(path => (isAbsolute(pattern) ? resolve(path) : path))
}

/** One folder's part of a pattern as a regular expression; a leading dot must be written. */
export function segmentPattern(segment: string): RegExp {
  const body = segment.replace(/\[!?[^\]]*\]|[*?]|[.+^${}()|\\\]]|\[/g, part => {
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    if (part.length > 1) return part.replace(/^\[!/, '[^').replace(/\\/g, '\\\\')
    return `\\${part}`
  })
  try {
    return new RegExp(`^${segment.startsWith('.') ? '' : '(?!\\.)'}${body}$`)
  } catch {
    return /^(?!)/ // a range such as [z-a] matches nothing
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

function exists(path: string): boolean {
  try {
    accessSync(path, constants.F_OK)
    return true
  } catch {
    return false
  }
}
