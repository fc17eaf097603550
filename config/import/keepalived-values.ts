import { canonicalAddress } from '../schema/values.js'
import type { Report } from './finding.js'
import type { Node } from './keepalived-parse.js'
import { splitCommand } from './keepalived-words.js'

/**
 * A whole number of this statement; out of range or none: reported, and keepalived's default stands. What follows the digits
 * (`5x`, `10%`) keepalived overlooks, but not for every word: those are `exact`.
 */
export function wholeNumber(
  node: Node | undefined,
  min: number,
  max: number,
  report: Report,
  how: 'exact' | 'lenient' = 'lenient',
): number | undefined {
  if (!node) return undefined
  const text = node.args[0] ?? ''
  const [digits, rest] = leading(text)
  const value = digits === '' || (rest !== '' && how === 'exact') ? Number.NaN : Number(digits)
  if (value >= min && value <= max) {
    if (rest !== '') cutNumber(node, value, rest, report)
    return value
  }
  ignoredValue(node, `a whole number from ${min} to ${max}`, report)
  return undefined
}

function leading(text: string): [digits: string, rest: string] {
  const [, digits = '', rest = text] = /^([+-]?\d+)(.*)$/s.exec(text) ?? []
  return [digits, rest]
}

function cutNumber(node: Node, value: number, rest: string, report: Report): void {
  const meaning = `keepalived reads ${value} here and overlooks "${rest}".`
  report(node, 'trap', 'number-cut', meaning, `The YAML has ${value}.`)
}

/** A port as it stands behind an address; NaN: none. */
export function portNumber(node: Node, text: string | undefined, report: Report): number | undefined {
  if (text === undefined) return undefined
  const [digits, rest] = leading(text)
  const port = digits === '' ? Number.NaN : Number(digits)
  if (!(port >= 0 && port <= 65_535)) return Number.NaN
  if (rest !== '') cutNumber(node, port, rest, report)
  return port
}

/** Seconds with a fraction, as milliseconds; what is glued to them is told, and `exact` ones are lost with it. */
export function seconds(
  node: Node | undefined,
  min: number,
  max: number,
  report: Report,
  how: 'exact' | 'lenient' = 'lenient',
): number | undefined {
  if (!node) return undefined
  const text = node.args[0] ?? ''
  const [, digits, rest = ''] = /^(\d+\.?\d*|\.\d+)(.*)$/s.exec(text) ?? []
  const value = digits === undefined || (rest !== '' && how === 'exact') ? Number.NaN : Number(digits)
  if (value >= min && value <= max) {
    if (rest !== '')
      report(
        node,
        'trap',
        'number-cut',
        `keepalived wants a plain number: what it makes of "${text}" depends on the word and its version, down to millionths of a second.`,
        `The YAML has ${duration(value * 1000)}.`,
      )
    return Number((value * 1000).toFixed(3))
  }
  ignoredValue(node, `seconds from ${min} to ${max}`, report)
  return undefined
}

/** on, off, true, false, yes, no; the word alone means on. */
export function bool(node: Node | undefined, report: Report): boolean | undefined {
  if (!node) return undefined
  const text = node.args[0]
  if (text === undefined || text === 'on' || text === 'true' || text === 'yes') return true
  if (text === 'off' || text === 'false' || text === 'no') return false
  ignoredValue(node, 'on, off, true, false, yes or no', report)
  return undefined
}

function ignoredValue(node: Node, wanted: string, report: Report): void {
  const meaning = `keepalived expects ${wanted} here, logs an error and keeps its default.`
  report(
    node,
    'trap',
    'bad-value',
    meaning,
    'The YAML has the default. Correct the value and import again, if more was meant.',
  )
}

/** Milliseconds as the YAML writes them: `1500ms`, `60s`, `2m`. */
export function duration(ms: number): string {
  if (ms % 1000 !== 0) return `${Math.max(1, Math.round(ms))}ms`
  const whole = ms / 1000
  return whole >= 120 && whole % 60 === 0 ? `${whole / 60}m` : `${whole}s`
}

/** The command of a script statement: only the first quoted (or bare) word counts, cut once more into arguments. */
export type Command = { readonly argv: readonly [string, ...string[]]; readonly user?: string; readonly group?: string }

export function command(node: Node, report: Report): Command | undefined {
  const words = splitCommand(node.rest)
  const [program, ...args] = splitCommand(words[0] ?? '')
  if (program === undefined) {
    report(node, 'trap', 'no-command', 'No program is named here; keepalived ignores the statement.', 'Left out.')
    return undefined
  }
  const [, user, group] = words
  const shell = args.find(arg => /^(\||\|\||&&?|;|[12]?>{1,2}.*|<)$|^\$\(|^`/.test(arg))
  if (shell !== undefined)
    report(
      node,
      'trap',
      'shell-syntax',
      `keepalived runs programs without a shell: "${shell}" is handed to the program as an argument.`,
      `The YAML does the same. If a shell was meant: argv: [/bin/sh, -c, ${JSON.stringify([program, ...args].join(' '))}]`,
    )
  if (!program.startsWith('/') && !program.startsWith('<'))
    report(
      node,
      'note',
      'relative-program',
      `keepalived looks for ${program} in its own folders and PATH.`,
      'The YAML finds it with /usr/bin/env; better write the whole path.',
    )
  return {
    argv: [program, ...args],
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
  }
}

/** As lvskeeper takes them: without a zone (`%eth0`), and no IPv4 address in the clothes of IPv6. */
export function isAddress(text: string | undefined): text is string {
  return text !== undefined && canonicalAddress(text) !== undefined
}

/** What the kernel takes for the name of an interface (IFNAMSIZ). */
export const interfaceNames = /^(?!\.{1,2}$)[^\s/:]{1,15}$/

/** A name that the kernel takes for an interface; anything else is reported. */
export function interfaceOf(node: Node | undefined, name: string | undefined, report: Report): string | undefined {
  if (!node || name === undefined || interfaceNames.test(name)) return name
  report(node, 'trap', 'bad-interface', `"${name}" cannot be the name of an interface.`, 'Left out.')
  return undefined
}

/** `10.0.0.1:80`, `[fd00::1]:80`; without a port the address alone. */
export function endpoint(address: string, port?: number): string {
  if (port === undefined) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** A name that lvskeeper allows (letters, digits and _ . : @ -, at most 63), made from one that keepalived allows. */
export function safeName(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9_.:@-]+/g, '-').replace(/^[^A-Za-z0-9_]+/, '')
  return clean.slice(0, 63) || 'unnamed'
}

/** Gives each thing a name of its own: `web`, `web-2`. */
export function uniqueNames(): (wanted: string) => string {
  const taken = new Set<string>()
  return wanted => {
    let name = safeName(wanted)
    for (let n = 2; taken.has(name); n++) name = `${safeName(wanted).slice(0, 58)}-${n}`
    taken.add(name)
    return name
  }
}

/** lvskeeper names programs by their whole path; env looks along PATH as keepalived does. */
export function absolute(argv: readonly string[]): readonly string[] {
  return argv[0]?.startsWith('/') ? argv : ['/usr/bin/env', ...argv]
}
