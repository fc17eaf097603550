import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadText } from '../../src/cli/load-file.js'
import { planChanges } from '../../src/control/plan.js'
import type { KernelSettings } from '../../src/control/planned-settings.js'
import type { Table } from '../../src/ipvs/table.js'

const base = `directors:
  d1: { address: 10.9.0.11 }
  d2: { address: 10.9.0.12 }
virtual_routers:
  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32] }
virtual_servers:
  web:
    address: 10.9.0.100:80
    scheduler: wrr
    forward: dr
    check: { tcp: {} }
    real_servers: [{ address: 10.9.0.21 }, { address: 10.9.0.22 }]
`
const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-plan-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const config = (text: string) => {
  const result = loadText(text, 'lvskeeper.yaml', { node: 'd1', static: true })
  if (!result.ok) throw new Error(JSON.stringify(result.errors))
  return result.config
}
const nothing: Table = new Map()
/** A kernel that has every setting, all 0 unless said otherwise. */
const kernel = (values: Readonly<Record<string, string>> = {}): KernelSettings => ({
  interfaces: ['eth0'],
  read: (name: string) => values[name] ?? '0',
  addresses: [],
  changed: [],
})
/** As it is once the file runs. */
const settled = kernel({ 'net.ipv4.vs.expire_nodest_conn': '1', 'net.ipv4.vs.expire_quiescent_template': '1' })
const plan = (to: string, from = base, settings = settled) =>
  planChanges(config(from), config(to), [], nothing, settings)

describe('a plan where the kernel table cannot be read', () => {
  test('says so, and what would change besides', () => {
    const next = config(base.replace('scheduler: wrr', 'scheduler: wlc'))
    const answer = planChanges(config(base), next, [], 'this kernel has no IPVS', settled)
    expect(answer).toMatchObject({ changes: true, ipvsadm: [], unreadable: 'this kernel has no IPVS' })
    expect(answer.text).toContain('scheduler: "wrr" -> "wlc"')
    expect(answer.text).toContain('! what would change in the kernel table cannot be told: this kernel has no IPVS\n')
    expect(planChanges(next, next, [], 'this kernel has no IPVS', settled).changes).toBe(false)
  })
})

describe('a plan that changes advertised VIPs', () => {
  const more = base.replace('vips: [10.9.0.100/32]', 'vips: [10.9.0.100/32, 10.9.0.101/32]')
  const attention = (to: string, from = base, known: readonly string[] = []) => {
    const { text } = planChanges(config(from), config(to), [], nothing, settled, new Set(known))
    return text.split('\n').filter(line => line.startsWith('!'))
  }

  test('says in which order to reload where the other director is not heard as lvskeeper', () => {
    const [line, ...rest] = attention(more)
    expect(rest).toEqual([])
    expect(line).toContain('virtual router web: d2 is not heard as lvskeeper')
    const steps = ['failover web --force', 'reload here', 'reload it', 'failover web --back']
    const at = steps.map(step => line!.indexOf(step))
    expect(at).toEqual(at.toSorted((a, b) => a - b))
    expect(at[0]).toBeGreaterThan(0)
  })

  test('says so for VIPs that go as well', () => {
    expect(attention(base, more)).toHaveLength(1)
  })

  test('says nothing where the other is lvskeeper, which compares but never enforces', () => {
    expect(attention(more, base, ['d2'])).toEqual([])
  })

  test('says nothing when only their order or something else changes, or a router comes', () => {
    const turned = more.replace('10.9.0.100/32, 10.9.0.101/32', '10.9.0.101/32, 10.9.0.100/32')
    expect(attention(turned, more)).toEqual([])
    expect(attention(base.replace('scheduler: wrr', 'scheduler: wlc'))).toEqual([])
    const second = '  two: { vrid: 52, interface: eth0, vips: [10.9.0.102/32] }\nvirtual_servers:'
    expect(attention(base.replace('virtual_servers:', second))).toEqual([])
  })
})

describe('a plan', () => {
  test('of the same file changes nothing in the configuration', () => {
    expect(plan(base).details).toEqual([])
    expect(plan(base).text).toMatch(/^no changes in the configuration\n/)
  })

  test('names what changes field by field, and what comes and goes', () => {
    const next = base
      .replace('scheduler: wrr', 'scheduler: wlc')
      .replace('{ address: 10.9.0.22 }', '{ address: 10.9.0.23, weight: 4 }')
      .replace('vips: [10.9.0.100/32]', 'advert_interval: 200ms, vips: [10.9.0.100/32]')
    expect(plan(next).details).toEqual([
      '~ virtual router web',
      '    advert_interval: 1s -> 200ms',
      '~ virtual server web',
      '    scheduler: "wrr" -> "wlc"',
      '    + real_servers[10.9.0.23:80]',
      '    - real_servers[10.9.0.22:80]',
    ])
    const added = base.replace(
      'virtual_servers:',
      '  mail: { vrid: 52, interface: eth0, vips: [10.9.0.101/32] }\nvirtual_servers:',
    )
    expect(plan(added).details).toEqual(['+ virtual router mail'])
    expect(plan(base, added).details).toEqual(['- virtual router mail'])
  })

  test('names the kernel settings that would change, with what was found and why', () => {
    const next = `${base.replace('forward: dr', 'forward: nat')}sysctls: { net.ipv4.vs.conntrack: 1 }\n`
    expect(plan(base).sysctls).toEqual([])
    expect(plan(next).sysctls).toEqual([
      'net.ipv4.ip_forward: 0 -> 1 (nat: the answers of the real servers pass through the director)',
      'net.ipv4.vs.conntrack: 0 -> 1 (in the file)',
    ])
    expect(plan(next).text).toContain('kernel settings:\n  net.ipv4.ip_forward: 0 -> 1 (nat')
    const undone = plan(base, base, kernel())
    expect([undone.changes, undone.sysctls.length]).toEqual([true, 2])
    expect(plan(base, base, { ...kernel(), read: () => undefined }).sysctls).toEqual([])
  })

  test('names what stays set though nothing needs it any more, and what goes back because it would do harm', () => {
    const changed = [
      { name: 'net.ipv4.ip_forward', previous: '0', value: '1' },
      { name: 'net.ipv4.vs.conntrack', previous: '0', value: '1' },
      { name: 'net.ipv4.vs.expire_nodest_conn', previous: '0', value: '1' },
      { name: 'net.ipv4.vs.backup_only', previous: '0', value: '1', brief: true as const },
    ]
    const now = {
      'net.ipv4.ip_forward': '1',
      'net.ipv4.vs.expire_nodest_conn': '1',
      'net.ipv4.vs.expire_quiescent_template': '1',
      'net.ipv4.vs.backup_only': '1',
    }
    const found = plan(base, base, { ...kernel(now), changed })
    expect(found.sysctls).toEqual(['net.ipv4.vs.backup_only: 1 -> 0 (nothing needs it any more)'])
    // Somebody has put conntrack back himself; expire_nodest_conn is needed.
    expect(found.text).toContain('until `lvskeeper stop --clear`):\n  net.ipv4.ip_forward = 1 (was 0)\n')
    expect(found.text).not.toContain('conntrack')
    const only = plan(base, base, { ...kernel(now), changed: changed.slice(0, 1) })
    expect(only.sysctls).toEqual([])
    expect(only.text).toContain('net.ipv4.ip_forward = 1 (was 0)')
  })

  test('names those of two boxes, by who holds the VIP', () => {
    const next = base.replace('{ address: 10.9.0.22 }', '{ address: 10.9.0.11 }')
    const values = { 'net.ipv4.vs.sloppy_tcp': '1', 'net.ipv4.vs.expire_nodest_conn': '1' }
    const found = { ...kernel({ ...values, 'net.ipv4.vs.expire_quiescent_template': '1' }) }
    const why = 'the VIP on lo must not be announced'
    const arp = [`net.ipv4.conf.all.arp_ignore: 0 -> 1 (${why})`, `net.ipv4.conf.all.arp_announce: 0 -> 2 (${why})`]
    expect(plan(next, base, found).sysctls).toEqual([
      'net.ipv4.vs.backup_only: 0 -> 1 (a director and real server without the VIP must not balance again what it is sent)',
      ...arp,
    ])
    expect(plan(next, base, { ...found, addresses: ['10.9.0.100'] }).sysctls).toEqual(arp)
    expect(plan(next, next, found).changes).toBe(true)
    expect(plan(base, base, found).sysctls).toEqual([])
  })

  test("names accept_local where the holder probes the clients' path too", () => {
    const next = base.replace('{ tcp: {} }', '{ tcp: {}, client_path: { from: all } }')
    expect(plan(next).sysctls).toEqual([
      'net.ipv4.conf.eth0.accept_local: 0 -> 1 (client_path from all directors: answers to probes of the VIP come from an own address)',
    ])
    expect(plan(next).text).toContain('  net.ipv4.conf.eth0.accept_local: 0 -> 1')
    expect(plan(next.replace('{ from: all }', 'true')).sysctls).toEqual([])
  })

  test('names a setting of the whole that changes', () => {
    expect(plan(`${base}override_limit: 2h\n`).details).toEqual(['~ override_limit: 24h -> 2h'])
    expect(plan(`${base}drift: report\n`).details).toEqual(['~ drift: "repair" -> "report"'])
    expect(plan(`${base}api: { group: wheel }\n`).details).toEqual(['~ api', '    group: "lvskeeper" -> "wheel"'])
    expect(plan(`${base}metrics: { listen: ":9433" }\n`).details).toEqual([
      '~ metrics',
      '    port: none -> 9433',
      '    page: none -> true',
    ])
  })

  test('says in words what holds only after a restart', () => {
    expect(plan(`${base}log: { level: debug }\n`).details).toEqual([
      '~ log_level: "info" -> "debug"',
      '! log.level debug takes effect at the next `lvskeeper restart`',
    ])
    expect(plan(`${base}state_folder: /srv/lvskeeper\n`).text).toContain(
      '! state_folder takes effect at the next `lvskeeper restart`; what is kept must be moved there before\n',
    )
  })

  test('prints the table as it will be once new real servers have passed, as ipvsadm lines', () => {
    const { ipvsadm, changes } = plan(base)
    expect(changes).toBe(true)
    expect(ipvsadm).toEqual([
      'ipvsadm -A -t 10.9.0.100:80 -s wrr',
      'ipvsadm -a -t 10.9.0.100:80 -r 10.9.0.21:80 -g -w 1',
      'ipvsadm -a -t 10.9.0.100:80 -r 10.9.0.22:80 -g -w 1',
    ])
  })

  test('shows no secret', () => {
    const secret = base.replace('vips: [10', 'version: 2, authentication: { pass: hushhush }, vips: [10')
    const other = secret.replace('hushhush', 'whispers')
    const { text } = plan(other, secret)
    expect(text).not.toMatch(/hushhush|whispers/)
    expect(text).toContain('    authentication.password: changed\n')
  })

  test('tells that a key or a header with a password has changed, not what it is', () => {
    const keyed = (key: string, bearer: string) => {
      const file = join(folder, key)
      writeFileSync(file, key.repeat(32), { mode: 0o600 })
      const text = base
        .replace('vips: [10', `authentication: { hmac: { keys: { 1: ${file} } } }, vips: [10`)
        .replace('{ tcp: {} }', `{ http: { auth: { bearer: ${bearer} } } }`)
      // As it arrives at the director.
      return JSON.parse(JSON.stringify(config(text))) as ReturnType<typeof config>
    }
    const [before, after] = [keyed('c', 'hushhush'), keyed('d', 'whispers')]
    const { details, text } = planChanges(before, after, [], nothing, settled)
    expect(text).not.toMatch(/hushhush|whispers/)
    expect(details?.toString()).not.toMatch(/\b(99|100)\b/)
    expect(details).toEqual([
      '~ virtual router web',
      expect.stringMatching(/^ {4}authentication\.keys.*: changed$/),
      '~ virtual server web',
      ...Array.from({ length: 2 }, () => expect.stringMatching(/^ {4}real_servers.*auth\.bearer: changed$/)),
    ])
    expect(planChanges(before, keyed('c', 'hushhush'), [], nothing, settled).details).toEqual([])
  })

  test('of hundreds of operations prints fifty and says how many there are', () => {
    const many = Array.from({ length: 200 }, (_, n) => `{ address: 10.9.1.${n + 1} }`).join(', ')
    const { text, ipvsadm } = plan(base.replace('[{ address: 10.9.0.21 }, { address: 10.9.0.22 }]', `[${many}]`))
    expect(ipvsadm).toHaveLength(201)
    expect(text).toContain('... and 151 more (--ipvsadm prints all)')
  })
})
