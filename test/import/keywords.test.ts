import { expect, test } from 'vitest'
import { importKeepalived } from '../../config/import/keepalived.js'
import { type Keywords, rootKeywords } from '../../config/import/keepalived-keywords.js'

/** What a block needs around the word that is tried, so that the block itself means something. */
const beside: Readonly<Record<string, string>> = {
  vrrp_instance:
    'state BACKUP\ninterface eth0\nvirtual_router_id 51\npriority 100\nuse_vmac\nvirtual_ipaddress {\n10.9.0.98/32\n}',
  vrrp_sync_group: 'group {\nbase\n}',
  vrrp_script: 'script "/bin/true"',
  vrrp_track_process: 'process bird',
  track_file: 'file /run/a',
  virtual_server: 'lvs_method DR\nlvs_sched sh\nprotocol TCP\nsorry_server 10.9.0.90 80\nreal_server 10.9.0.22 80 {\n}',
  HTTP_GET: 'url {\npath /\n}',
  SSL_GET: 'url {\npath /\n}',
  url: 'path /x\nregex abc',
  MISC_CHECK: 'misc_path "/bin/true"',
  FILE_CHECK: 'track_file known',
}
const names: Readonly<Record<string, string>> = {
  virtual_server: '10.9.0.100 80',
  real_server: '10.9.0.21 80',
  garp_group: '',
}
const base = `track_file known {
file /run/x
}
vrrp_script known {
script "/bin/true"
}
vrrp_instance base {
state BACKUP
interface eth0
virtual_router_id 50
priority 100
virtual_ipaddress {
10.9.0.99/32
}
}
`
/** One of these fits every word: a number, a switch, an address, a program, a name, a time. */
const values = ['7', '', 'on', 'off', '10.9.0.7', '/bin/x', 'nobody', '1.1']

function below(words: Keywords, path: readonly string[]): (readonly string[])[] {
  return Object.entries(words).flatMap(([word, shape]) => [
    [...path, word],
    ...(typeof shape === 'object' ? below(shape, [...path, word]) : []),
  ])
}

function text([word = '', ...deeper]: readonly string[], statement: string): string {
  if (deeper.length === 0) return statement
  return `${word} ${names[word] ?? 'name'} {\n${beside[word] ?? ''}\n${text(deeper, statement)}\n}\n`
}

function shapeOf(path: readonly string[]): unknown {
  return path.reduce<unknown>((words, word) => (words as Keywords)[word], rootKeywords)
}

const imported = (more: string) =>
  importKeepalived([{ file: 'a.conf', text: `${base}${more}`, addresses: ['10.9.0.11'] }])

/** Defaults said aloud, words that keepalived itself ignores there, and what is in a block that is reported as a whole. */
const unheard = [
  /^bfd_instance\./,
  /^garp_group\./,
  /^SSL\./,
  /^vrrp_instance\.auth_hmac\./,
  /\.BFD_CHECK\./,
  /^vrrp_sync_group\.(global_tracking|sync_group_tracking_weight)$/,
  /^vrrp_instance\.(accept|preempt)$/,
  /^virtual_server\.ip_family$/,
  /\.(HTTP_GET|SSL_GET)\.(enable_sni|sni_name)$/,
  /\.FILE_CHECK\.dynamic$/,
]

test('every word of keepalived is carried over, or reported with what it does and what to do instead', () => {
  const [unexplained, unsaid]: [string[], string[]] = [[], []]
  for (const path of below(rootKeywords, [])) {
    const [word = ''] = path.slice(-1)
    const name = path.join('.')
    const without = imported(text(path, ''))
    const statements =
      shapeOf(path) === 'leaf'
        ? values.map(value => `${word} ${value}`)
        : [`${word} ${names[word] ?? 'name'} {\n10.9.0.7 8\n}`]
    const heard = statements.some(statement => {
      const { yaml, findings } = imported(text(path, statement))
      const own = findings.filter(finding => finding.statement.includes(word))
      if (own.some(({ meaning, code }) => /nothing that corresponds/.test(meaning) || code === 'unknown-keyword'))
        unexplained.push(name)
      return own.length > 0 || yaml !== without.yaml || findings.length > without.findings.length
    })
    if (!heard && !unheard.some(pattern => pattern.test(name))) unsaid.push(name)
  }
  expect(unexplained).toEqual([])
  expect(unsaid).toEqual([])
}, 60_000)
