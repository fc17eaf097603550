import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importKeepalived } from '../../config/import/keepalived.js'
import { loadConfig } from '../../config/load.js'

/** The configuration that a file of the corpus becomes. */
function config(name: string, addresses: readonly string[] = ['10.9.0.11', 'fd00:9::11']) {
  const file = join(import.meta.dirname, 'corpus', name)
  const { yaml } = importKeepalived([
    { file, text: readFileSync(file, 'utf8'), ...(addresses.length > 0 ? { addresses } : {}) },
  ])
  const loaded = loadConfig(yaml, { file: '/x', hostname: 'h', localAddresses: [], static: true, env: {} })
  if (!loaded.ok) throw new Error(`${yaml}\n${JSON.stringify(loaded.errors)}`)
  return loaded.config
}

test('alpha and inhibit_on_failure of single real servers are theirs alone', () => {
  const [service] = config('lvs-mixed-alpha-inhibit.conf').services
  expect(service).toMatchObject({ start: 'up', onDown: 'remove' })
  expect(service?.realServers.map(({ address, start, onDown }) => [address, start, onDown])).toEqual([
    ['10.9.0.21', undefined, 'inhibit'],
    ['10.9.0.22', 'down', undefined],
  ])
})

test('the space between announcements is carried over for both families, in whole milliseconds', () => {
  const { routers } = config('vrrp-garp-interval.conf')
  expect(routers.map(({ family, garp }) => [family, garp.interval])).toEqual([
    [4, 1],
    [6, 1],
  ])
})

test('an interface whose VIP says no_track may be down', () => {
  const [router] = config('vrrp-no-track.conf').routers
  expect(router?.vips.map(vip => vip.interface)).toEqual(['eth0', 'eth1', 'eth2'])
  expect(router?.track.interfaces.map(({ source }) => source)).toEqual(['interface eth2'])
})

test('what looks like an environment variable of ours stays what it was', () => {
  const [script] = config('vrrp-literal-env.conf').tracking.scripts
  expect(script?.check.probe).toMatchObject({ argv: ['/usr/local/bin/chk', `\${env:HOME}`, '$NOTHING'] })
})

test('a route or rule with a word that is no address is told, and the others are carried over', () => {
  const [router] = config('vrrp-rules-broken.conf').routers
  expect(router?.routes).toEqual([{ destination: '10.7.0.0/16', via: '10.9.0.1' }])
  expect(router?.rules).toEqual([{ family: 4, from: '10.9.0.0/24', table: 2, preference: 16_384 }])
})

test('each director that conditions tell apart has its own priority', () => {
  const priorities = (name: string) => config(name, []).directors.map(one => [one.name, one.priority, one.addresses])
  expect(priorities('vrrp-conditions-three.conf')).toEqual([
    ['lb1', 150, ['10.9.0.11']],
    ['lb2', 100, ['10.9.0.12']],
    ['lb3', 50, ['10.9.0.13']],
  ])
  expect(priorities('vrrp-conditions-one.conf')).toEqual([
    ['primary', 150, ['10.9.0.11']],
    ['other', 100, ['10.9.0.12']],
  ])
})

test('mail of one instance among several is mail about that router only', () => {
  const instance = (name: string, vrid: number, more: string) => `vrrp_instance ${name} {
    interface eth0
    virtual_router_id ${vrid}
    priority 100
    virtual_ipaddress {
        10.9.0.${vrid}
    }
    ${more}
}
`
  const globals = `global_defs {
    notification_email {
        ops@example.org
    }
    notification_email_from lb@example.org
    smtp_server 10.9.0.5
}
`
  const text = globals + instance('A', 51, 'smtp_alert') + instance('B', 52, '')
  const { yaml, findings } = importKeepalived([{ file: '/k.conf', text, addresses: ['10.9.0.11'] }])
  const loaded = loadConfig(yaml, { file: '/x', hostname: 'h', localAddresses: [], static: true, env: {} })
  if (!loaded.ok) throw new Error(`${yaml}\n${JSON.stringify(loaded.errors)}`)
  expect(loaded.config.alerts).toMatchObject([{ events: ['vrrp.state'], subjects: ['router A'] }])
  expect(findings.map(({ code }) => code)).not.toContain('mail-scope')
})

test('what is lost of the timing and reach of adverts comes with the value to write', () => {
  const instance = (more: string, version = 2) =>
    importKeepalived([
      {
        file: 'd1.conf',
        text: `vrrp_instance a {
  version ${version}
  interface eth0
  virtual_router_id 51
  unicast_src_ip 10.9.0.11
  unicast_peer {
    10.9.0.12
  }
  ${more}
  virtual_ipaddress {
    10.9.0.100/32
  }
}
`,
      },
    ]).findings.filter(({ severity }) => severity === 'lost')
  expect(instance('unicast_ttl 255\n  down_timer_adverts 3')).toEqual([])
  expect(instance('unicast_ttl 2')).toMatchObject([{ code: 'unicast-ttl', line: 9 }])
  const instead = (more: string, version?: number) => instance(more, version)[0]?.instead
  expect(instead('advert_int 1\n  down_timer_adverts 5')).toMatch(/write advert_interval: 2s once both/)
  expect(instead('advert_int 0.1\n  down_timer_adverts 4', 3)).toMatch(/write advert_interval: 130ms once both/)
})
