import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fastKey } from '../../src/ipvs/fast-key.js'
import { fastReader, parseConnection, parseFastTable } from '../../src/linux/ipvs-proc.js'

const TEXT = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A090064:0050 wrr persistent 300 FFFFFFFF
  -> 0A090015:0050      Route   1      5          7         
  -> 0A090016:1F90      Masq    0      0          0         
UDP  0A090064:0035 rr ops 
TCP  [fd00:0009:0000:0000:0000:0000:0000:0100]:01BB mh (mh-port)
  -> [fd00:0009:0000:0000:0000:0000:0000:0015]:01BB      Tunnel  2147483647 1          0         
FWM  00000007 rr 
  -> 0A090015:0000      Local   1      0          0         
FWM  00000007 lc 
  -> [fd00:0009:0000:0000:0000:0000:0000:0015]:0000      Tunnel  1      0          0         
garbage
  -> more garbage
`

describe('the quick view of the table', () => {
  const table = parseFastTable(TEXT)
  const dr = { forward: 'dr', weight: 1, active: 5, inactive: 7 }

  test('has services, real servers, weights and connections', () => {
    const web = table.get('tcp 10.9.0.100:80')!
    expect(web.scheduler).toBe('wrr')
    expect([...web.servers]).toEqual([
      ['10.9.0.21:80', dr],
      ['10.9.0.22:8080', { forward: 'nat', weight: 0, active: 0, inactive: 0 }],
    ])
  })
  test('spells IPv6 as everybody else here', () => {
    expect([...table.get('tcp [fd00:9::100]:443')!.servers.keys()]).toEqual(['[fd00:9::15]:443'])
  })
  test('of a real server in both families of a firewall mark counts the connections of both', () => {
    const both = parseFastTable(
      [
        'FWM  00000007 rr',
        '  -> 0A090015:0000 Tunnel 0 3 1',
        'FWM  00000007 rr',
        '  -> 0A090015:0000 Tunnel 2 0 4',
        '',
      ].join('\n'),
    )
    const one = both.get('mark 7')?.servers.get('10.9.0.21:0')
    expect(one).toEqual({ forward: 'tun', weight: 2, active: 3, inactive: 5 })
  })

  test('joins the two families of a firewall mark, which the kernel does not tell apart here', () => {
    const marked = table.get(fastKey('mark 7 ipv6'))!
    expect([...marked.servers.keys()]).toEqual(['10.9.0.21:0', '[fd00:9::15]:0'])
    expect(marked.scheduler).toBe('')
  })
  test('skips what makes no sense', () => {
    expect([...table.keys()]).toEqual(['tcp 10.9.0.100:80', 'udp 10.9.0.100:53', 'tcp [fd00:9::100]:443', 'mark 7'])
    expect(parseFastTable('').size).toBe(0)
  })
})

describe('the connection table', () => {
  test('has one line per connection', () => {
    expect(parseConnection('TCP 0A090001 C350 0A090064 0050 0A090015 0050 ESTABLISHED     899')).toEqual({
      protocol: 'TCP',
      client: { address: '10.9.0.1', port: 50000 },
      virtual: { address: '10.9.0.100', port: 80 },
      server: { address: '10.9.0.21', port: 80 },
      state: 'ESTABLISHED',
      expires: 899,
    })
  })
  test('carries the persistence engine and its data', () => {
    const line = 'UDP 0A090001 13C4 0A090064 13C4 0A090015 13C4 UDP              59 sip 1234@host'
    expect(parseConnection(line)).toMatchObject({ engine: 'sip', engineData: '1234@host' })
  })
  test('knows IPv6', () => {
    const a = 'fd00:0009:0000:0000:0000:0000:0000:0001'
    expect(parseConnection(`TCP ${a} C350 ${a} 0050 ${a} 0050 SYN_RECV 3`)?.client.address).toBe('fd00:9::1')
  })
  test('has no connection in its heading and in garbage', () => {
    const heading = 'Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData'
    for (const line of [heading, '', 'x', 'TCP zz C350 0A090064 0050 0A090015 0050 ESTABLISHED 1'])
      expect(parseConnection(line)).toBeUndefined()
  })
})

describe('reading the quick view', () => {
  const hex = (n: number) => n.toString(16).toUpperCase().padStart(8, '0')
  const services = Array.from({ length: 2000 }, (_, s) => {
    const servers = Array.from(
      { length: s % 37 },
      (_, i) => `  -> ${hex(0x0a010000 + 40 * s + i)}:0050      Route   1      0          ${i}`,
    )
    return [`TCP  ${hex(0x0a650000 + s)}:0050 rr `, ...servers].join('\n')
  })
  const header = TEXT.split('\n').slice(0, 3)
  const text = `${[...header, ...services].join('\n')}\n`

  async function withFile(body: (file: string) => Promise<void>): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'ip_vs-'))
    try {
      await body(join(folder, 'ip_vs'))
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  test('in pieces gives what the whole text gives, and lets the loop turn between them', () =>
    withFile(async file => {
      writeFileSync(file, text)
      let turns = 0
      let counting = true
      const count = () => {
        turns++
        if (counting) setImmediate(count)
      }
      setImmediate(count)
      const found = await fastReader(file, { slice: 0 })()
      counting = false
      expect(found).toEqual(parseFastTable(text))
      expect(found.size).toBe(2000)
      expect(turns).toBeGreaterThan(text.length / 65_536)
    }))

  test('again keeps the object of every service whose lines are the same', () =>
    withFile(async file => {
      writeFileSync(file, text)
      const read = fastReader(file)
      const before = await read()
      expect(await read()).toBe(before)
      writeFileSync(file, text.replace('      Route   1      0          5', '      Route   0      0          5'))
      const after = await read()
      const changed = [...after].filter(([key, entry]) => before.get(key) !== entry)
      expect(changed).toHaveLength(1)
      expect(await read()).toBe(after)
      // One that goes is no longer there, though all others are what they were.
      writeFileSync(file, text.slice(0, text.lastIndexOf('\n', text.lastIndexOf('\nTCP') - 1) + 1))
      expect((await read()).size).toBeLessThan(after.size)
      expect(await fastReader(`${file}-missing`)()).toEqual(new Map())
    }))
})
