import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Half } from '../../src/realserver/half.js'
import { applyRealServer, prepareRealServer } from '../../src/realserver/prepare.js'
import { verifyRealServer } from '../../src/realserver/verify.js'
import { type Segment, segment } from '../linux/namespaces.js'

let net: Segment
beforeAll(() => {
  net = segment()
  net.a.run('ip', 'route', 'add', 'default', 'via', '10.9.0.254')
})
afterAll(() => net.remove())

const tun: Half = {
  mode: 'tun',
  tunnel: { type: 'ipip' },
  vips: ['10.9.0.100'],
  services: [],
  directors: ['10.9.0.12'],
}
const codes = (half: Half) => net.a.enter(() => verifyRealServer([half])).findings.map(({ code }) => code)
const apply = (half: Half) => net.a.enter(() => applyRealServer(half)).filter(({ error }) => error !== undefined)

test('a real server behind a tunnel gets its tunnel, its silence and its VIP, in this order', () => {
  expect(
    prepareRealServer(tun, 'plan')
      .split('\n')
      .filter(line => line.startsWith('   '))
      .map(line => line.trim()),
  ).toEqual([
    'modprobe ipip',
    'ip link set tunl0 up',
    'sysctl -w net.ipv4.conf.all.arp_ignore=1',
    'sysctl -w net.ipv4.conf.all.arp_announce=2',
    'sysctl -w net.ipv4.conf.tunl0.rp_filter=2',
    'ip address replace 10.9.0.100/32 dev tunl0',
  ])
  expect(codes(tun)).toContain('vip-missing')
  expect(apply(tun)).toEqual([])
  expect(codes(tun)).toEqual([])
})

test('packets that a director sends through the tunnel arrive, whatever interface their sender is reached by', () => {
  net.a.run('sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=1')
  net.b.run('ip', 'link', 'set', 'tunl0', 'up')
  net.b.run('ip', 'tunnel', 'add', 'out', 'mode', 'ipip', 'local', '10.9.0.12', 'remote', '10.9.0.11')
  net.b.run('ip', 'link', 'set', 'out', 'up')
  net.b.run('ip', 'route', 'add', '10.9.0.100/32', 'dev', 'out', 'src', '10.9.0.12')
  expect(net.b.run('ping', '-c2', '-i0.2', '-W2', '10.9.0.100')).toContain('2 received')
  expect(codes(tun)).toEqual([])
})

test('a strict reverse path filter drops them, is found, and mended by its command', () => {
  net.a.run('sysctl', '-qw', 'net.ipv4.conf.tunl0.rp_filter=1', 'net.ipv4.conf.all.rp_filter=1')
  expect(() => net.b.run('ping', '-c1', '-W1', '10.9.0.100')).toThrow()
  const { findings } = net.a.enter(() => verifyRealServer([tun]))
  expect(findings.map(({ code }) => code)).toEqual(['rp-filter'])
  for (const command of findings[0]!.fix) net.a.run('sh', '-c', command)
  expect(net.b.run('ping', '-c2', '-i0.2', '-W2', '10.9.0.100')).toContain('2 received')
  expect(codes(tun)).toEqual([])
})

test('a tunnel that is down is found', () => {
  net.a.run('ip', 'link', 'set', 'tunl0', 'down')
  expect(codes(tun)).toContain('tunnel-down')
  expect(apply(tun)).toEqual([])
  expect(codes(tun)).toEqual([])
})

test('GUE needs its UDP port', () => {
  const gue: Half = { ...tun, tunnel: { type: 'gue', port: 6080 } }
  expect(codes(gue)).toEqual(['fou-port'])
  expect(apply(gue)).toEqual([])
  expect(codes(gue)).toEqual([])
  expect(apply(gue)).toEqual([])
})
