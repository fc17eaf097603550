import { describe, expect, test } from 'vitest'
import { neededSysctls, type SysctlFeatures } from '../../src/ipvs/sysctls.js'
import type { Forward } from '../../src/ipvs/table.js'
import { realServer, rs, virtualServer } from './harness.js'

const none: SysctlFeatures = { services: [], interfaces: [], sync: false, conntrack: false }
const names = (features: Partial<SysctlFeatures>) =>
  Object.fromEntries(neededSysctls({ ...none, ...features }).map(({ name, value }) => [name, value]))
const forwarding = (forward: Forward, address = '10.9.0.21') =>
  virtualServer([realServer(21, { address, settings: { ...rs(21).settings, forward } })])

describe('the kernel settings that a configuration needs', () => {
  test('are none without virtual servers', () => expect(names({})).toEqual({}))
  test('let no connection and no persistent client hang on a real server that is gone', () => {
    expect(names({ services: [forwarding('dr')] })).toEqual({
      'net.ipv4.vs.expire_nodest_conn': '1',
      'net.ipv4.vs.expire_quiescent_template': '1',
    })
  })
  test('forward for nat, without redirects on any interface', () => {
    expect(names({ services: [forwarding('nat')], interfaces: ['eth0', 'eth0.100'] })).toMatchObject({
      'net.ipv4.ip_forward': '1',
      'net.ipv4.conf.all.send_redirects': '0',
      'net.ipv4.conf.default.send_redirects': '0',
      'net.ipv4.conf.eth0.send_redirects': '0',
      'net.ipv4.conf.eth0/100.send_redirects': '0',
    })
    expect(names({ services: [forwarding('nat', 'fd00:9::21')] })).toMatchObject({
      'net.ipv6.conf.all.forwarding': '1',
    })
    expect(names({ services: [forwarding('tun')] })).not.toHaveProperty(['net.ipv4.ip_forward'])
  })
  test('forward for a sorry server that is reached by nat', () => {
    const sorry = { ...rs(90), inhibit: false, settings: { ...rs(90).settings, forward: 'nat' as const } }
    expect(names({ services: [{ ...forwarding('dr'), sorry }] })).toMatchObject({ 'net.ipv4.ip_forward': '1' })
  })
  test('accept the middle of a connection after a failover, with sync or mh', () => {
    const mh = { ...forwarding('dr'), settings: { ...forwarding('dr').settings, scheduler: 'mh' as const } }
    expect(names({ services: [mh] })).toMatchObject({ 'net.ipv4.vs.sloppy_tcp': '1' })
    expect(names({ services: [forwarding('dr')], sync: true })).toMatchObject({ 'net.ipv4.vs.sloppy_tcp': '1' })
    expect(names({ services: [forwarding('dr')] })).not.toHaveProperty(['net.ipv4.vs.sloppy_tcp'])
    expect(names({ services: [forwarding('dr')], sync: true })).not.toHaveProperty(['net.ipv4.vs.sloppy_sctp'])
  })
  test('let the firewall see balanced connections', () => {
    expect(names({ conntrack: true })).toEqual({ 'net.ipv4.vs.conntrack': '1' })
  })
  test('each say why', () => {
    for (const one of neededSysctls({
      ...none,
      services: [forwarding('nat')],
      sync: true,
      conntrack: true,
    }))
      expect(one.why).toMatch(/\w+ \w+/)
  })
})
