import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { importIpvsadm } from '../../config/import/ipvsadm.js'
import { loadConfig } from '../../config/load.js'
import { formatProblems } from '../../config/problem.js'
import { checkerInput } from '../../src/checking/input.js'
import { desired } from '../../src/ipvs/desired.js'
import { save } from '../../src/ipvs/ipvsadm.js'

function load(yaml: string) {
  const loaded = loadConfig(yaml, { file: '/x', hostname: 'h', localAddresses: [], static: true, env: {} })
  if (!loaded.ok) throw new Error(`${formatProblems(loaded.errors, [])}\n${yaml}`)
  return loaded.config
}

/** The rules of the table that the imported file stands for. */
function again(rules: string): string[] {
  const { services } = load(importIpvsadm(rules).yaml)
  const inputs = services.map(service => checkerInput(service, () => ({ verdict: 'unknown' })))
  return save(desired(inputs, { now: 0 }).table, true)
}

describe('the table of the imported rules is the table of the rules', () => {
  test.each([
    [
      '-A -t 10.9.0.100:80 -s wrr',
      '-a -t 10.9.0.100:80 -r 10.9.0.21:80 -g -w 3',
      '-a -t 10.9.0.100:80 -r 10.9.0.22:80 -g -w 0',
    ],
    ['-A -t 10.9.0.100:80 -s wlc -p 360', '-a -t 10.9.0.100:80 -r 10.9.1.21:8080 -m -w 1'],
    [
      '-A -t 10.9.0.100:80 -s sh -p 300 -M 255.255.255.0 -b sh-fallback,sh-port',
      '-a -t 10.9.0.100:80 -r 10.9.0.21:80 -i -w 1 --tun-type ipip',
    ],
    ['-A -u 10.9.0.100:5060 -s rr -p 60 --pe sip', '-a -u 10.9.0.100:5060 -r 10.9.0.21:5060 -g -w 1'],
    ['-A -u 10.9.0.100:53 -s rr -o', '-a -u 10.9.0.100:53 -r 10.9.0.21:53 -g -w 1'],
    ['-A -f 7 -s wlc', '-a -f 7 -r 10.9.0.21:0 -g -w 1'],
    ['-A -f 8 -6 -s wlc', '-a -f 8 -6 -r [fd00:9::21]:0 -g -w 1'],
    ['-A --sctp-service 10.9.0.100:3868 -s rr', '-a --sctp-service 10.9.0.100:3868 -r 10.9.1.21:3868 -m -w 1'],
    [
      '-A -t [fd00:9::100]:443 -s mh -b mh-port',
      '-a -t [fd00:9::100]:443 -r [fd00:9::21]:443 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum',
    ],
    [
      '-A -t 10.9.0.100:80 -s wlc',
      '-a -t 10.9.0.100:80 -r 10.9.0.21:80 -g -w 1 -x 1000 -y 800',
      '-a -t 10.9.0.100:80 -r 10.9.1.22:81 -m -w 1',
    ],
  ])('%s', (...rules) => expect(again(rules.join('\n'))).toEqual(rules))

  test('also from long options, with the word ipvsadm in front', () => {
    const rules =
      'ipvsadm --add-service --tcp-service 10.9.0.100:80 --scheduler rr\nipvsadm --add-server --tcp-service=10.9.0.100:80 --real-server 10.9.0.21:80 --gatewaying --weight 2\n'
    expect(again(rules)).toEqual(['-A -t 10.9.0.100:80 -s rr', '-a -t 10.9.0.100:80 -r 10.9.0.21:80 -g -w 2'])
  })
})

describe('what is not a rule', () => {
  test.each([
    ['-A -t 10.9.0.100:80 -s rr\n-a -t 10.9.0.101:80 -r 10.9.0.21:80 -g', 'lost unknown-service'],
    ['-A -t 10.9.0.100:80 -s fastest', 'lost bad-value'],
    ['-A -t web:http -s rr\n-A -f 1 -s rr', 'lost bad-rule'],
    ['-A -t 10.9.0.100:80 -s rr\n-A -t 10.9.0.100:80 -s rr', 'trap duplicate-service'],
    ['-A -t 10.9.0.100:80 -s rr --frobnicate', 'lost unknown-word'],
    ['-C\n-A -t 10.9.0.100:80 -s rr', 'lost not-a-rule'],
  ])('%s', (rules, expected) => {
    const { yaml, findings } = importIpvsadm(rules)
    load(yaml)
    expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toContain(expected)
  })

  test('alone makes the text unreadable', () => {
    expect(importIpvsadm('IP Virtual Server version 1.2.1\n')).toMatchObject({ status: 'unreadable', yaml: '' })
  })

  test('is never an exception, and never a file that is refused', () => {
    const words = [
      '-A',
      '-a',
      '-t',
      '-u',
      '-f',
      '-r',
      '-s',
      '-p',
      '-M',
      '-w',
      '-x',
      '-y',
      '-g',
      '-m',
      '-i',
      '-o',
      '-b',
      '-6',
      '--pe',
      '--tun-type',
    ]
    const values = [
      '10.9.0.100:80',
      '[fd00:9::1]:80',
      '7',
      'rr',
      'sh',
      'sip',
      'gue',
      '300',
      '255.255.255.0',
      'sh-port',
      '-1',
      '10.9.0.21:80',
    ]
    const line = fc.array(fc.constantFrom(...words, ...values), { maxLength: 12 }).map(parts => parts.join(' '))
    const start = fc.constantFrom(
      '-A -t 10.9.0.100:80 -s rr',
      '-A -u 10.9.0.100:80',
      '-A -f 7 -s wlc',
      '-a -t 10.9.0.100:80 -r 10.9.0.21:80',
    )
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            line,
            start,
            fc.tuple(start, line).map(parts => parts.join(' ')),
          ),
          { maxLength: 6 },
        ),
        lines => {
          const { yaml, status } = importIpvsadm(lines.join('\n'))
          if (status !== 'unreadable') load(yaml)
        },
      ),
      { numRuns: 400, seed: 6 },
    )
  }, 120_000)
})
