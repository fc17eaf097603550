import { describe, expect, test } from 'vitest'
import { routerOf } from '../fakes/virtual-router.js'
import { segment, sleep, until } from '../linux/namespaces.js'
import { besideKeepalived, moreWays, newerWays, title, type Way, ways } from './beside-keepalived.js'
import { keepalivedOf, suites } from './keepalived-versions.js'
import { addressWatch, keepalived, kernelDirector } from './kernel-director.js'

describe.each(suites)('beside keepalived, %s', (_, suite) => {
  const program = keepalivedOf(suite)
  // The machine's own tells the rest of its story in every test run.
  const tried: readonly Way[] = suite ? [...ways, ...moreWays, ...newerWays] : moreWays

  test.each(tried.map(way => [title(way), way] as const))(
    '%s: stop, crash and return, each with one master',
    { timeout: 120_000 },
    async (__, way) => {
      const net = segment()
      try {
        await besideKeepalived(net, way, program)
      } finally {
        net.remove()
      }
    },
  )

  test('one with another list of addresses yields from 2.3.3 on, and stays master as well before', {
    timeout: 60_000,
  }, async () => {
    const net = segment()
    const a = await addressWatch(net.a)
    const b = await addressWatch(net.b)
    const other = keepalived(net.b, lesser, program)
    const addresses = ['10.9.0.100', '10.9.0.101'].map(address => ({ address, prefix: 32, interface: 'eth0' }))
    let director: Awaited<ReturnType<typeof kernelDirector>> | undefined
    try {
      await until('keepalived to have the VIP', () => b.has('10.9.0.100'), 6_000)
      director = await kernelDirector(net.a, routerOf(0, [150, 100], { vips: addresses }))
      await until('our VIPs', () => a.has('10.9.0.100') && a.has('10.9.0.101'), 6_000)
      await sleep(3_000)
      expect(b.has('10.9.0.100')).toBe(suite === '')
      expect(director.state()).toBe('master')
    } finally {
      director?.close()
      await other.close()
      a.close()
      b.close()
      net.remove()
    }
  })
})

const lesser = `vrrp_instance web {
  interface eth0
  state BACKUP
  virtual_router_id 51
  priority 100
  version 3
  advert_int 0.1
  virtual_ipaddress {
    10.9.0.100/32
  }
}
`
