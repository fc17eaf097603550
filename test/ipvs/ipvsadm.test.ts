import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ipvsadmLine, save } from '../../src/ipvs/ipvsadm.js'
import { parseRules } from '../../src/ipvs/ipvsadm-parse.js'
import { type Op, plan } from '../../src/ipvs/plan.js'
import { table } from './arbitrary.js'
import { rs, web } from './harness.js'

/** What ipvsadm 1.31 printed (-Sn) for a table with one of everything. */
const SAVED = `-A -t 10.9.0.100:80 -s wrr -p 300 -M 255.255.255.0
-a -t 10.9.0.100:80 -r 10.9.0.21:80 -g -w 1
-a -t 10.9.0.100:80 -r 10.9.0.22:8080 -m -w 2147483647
-a -t 10.9.0.100:80 -r 10.9.0.23:80 -i -w 1 --tun-type ipip
-a -t 10.9.0.100:80 -r 10.9.0.24:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-a -t 10.9.0.100:80 -r 10.9.0.26:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum
-a -t 10.9.0.100:80 -r 10.9.0.27:80 -i -w 1 --tun-type gre --tun-csum
-A -t 10.9.0.102:80 -s mh -b mh-fallback,mh-port
-A -t 10.9.0.104:80 -s wlc -b flag-1,flag-2,flag-3
-A -t 10.9.0.200:0 -s nq -p 360
-A -u 10.9.0.102:5060 -s rr -p 60 --pe sip -o
-A --sctp-service 10.9.0.100:9 -s sh -b sh-fallback,sh-port
-A -t [fd00:9::100]:443 -s wlc -p 360 -M 64
-a -t [fd00:9::100]:443 -r [fd00:9::21]:443 -g -w 1
-a -t [fd00:9::100]:443 -r 10.9.0.24:443 -i -w 1 --tun-type ipip
-A -f 7 -s lc
-a -f 7 -r 10.9.0.21:0 -g -w 1
-A -f 8 -6 -s lc -p 10 -M 48`

describe('rules as ipvsadm saves them', () => {
  test('are read and written as they were', () => {
    const { table, errors } = parseRules(SAVED)
    expect(errors).toEqual([])
    expect(save(table)).toEqual(SAVED.split('\n'))
  })

  test('carry thresholds only when asked: ipvsadm reads them, but does not save them', () => {
    const rule = '-a -t 10.9.0.100:80 -r 10.9.0.21:80 -g -w 1 -x 100 -y 50'
    const { table } = parseRules(`-A -t 10.9.0.100:80 -s rr\n${rule}`)
    expect(save(table)[1]).toBe(rule.slice(0, -12).trim())
    expect(save(table, true)[1]).toBe(rule)
  })

  test('take any table there and back', () => {
    fc.assert(
      fc.property(table, one => {
        const lines = save(one, true)
        const { table: back, errors } = parseRules(lines.join('\n'))
        expect(errors).toEqual([])
        expect(save(back, true).length).toBeLessThanOrEqual(lines.length)
        expect(plan(back, parseRules(save(back, true).join('\n')).table)).toEqual([])
      }),
    )
  })

  test('may use long options, defaults and comments', () => {
    const text =
      '# saved\n--add-service --tcp-service 10.9.0.100:80 --persistent\n--add-server --tcp-service 10.9.0.100:80 --real-server 10.9.0.21 --masquerading\n'
    expect(save(parseRules(text).table)).toEqual([
      '-A -t 10.9.0.100:80 -s wlc -p 300',
      '-a -t 10.9.0.100:80 -r 10.9.0.21:80 -m -w 1',
    ])
  })

  test('that make no sense are told with their line', () => {
    const wrong = [
      '-D -t 10.9.0.100:80',
      '-A -s rr',
      '-A -t 10.9.0.1:80 -z',
      '-A -t',
      '-a -t 10.9.0.9:80 -r 10.9.0.1:80',
      '-A -t 999.9.0.1:80 -s rr',
    ]
    for (const line of wrong) {
      const { table, errors } = parseRules(`\n${line}`)
      expect([table.size, errors.map(error => error.line)], line).toEqual([0, [2]])
    }
    fc.assert(
      fc.property(fc.string(), text => {
        expect(parseRules(text).table.size).toBe(0)
      }),
    )
  })
})

describe('an operation', () => {
  test('can be typed as ipvsadm command', () => {
    const ops: Op[] = [
      { op: 'add-service', service: web },
      { op: 'edit-service', service: web, before: web },
      { op: 'remove-service', service: web },
      { op: 'add-server', service: web, server: rs(21) },
      { op: 'edit-server', service: web, server: rs(21, 5), before: rs(21) },
      { op: 'remove-server', service: web, server: rs(21) },
    ]
    expect(ops.map(ipvsadmLine)).toEqual([
      'ipvsadm -A -t 10.9.0.100:80 -s wrr',
      'ipvsadm -E -t 10.9.0.100:80 -s wrr',
      'ipvsadm -D -t 10.9.0.100:80',
      'ipvsadm -a -t 10.9.0.100:80 -r 10.9.0.21:80 -g -w 1',
      'ipvsadm -e -t 10.9.0.100:80 -r 10.9.0.21:80 -g -w 5',
      'ipvsadm -d -t 10.9.0.100:80 -r 10.9.0.21:80',
    ])
  })
})
