/** The leaves of the file: each type says in its own words what it wants, and turns text with units into numbers. */
import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'

/** A message that carries its own code through zod: `[bad-duration] expected ...`. */
export function coded(code: string, message: string): string {
  return `[${code}] ${message}`
}

type Options = { readonly min?: number; readonly max?: number }

/** Text with a unit -> milliseconds. */
export function duration({ min = 1, max = 31 * 86_400_000 }: Options = {}) {
  const wanted = 'expected a duration with its unit, such as 500ms, 2s, 5m or 1h'
  return z
    .string({ error: coded('bad-duration', wanted) })
    .regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, { error: coded('bad-duration', wanted) })
    .meta({ examples: ['500ms', '2s', '5m'] })
    .transform((text, context) => {
      const [, digits = '0', unit = 'ms'] = /^([\d.]+)(\w+)$/.exec(text) ?? []
      const ms = Number((Number(digits) * (unitMs[unit] ?? 1)).toFixed(6))
      if (ms < min || ms > max) {
        const range = `expected ${formatDuration(min)} to ${formatDuration(max)}`
        context.addIssue({ code: 'custom', message: coded('out-of-range', range) })
      }
      return ms
    })
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `1500` -> `1500ms`, `60000` -> `1m`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = unitMs[unit] ?? 1
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  }
  return `${ms}ms`
}

/** Text with a unit -> bytes. */
export function size({ min = 0, max = 2 ** 31 }: Options = {}) {
  const wanted = 'expected a size with its unit, such as 512B, 64KiB or 1MiB'
  return z
    .string({ error: coded('bad-size', wanted) })
    .regex(/^\d+(B|kB|MB|KiB|MiB|GiB)$/, { error: coded('bad-size', wanted) })
    .meta({ examples: ['64KiB', '1MiB'] })
    .transform((text, context) => {
      const [, digits = '0', unit = 'B'] = /^(\d+)(\w+)$/.exec(text) ?? []
      const bytes = Number(digits) * (unitBytes[unit] ?? 1)
      if (bytes < min || bytes > max)
        context.addIssue({ code: 'custom', message: coded('out-of-range', `expected ${min}B to ${max}B`) })
      return bytes
    })
}

const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}

/** A whole number within bounds. */
export function whole(min: number, max: number) {
  const wanted = `expected a whole number from ${min} to ${max}`
  return z
    .int({ error: coded('bad-number', wanted) })
    .min(min, { error: coded('out-of-range', wanted) })
    .max(max, { error: coded('out-of-range', wanted) })
}

/** A number within bounds. */
export function numeric(min: number, max: number) {
  const wanted = `expected a number from ${min} to ${max}`
  return z
    .number({ error: coded('bad-number', wanted) })
    .min(min, { error: coded('out-of-range', wanted) })
    .max(max, { error: coded('out-of-range', wanted) })
}

export const flag = () => z.boolean({ error: coded('bad-boolean', 'expected true or false') })

export const port = () => whole(1, 65_535)

/** One of a few words; the message names them all. */
export function word<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, { error: coded('bad-word', `expected one of: ${words.join(', ')}`) })
}

/** What a text looks like, for editors: by what it is. */
const examples: Readonly<Record<string, readonly string[]>> = {
  text: ['ok'],
  'a body': ['{"ping":true}'],
  'a database': ['shop'],
  'a distinguished name': ['cn=check,dc=example,dc=org'],
  'a domain name': ['www.example.org'],
  'a file name': ['conf.d/*.yaml'],
  'a group': ['lvskeeper'],
  'a host name': ['mail.example.org'],
  'a mail address': ['ops@example.org'],
  'a method': ['GET', 'HEAD'],
  'a name': ['web'],
  'a password': ['secret'],
  'a path': ['/healthz'],
  'a program': ['haproxy'],
  'a protocol name': ['h2'],
  'a record type': ['A', 'SOA'],
  'a regular expression': ['^220 '],
  'a server name': ['www.example.org'],
  'a SHA-256 fingerprint': [
    '00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff',
  ],
  'a token': ['secret'],
  'a user': ['nobody'],
  'an absolute path': ['/etc/lvskeeper/peer.key'],
  'an answer code': ['NOERROR'],
  'an argument': ['/usr/local/bin/check'],
  'text that the answer contains': ['+PONG'],
  'text to send': ['PING\r\n'],
  'the name of a check': ['homepage'],
  'the name of a director': ['d1'],
  'the name of a header': ['X-Check'],
  'the name of a network interface': ['eth0'],
  'the name of a sync group': ['all'],
  'the name of an event': ['server.down', 'vrrp.*'],
  'the name of an interface': ['eth1'],
  'the value of a header': ['lvskeeper'],
  'what it is about': ['service web', 'router *'],
}

/** Any text that is not empty. */
export function text(what = 'text', max = 4096) {
  return z
    .string({ error: coded('bad-text', `expected ${what}`) })
    .min(1, { error: coded('bad-text', `expected ${what}`) })
    .max(max, { error: coded('bad-text', `expected at most ${max} characters`) })
    .meta({ examples: [...(examples[what] ?? ['web'])] })
}

/** A file or folder of this machine. */
export function filePath() {
  return text('an absolute path').regex(/^\//, {
    error: coded('bad-path', 'expected an absolute path, starting with /'),
  })
}

/** Linux: IFNAMSIZ is 16 with the closing zero; no slash, no white space, not . or .. */
export function interfaceName() {
  return text('the name of a network interface').regex(/^(?!\.{1,2}$)[^\s/:]{1,15}$/, {
    error: coded(
      'bad-interface',
      'expected the name of a network interface: 1 to 15 characters without blanks, slash or colon',
    ),
  })
}

/** Names of routers, services, checks ...: they appear in commands (`SERVICE/ADDRESS`), logs and metrics. */
export function name() {
  return z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,62}$/, {
    error: coded(
      'bad-name',
      'expected a name: 1 to 63 of letters, digits and _ . : @ -, starting with a letter, digit or _',
    ),
  })
}

/** A reference to something that has a name elsewhere in the file. */
export function reference(what: string) {
  return text(`the name of ${what}`, 63)
}

const wantedAddress = 'expected an IPv4 or IPv6 address, such as 10.9.0.100 or fd00:9::100'

/** -> its canonical spelling (RFC 5952). */
export function address() {
  const text = z
    .string({ error: coded('bad-address', wantedAddress) })
    .meta({ examples: ['10.9.0.100', 'fd00:9::100'] })
  return text.transform((text, context) => {
    const canonical = canonicalAddress(text)
    if (canonical === undefined) context.addIssue({ code: 'custom', message: coded('bad-address', wantedAddress) })
    return canonical ?? text
  })
}

/** Where many are told at once: the kernel's sync daemons speak to nothing else (ip_vs_ctl.c, ip_vs_genl_new_daemon). */
export function multicastGroup() {
  return address().refine(text => ipaddr.isValid(text) && ipaddr.parse(text).range() === 'multicast', {
    error: coded(
      'bad-address',
      'expected a multicast address: 224.0.0.0 to 239.255.255.255, or one that begins with ff',
    ),
  })
}

/** The one spelling of an address; undefined: it is none that may be used here (zones, mapped, leading zeros). */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  if (!isIPv6(text) || text.includes('%')) return undefined
  const parsed = ipaddr.IPv6.parse(text)
  return parsed.isIPv4MappedAddress() ? undefined : parsed.toRFC5952String()
}

export function family(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4
}

/** `10.9.0.100`, `10.9.0.100/24` -> address and prefix length (of the whole address when none is written). */
export function cidr() {
  const wanted = 'expected an address with its prefix length, such as 10.9.0.100/32 or fd00:9::100/128'
  const text = z
    .string({ error: coded('bad-address', wanted) })
    .meta({ examples: ['10.9.0.100/32', 'fd00:9::100/128'] })
  return text.transform((text, context) => {
    const parsed = parseCidr(text)
    if (parsed === undefined) context.addIssue({ code: 'custom', message: coded('bad-address', wanted) })
    return parsed ?? { address: text, prefix: 0 }
  })
}

export function parseCidr(text: string): { address: string; prefix: number } | undefined {
  const [, host = '', digits] = /^([^/]+?)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const address = canonicalAddress(host)
  if (address === undefined) return undefined
  const whole = family(address) === 4 ? 32 : 128
  const prefix = digits === undefined ? whole : Number(digits)
  return prefix <= whole ? { address, prefix } : undefined
}

/** One or a list of them -> a list. What one becomes may itself be an array (a range), so it is wrapped before they join. */
export function oneOrMore<T extends z.ZodType>(item: T) {
  const one = item.transform(value => [value] as z.output<T>[])
  const more = z.array(item).min(1, { error: coded('empty-list', 'expected at least one entry') })
  return z.union([one, more]).transform(value => value as z.output<T>[])
}

/** `{ name: thing }`. */
export function named<T extends z.ZodType>(item: T) {
  return z.record(name(), item, { error: coded('bad-mapping', 'expected a mapping of names') })
}

/** A mapping with known keys only. */
export function mapping<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape)
}

export function list<T extends z.ZodType>(item: T) {
  return z.array(item, { error: coded('bad-list', 'expected a list') })
}

/** A list in which an entry that stands there twice is a slip: each of them counts, so the second one would change what is meant. */
export function listOnce<T extends z.ZodType>(item: T) {
  return list(item).superRefine(once).meta({ uniqueItems: true })
}

/** The same for one or a list of them. */
export function oneOrMoreOnce<T extends z.ZodType>(item: T) {
  return oneOrMore(item).superRefine(once)
}

function once(entries: readonly unknown[], context: z.RefinementCtx): void {
  const seen = new Set<string>()
  for (const [index, entry] of entries.entries()) {
    const key = JSON.stringify(entry)
    const message = coded('duplicate-entry', 'expected each entry once')
    if (seen.has(key)) context.addIssue({ code: 'custom', path: [index], message })
    seen.add(key)
  }
}
