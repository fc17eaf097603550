import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Severity } from '../../config/import/finding.js'
import { includeFiles } from '../../config/import/include-files.js'
import { importKeepalived, type KeepalivedOptions } from '../../config/import/keepalived.js'
import { loadConfig } from '../../config/load.js'
import { formatProblems } from '../../config/problem.js'
import { expected } from './corpus/expected.js'

const folder = join(import.meta.dirname, 'corpus')
const names = readdirSync(folder).filter(name => name.endsWith('.conf'))
const texts = new Map(names.map(name => [name.replace('.conf', ''), readFileSync(join(folder, name), 'utf8')]))

function run(name: string, text: string, options: KeepalivedOptions = { files: includeFiles }) {
  const result = importKeepalived([{ file: join(folder, `${name}.conf`), text }], options)
  const codes = (severity: Severity) =>
    [...new Set(result.findings.filter(finding => finding.severity === severity).map(({ code }) => code))].join(' ')
  return { ...result, codes }
}

function load(yaml: string) {
  return loadConfig(yaml, { file: '/x.yaml', hostname: 'h', localAddresses: [], static: true, env: {} })
}

/** undefined: the file is accepted; else what is wrong with it. */
function complaint(yaml: string): string | undefined {
  const loaded = load(yaml)
  return loaded.ok ? undefined : `${formatProblems(loaded.errors, [])}\n${yaml}`
}

/** What stands in at least one of a hundred files in the wild, and the slips that were met there. */
const common =
  `vrrp_instance interface virtual_router_id priority state virtual_ipaddress authentication auth_type auth_pass advert_int
  vrrp_script script interval track_script global_defs weight router_id fall rise unicast_peer nopreempt virtual_server real_server
  protocol notify_master unicast_src_ip delay_loop lb_algo lvs_sched lb_kind lvs_method enable_script_security notification_email
  notify_backup script_user notification_email_from persistence_timeout smtp_server smtp_connect_timeout notify_fault timeout
  connect_timeout notify delay_before_retry HTTP_GET url path connect_port TCP_CHECK nb_get_retry nat_mask track_interface
  garp_master_delay vrrp_garp_interval status_code sorry_server vrrp_version notify_stop vrrp_skip_check_adv_addr max_auto_priority
  mcast_src_ip digest SSL_GET vrrp_sync_group virtual_ipaddress_excluded track_process quorum vrrp_garp_master_refresh MISC_CHECK
  virtual_server_group use_vmac vmac_xmit_base preempt_delay init_fail smtp_alert virtual_routes dont_track_primary track_file
  virtual_rules vrrp_notify_fifo fwmark inhibit_on_failure lvs_timeouts accept no_accept vrrp_strict include ~SEQ bfd_instance
  connetc_port vvrp_script SMTP_CHEKC killall AH SLAVE`.split(/\s+/)

describe('every file of the corpus', () => {
  test('has something of what is common in the wild, and together they have all of it', () => {
    const words = new Set([...texts.values()].flatMap(text => text.match(/~?[A-Za-z_0-9]+/g) ?? []))
    expect(common.filter(word => !words.has(word))).toEqual([])
  })

  test('has an expectation, and there are at least 60', () => {
    expect([...texts.keys()].sort()).toEqual(Object.keys(expected).sort())
    expect(texts.size).toBeGreaterThanOrEqual(60)
  })

  test.each([...texts])('%s imports, its YAML is accepted, and every oddity is named', (name, text) => {
    const { yaml, status, codes } = run(name, text)
    expect(complaint(yaml)).toBeUndefined()
    expect([status, codes('lost'), codes('trap')]).toEqual(expected[name])
  })

  test.each([...texts])('%s: each finding names a line that holds its statement', (name, text) => {
    for (const { file, line, statement } of run(name, text).findings) {
      const lines = (file.endsWith(`${name}.conf`) ? text : readFileSync(file, 'utf8')).split('\n')
      expect(line).toBeGreaterThan(0)
      expect(line).toBeLessThanOrEqual(lines.length)
      expect(lines[line - 1]).toContain(statement.split(/[#!]/)[0]!.trim().slice(0, 20))
    }
  })

  test.each([...texts])('%s keeps the words of its comments', (name, text) => {
    const { yaml } = run(name, text)
    const comments = [...text.matchAll(/^[^"'\n]*?[#!] (\w[^\n]*)$/gm)].map(match => match[1]!.trim())
    for (const comment of comments) expect(yaml).toContain(comment)
  })
})

/** What a hand may leave where another word belongs. */
const otherWords = [
  ...[
    '192.168.200./24',
    '0',
    '-1',
    '99999999999',
    '::',
    '256.1.1.1',
    '10.9.0.1/33',
    'fd00::1/64',
    '""',
    '"a b"',
    '%',
    '0x10',
  ],
  ...['1.5', 'é', '/', '$X', 'default', '10.9.0.100', '65536', '*', 'local', '4294967296', '[::1]:80', 'x'.repeat(70)],
  ...[
    `\${env:HOME}`,
    'yes',
    'null',
    '~',
    '0.0001',
    'eth0:1234567890123456',
    'a@b',
    '@b',
    'fe80::1%eth0',
    '::ffff:1.2.3.4',
  ],
]

/** One word of the line, whichever it is. */
function replaced(line: string, word: number, other: string): string {
  const words = line.split(/(\s+)/)
  const places = words.flatMap((text, index) => (text.trim() === '' ? [] : [index]))
  const place = places[word % places.length]
  if (place !== undefined) words[place] = other
  return words.join('')
}

describe('a damaged file', () => {
  const bodies = [...texts.values()]
  const change = fc.record({
    body: fc.nat({ max: bodies.length - 1 }),
    edits: fc.array(
      fc.record({
        at: fc.nat({ max: 80 }),
        how: fc.constantFrom('delete', 'twice', 'swap', 'brace', 'open', 'quote', 'word', 'value', 'other', 'other'),
        word: fc.nat({ max: 8 }),
        other: fc.constantFrom(...otherWords),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  })

  test('imports without an exception, and what is written is accepted', () => {
    fc.assert(
      fc.property(change, ({ body, edits }) => {
        const lines = bodies[body]!.split('\n')
        for (const { at, how, word, other } of edits) {
          const index = at % lines.length
          const line = lines[index]!
          if (how === 'delete') lines.splice(index, 1)
          if (how === 'twice') lines.splice(index, 0, line)
          if (how === 'swap') lines.splice(index, 2, lines[index + 1] ?? '', line)
          if (how === 'brace') lines.splice(index, 0, '}')
          if (how === 'open') lines.splice(index, 0, '{')
          if (how === 'quote') lines[index] = `${line}"`
          if (how === 'word') lines[index] = line.replace(/\S+/, word => word.slice(1))
          if (how === 'other') lines[index] = replaced(line, word, other)
          if (how === 'value') lines[index] = line.replace(/\S+$/, 'x9.:/')
          if (lines.length === 0) lines.push('')
        }
        const { yaml, status } = run('x', lines.join('\n'), {})
        if (status !== 'unreadable') expect(complaint(yaml)).toBeUndefined()
      }),
      { numRuns: 200, seed: 3 },
    )
  }, 120_000)

  test('of any bytes at all is unreadable or accepted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text => {
        const { yaml, status } = run('x', text, {})
        if (status !== 'unreadable') expect(complaint(yaml)).toBeUndefined()
      }),
      { numRuns: 120, seed: 4 },
    )
  }, 120_000)
})

describe('a file without one known statement', () => {
  test('is unreadable', () => {
    expect(run('x', 'server:\n  - a: b\n')).toMatchObject({ status: 'unreadable', yaml: '' })
    expect(run('x', '')).toMatchObject({ status: 'unreadable', yaml: '' })
  })
})
