import { describe, expect, test } from 'vitest'
import type { Config } from '../../config/config.js'
import { importKeepalived, type KeepalivedSource } from '../../config/import/keepalived.js'
import { loadConfig } from '../../config/load.js'
import { formatProblems } from '../../config/problem.js'

const body = (more: Partial<Record<'globals' | 'instance' | 'rest' | 'prio' | 'nic' | 'vip' | 'unicast', string>>) => `
global_defs {
    ${more.globals ?? ''}
}
vrrp_instance VI_1 {
    state BACKUP
    interface ${more.nic ?? 'eth0'}
    virtual_router_id 51
    priority ${more.prio ?? '100'}
    ${more.unicast ?? ''}
    ${more.instance ?? ''}
    virtual_ipaddress {
        ${more.vip ?? '10.9.0.100/24'}
    }
}
${more.rest ?? ''}
`
const unicast = (own: number, other: number) => `unicast_src_ip 10.9.0.${own}
    unicast_peer {
        10.9.0.${other}
    }`

function merge(first: string, second: string, more: readonly Partial<KeepalivedSource>[] = [{}, {}]) {
  const result = importKeepalived([
    { file: 'a.conf', text: first, ...more[0] },
    { file: 'b.conf', text: second, ...more[1] },
  ])
  const load = (node: string): Config => {
    const loaded = loadConfig(result.yaml, {
      file: '/x',
      node,
      hostname: 'h',
      localAddresses: [],
      static: true,
      env: {},
    })
    if (!loaded.ok) throw new Error(`${formatProblems(loaded.errors, [])}\n${result.yaml}`)
    return loaded.config
  }
  const lost = result.findings.filter(({ severity }) => severity === 'lost').map(({ code }) => code)
  return { ...result, load, lost }
}

describe('the files of both directors become one', () => {
  const first = body({ prio: '150', unicast: unicast(11, 12), globals: 'router_id lb1' })
  const second = body({ prio: '100', unicast: unicast(12, 11), globals: 'router_id lb2' })

  test('directors take their names from router_id, addresses from unicast_src_ip, and keep their priorities', () => {
    const { load, status } = merge(first, second)
    expect(status).toBe('complete')
    const config = load('lb2')
    expect(config.directors).toEqual([
      { name: 'lb1', addresses: ['10.9.0.11'], priority: 150, interfaces: {} },
      { name: 'lb2', addresses: ['10.9.0.12'], priority: 100, interfaces: {} },
    ])
    expect(config.routers[0]).toMatchObject({
      priority: 100,
      transport: 'unicast',
      peers: [{ address: '10.9.0.11', minTtl: 1 }],
    })
    expect(load('lb1').routers[0]).toMatchObject({ priority: 150, peers: [{ address: '10.9.0.12', minTtl: 1 }] })
  })

  test('given names win; without any the higher priority is d1, whichever file comes first', () => {
    const names = (one: string, two: string, more?: readonly Partial<KeepalivedSource>[]) =>
      merge(one, two, more)
        .load('d1')
        .directors.map(({ name, priority }) => [name, priority])
    expect(names(first, second, [{ node: 'd1' }, { node: 'east' }])).toEqual([
      ['d1', 150],
      ['east', 100],
    ])
    const same = (text: string) => text.replace(/router_id lb\d/, 'router_id LVS')
    expect(names(same(second), same(first))).toEqual([
      ['d2', 100],
      ['d1', 150],
    ])
  })

  test('where a file does not name its own address, the other one does', () => {
    const bare = second.replace('unicast_src_ip 10.9.0.12', '')
    expect(merge(first, bare).load('lb2').node.addresses).toEqual(['10.9.0.12'])
  })

  test('multicast directors whose files name no address get one that stops lvskeeper until it is corrected', () => {
    const { yaml, lost } = merge(body({ prio: '150' }), body({}))
    expect(lost).toEqual(['director-address', 'director-address'])
    expect(yaml).toContain("d1: { address: 192.0.2.1, priority: 150 } # write this director's own address here")
    const given = merge(body({ prio: '150' }), body({}), [{ addresses: ['10.9.0.11'] }, { addresses: ['10.9.0.12'] }])
    expect(given.status).toBe('complete')
    expect(given.load('d2').node.addresses).toEqual(['10.9.0.12'])
  })

  test('interfaces of other names are renamed for that director', () => {
    const vip = (nic: string) => `10.9.0.100/24\n        10.9.1.1/24 dev ${nic}`
    const { load, status } = merge(
      body({ prio: '150', unicast: unicast(11, 12), nic: 'eth0', vip: vip('eth1') }),
      body({ unicast: unicast(12, 11), nic: 'ens3', vip: vip('ens4') }),
    )
    expect(status).toBe('complete')
    expect(load('d2').node.interfaces).toEqual({ eth0: 'ens3', eth1: 'ens4' })
    expect(load('d2').routers[0]?.vips.map(vip => vip.interface)).toEqual(['ens3', 'ens4'])
    expect(load('d1').routers[0]?.vips.map(vip => vip.interface)).toEqual(['eth0', 'eth1'])
  })

  test('active/active: priorities stand at the routers', () => {
    const two = (a: number, b: number) =>
      body({
        prio: String(a),
        unicast: unicast(a > b ? 11 : 12, a > b ? 12 : 11),
        rest: body({ prio: String(b), unicast: unicast(a > b ? 11 : 12, a > b ? 12 : 11), vip: '10.9.0.101/24' })
          .replace('VI_1', 'VI_2')
          .replace('virtual_router_id 51', 'virtual_router_id 52'),
      })
    const { load } = merge(two(150, 100), two(100, 150))
    expect(load('d1').routers.map(({ name, priority }) => [name, priority])).toEqual([
      ['VI_1', 150],
      ['VI_2', 100],
    ])
    expect(load('d2').routers.map(({ name, priority }) => [name, priority])).toEqual([
      ['VI_1', 100],
      ['VI_2', 150],
    ])
  })

  test('one file with @conditions for two ids stands for both', () => {
    const text = `
@lb1 $PRIO=150
@lb2 $PRIO=100
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority $PRIO
    @lb1 unicast_src_ip 10.9.0.11
    @lb2 unicast_src_ip 10.9.0.12
    unicast_peer {
        @^lb1 10.9.0.11
        @^lb2 10.9.0.12
    }
    virtual_ipaddress {
        10.9.0.100
    }
}
`
    const { yaml, status } = importKeepalived([{ file: 'both.conf', text }])
    expect(status).toBe('complete')
    expect(yaml).toContain(
      '  lb1: { address: 10.9.0.11, priority: 150 }\n  lb2: { address: 10.9.0.12, priority: 100 }\n',
    )
  })
})

describe('where the files differ', () => {
  const one = (more: Parameters<typeof body>[0]) => body({ prio: '150', unicast: unicast(11, 12), ...more })
  const two = (more: Parameters<typeof body>[0]) => body({ unicast: unicast(12, 11), ...more })

  test('in what both must have alike, the first counts and the difference is reported', () => {
    const { lost, findings, load } = merge(one({ instance: 'advert_int 1' }), two({ instance: 'advert_int 2' }))
    expect(lost).toEqual(['directors-differ'])
    expect(findings.find(({ code }) => code === 'directors-differ')).toMatchObject({
      file: 'b.conf',
      line: 5,
      meaning: 'advert_interval: d1 has "1s", d2 has "2s".',
    })
    expect(load('d2').routers[0]?.advertInterval).toBe(1000)
  })

  test('in pre-emption, the director of higher priority decides: the other never has the choice', () => {
    const { lost, load } = merge(one({ instance: '' }), two({ instance: 'nopreempt' }))
    expect(lost).toEqual([])
    expect(load('d1').routers[0]?.preempt).toEqual({ mode: 'always' })
    const never = merge(one({ instance: 'nopreempt' }), two({}))
    expect(never.load('d2').routers[0]?.preempt).toEqual({ mode: 'never' })
  })

  test('in the virtual servers: what only one has, or has differently', () => {
    const server = (port: number, weight: number) => `virtual_server 10.9.0.100 ${port} {
    lb_kind DR
    protocol TCP
    real_server 10.9.0.21 ${port} {
        weight ${weight}
    }
}`
    const { lost, load } = merge(
      one({ rest: server(80, 1) + server(81, 1) }),
      two({ rest: server(80, 2) + server(82, 1) }),
    )
    expect(lost).toEqual(['only-one-director', 'directors-differ', 'only-one-director'])
    expect(load('d1').services.map(({ name, realServers }) => [name, realServers[0]?.weight])).toEqual([
      ['tcp-10.9.0.100-80', 1],
      ['tcp-10.9.0.100-81', 1],
      ['tcp-10.9.0.100-82', 1],
    ])
  })

  test('an instance of one director only is said to run on both then', () => {
    const extra = body({ prio: '90', unicast: unicast(11, 12), vip: '10.9.0.102/24' })
      .replace('VI_1', 'VI_9')
      .replace('virtual_router_id 51', 'virtual_router_id 59')
    expect(merge(one({ rest: extra }), two({})).lost).toEqual(['only-one-director'])
  })

  test('two owners cannot be', () => {
    const { lost, load } = merge(one({ prio: '255' }), two({ prio: '255' }))
    expect(lost).toEqual(['two-owners'])
    expect([load('d1').routers[0]?.priority, load('d2').routers[0]?.priority]).toEqual([255, 254])
  })

  test('a program that one of them runs, runs there only; the same program stands once', () => {
    const notify = 'notify_master "/etc/keepalived/up.sh a"'
    expect(merge(one({ instance: notify }), two({ instance: notify })).load('d1').alerts).toHaveLength(1)
    const { lost, load } = merge(one({}), two({ instance: notify }))
    expect(lost).toEqual([])
    expect(load('d1').alerts).toMatchObject([{ directors: ['d2'], subjects: ['router VI_1'], to: ['master'] }])
  })
})
