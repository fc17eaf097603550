import { describe, expect, test } from 'vitest'
import { connectionHeading, connectionText } from '../../src/cli/table-connections.js'
import { daemonText, sorted, tableText } from '../../src/cli/table-text.js'
import { parseRules } from '../../src/ipvs/ipvsadm-parse.js'
import type { ListedService } from '../../src/linux/ipvs.js'
import type { Stats } from '../../src/linux/ipvs-messages.js'
import { parseConnection } from '../../src/linux/ipvs-proc.js'

const stats = (n: number): Stats => ({
  connections: n,
  packetsIn: n,
  packetsOut: n,
  bytesIn: n,
  bytesOut: n,
  connectionRate: 0,
  packetRateIn: 0,
  packetRateOut: 0,
  byteRateIn: 0,
  byteRateOut: 0,
})
const listed = (rules: string, n = 0): ListedService[] =>
  [...parseRules(rules).table.values()].map(({ service, servers }) => ({
    service,
    stats: stats(n),
    servers: [...servers.values()].map(server => ({ server, active: 1, inactive: 2, persistent: 3, stats: stats(n) })),
  }))
const info = { version: '1.2.1', connectionTableSize: 4096 }

describe('the table in text', () => {
  test('is sorted by number, marks last', () => {
    const rules = [
      '-A -f 7 -s rr',
      '-A -t [fd00::1]:80 -s rr',
      '-A -u 10.9.0.1:53 -s rr',
      '-A -t 10.9.0.100:80 -s rr',
      '-a -t 10.9.0.100:80 -r 200.0.0.1:80 -g',
      '-a -t 10.9.0.100:80 -r 10.9.0.100:80 -g',
      '-a -t 10.9.0.100:80 -r 10.9.0.21:80 -g',
      '-A -t 10.9.0.20:80 -s rr',
    ]
    const services = sorted(listed(rules.join('\n')))
    expect(
      tableText(services, info, 'connections')
        .split('\n')
        .slice(3)
        .map(line => line.split(/ +/).slice(0, 3).join(' ').trim()),
    ).toEqual([
      'TCP 10.9.0.20:80 rr',
      'TCP 10.9.0.100:80 rr',
      '-> 10.9.0.21:80',
      '-> 10.9.0.100:80',
      '-> 200.0.0.1:80',
      'UDP 10.9.0.1:53 rr',
      'TCP [fd00::1]:80 rr',
      'FWM 7 rr',
      '',
    ])
  })

  test('shortens what does not fit into a column, unless it shall be exact', () => {
    const at = (n: number, exact = false) =>
      tableText(listed('-A -t 10.9.0.100:80 -s rr', n), info, 'stats', exact).split('\n')[3]!.split(/ +/)[2]
    expect([99_999_999, 100_000_000, 1e9, 1e11, 1e14].map(n => at(n))).toEqual([
      '99999999',
      '100000K',
      '1000M',
      '100G',
      '100T',
    ])
    expect(at(1e11, true)).toBe('100000000000')
  })

  test('has one line for a sync daemon', () => {
    const daemon = {
      role: 'backup' as const,
      interface: 'eth0',
      syncid: 7,
      maxlen: 1400,
      group: '224.0.0.99',
      port: 9999,
      ttl: 3,
    }
    expect(daemonText([daemon])).toBe(
      'backup sync daemon (mcast=eth0, syncid=7, maxlen=1400, group=224.0.0.99, port=9999, ttl=3)\n',
    )
    expect(daemonText([])).toBe('')
  })

  test('has one line for a connection, with minutes and seconds', () => {
    const connection = parseConnection('TCP 0A090001 C350 0A090064 0050 0A090015 0050 ESTABLISHED     899')!
    expect(connectionHeading(false)).toBe(
      'IPVS connection entries\npro expire state       source             virtual            destination\n',
    )
    expect(connectionText(connection)).toBe(
      'TCP 14:59  ESTABLISHED 10.9.0.1:50000     10.9.0.100:80      10.9.0.21:80\n',
    )
  })
})
