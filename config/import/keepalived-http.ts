import type { Report } from './finding.js'
import { type Block, commentsOf, openBlock } from './keepalived-block.js'
import type { Node } from './keepalived-parse.js'
import type { CheckerContext } from './keepalived-timing.js'
import { bool, safeName } from './keepalived-values.js'
import { splitCommand } from './keepalived-words.js'
import { type Entries, entries, items, mapOf, put } from './yaml-writer.js'

/** HTTP_GET and SSL_GET: one check for each url. */
export function httpEntries(
  block: Block,
  node: Node,
  kind: 'http' | 'https',
  context: CheckerContext,
): readonly Entries[] {
  const { report, timing } = context
  const protocol = block.one('http_protocol')
  const sni = block.one('enable_sni')
  const sniName = block.one('sni_name')
  const fast = block.one('fast_recovery')
  const urls = block.all('url').filter(url => hasPath(url, report))
  if (fast)
    report(
      fast,
      'note',
      'fast-recovery',
      'Checks all urls at once after a failure.',
      'lvskeeper checks each url by itself, always.',
    )
  if (urls.length === 0) {
    report(
      node,
      'trap',
      'no-url',
      'keepalived ignores this checker: it names no url (with a path).',
      'Left out: the real server is not checked by it.',
    )
    return []
  }
  if (urls.length > 1)
    report(
      node,
      'note',
      'several-urls',
      'keepalived asks one url per interval, in turn.',
      'The YAML has a check for each: all must pass, each is asked once per interval.',
    )
  if (kind === 'https')
    report(
      node,
      'note',
      'tls-not-verified',
      'keepalived never verifies the certificate of the real server.',
      'The YAML has verify: none. Take it out where certificates are in order.',
    )
  return urls.map(url => {
    const inner = openBlock(url, report)
    const request = entries()
    readPath(inner, request, report)
    put(request, 'host', hostOf(inner, timing.virtualhost, report))
    const version = protocol?.args[0]
    put(request, 'version', version === '1.1' ? '1.1' : '1.0')
    if (version === '1.0C' || version === '1.0c')
      put(request, 'headers', mapOf({ Connection: 'close' }), commentsOf(protocol))
    readStatus(inner, request, report)
    readDigest(inner, request, report)
    readRegex(inner, request, report)
    if (kind === 'https') {
      const tls = mapOf({ verify: 'none', sni: sniOf(sni, sniName, request) })
      for (const { key, value } of context.tls?.pairs ?? []) put(tls, key, value)
      put(request, 'tls', tls)
    }
    inner.finish()
    return mapOf({ [kind]: request })
  })
}

/** keepalived 2.2.7, seen in the lab: a url without a path counts for nothing. */
function hasPath(url: Node, report: Report): boolean {
  if (url.children.some(({ keyword }) => keyword === 'path')) return true
  report(
    url,
    'trap',
    'url-without-path',
    'keepalived ignores a url without a path.',
    'Left out. If / was meant: path: /.',
  )
  return false
}

function readPath(block: Block, request: Entries, report: Report): void {
  const node = block.one('path')
  const path = node?.args[0]
  if (node && path !== undefined && /^\/[\x21-\x7e]*$/.test(path)) put(request, 'path', path, commentsOf(node))
  else {
    put(request, 'path', '/')
    if (node)
      report(
        node,
        'lost',
        'bad-path',
        'This path does not start with / or holds blanks.',
        'The YAML asks for /; write the path as the server wants it.',
      )
  }
}

function hostOf(block: Block, inherited: string | undefined, report: Report): string | undefined {
  const node = block.one('virtualhost')
  const host = node?.args[0] ?? inherited
  if (host === undefined || /^[\x21-\x7e]+$/.test(host)) return host
  report(node ?? block.node, 'lost', 'bad-host', 'This name holds blanks.', 'Left out.')
  return undefined
}

function sniOf(enable: Node | undefined, name: Node | undefined, request: Entries): string | undefined {
  if (name?.args[0] !== undefined) return safeName(name.args[0])
  const host = request.pairs.find(({ key }) => key === 'host')?.value
  return enable && typeof host === 'string' ? host.replace(/:\d+$/, '') : undefined
}

function readStatus(block: Block, request: Entries, report: Report): void {
  const node = block.one('status_code')
  if (!node) return
  const ranges = node.args.filter(text => {
    const [, from, to = from] = /^(\d{3})(?:-(\d{3}))?$/.exec(text) ?? []
    const valid = Number(from) >= 100 && Number(to) <= 599 && Number(from) <= Number(to)
    if (!valid) report(node, 'trap', 'bad-value', `"${text}" is no status code or range.`, 'Left out.')
    return valid
  })
  const values = [...new Set(ranges)].map(text => (text.includes('-') ? text : Number(text)))
  const [only] = values
  if (only !== undefined) put(request, 'status', values.length === 1 ? only : items(values), commentsOf(node))
}

function readDigest(block: Block, request: Entries, report: Report): void {
  const node = block.one('digest')
  const md5 = node?.args[0]
  if (!node) return
  if (md5 !== undefined && /^[0-9a-fA-F]{32}$/.test(md5)) put(request, 'digest', mapOf({ md5 }), commentsOf(node))
  else
    report(
      node,
      'trap',
      'bad-digest',
      'An MD5 digest has 32 hexadecimal digits: this one matches nothing.',
      'Left out: print it with genhash and write digest: { md5: .. }.',
    )
}

const flags: Readonly<Record<string, string>> = { caseless: 'i', multiline: 'm', dotall: 's' }

function readRegex(block: Block, request: Entries, report: Report): void {
  const node = block.one('regex')
  const not = bool(block.one('regex_no_match'), report) ?? false
  const options = block.one('regex_options')
  if (!node) return
  const regex = splitCommand(node.rest)[0] ?? ''
  const known = (options?.args ?? []).flatMap(word => flags[word] ?? [])
  const unknown = (options?.args ?? []).filter(word => flags[word] === undefined)
  if (options && unknown.length > 0)
    report(
      options,
      'lost',
      'regex-options',
      `The engine of lvskeeper has no ${unknown.join(', ')}.`,
      'The YAML has the others.',
    )
  if (/\(\?<?[=!]|\\[1-9]|\\k</.test(regex.replaceAll('\\\\', '')) || !compiles(regex)) {
    report(
      node,
      'lost',
      'regex-syntax',
      'Look-around, back references and some words of PCRE do not exist in RE2.',
      'Left out: write it without them, or use `contains`.',
    )
  } else if (!not) {
    put(request, 'regex', regex, commentsOf(node))
    if (known.length > 0) put(request, 'flags', known.join(''))
  } else if (/^[\w /:.-]+$/.test(regex) && !regex.includes('.') && known.length === 0) {
    put(request, 'not_contains', regex, commentsOf(node))
  } else
    report(
      node,
      'lost',
      'regex-no-match',
      'The check fails where the expression matches.',
      'Left out: use `not_contains` with plain text, or a check of its own with `invert: true`.',
    )
}

function compiles(regex: string): boolean {
  try {
    new RegExp(regex)
    return regex !== ''
  } catch {
    return false
  }
}
