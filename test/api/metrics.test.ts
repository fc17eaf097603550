import { describe, expect, test } from 'vitest'
import { createMetrics } from '../../src/api/metrics.js'
import { bad, good, noon, peer, router, service, status } from '../status/samples.js'

const text = async (given = status(), scope: string[] = []) => (await createMetrics().render(given, scope)).text
const lines = async (given: ReturnType<typeof status>, pattern: RegExp, scope: string[] = []) =>
  (await text(given, scope)).split('\n').filter(line => pattern.test(line))

describe('the metrics', () => {
  test('show the state of a virtual router one-hot, with both priorities', async () => {
    expect(await lines(status(), /^lvskeeper_vrrp_(state|priority)/)).toEqual([
      'lvskeeper_vrrp_state{router="web",state="init"} 0',
      'lvskeeper_vrrp_state{router="web",state="backup"} 0',
      'lvskeeper_vrrp_state{router="web",state="master"} 1',
      'lvskeeper_vrrp_state{router="web",state="fault"} 0',
      'lvskeeper_vrrp_priority{router="web",kind="base"} 150',
      'lvskeeper_vrrp_priority{router="web",kind="effective"} 150',
    ])
  })

  test('count adverts, and what was not one by its reason', async () => {
    expect(await lines(status(), /^lvskeeper_vrrp_(adverts|sender|errors|checksum|advert_|master)/)).toEqual([
      'lvskeeper_vrrp_adverts_sent_total{router="web"} 10',
      'lvskeeper_vrrp_adverts_received_total{router="web"} 2',
      'lvskeeper_vrrp_master_transitions_total{router="web"} 1',
      'lvskeeper_vrrp_errors_total{router="web",type="ip-ttl-error"} 3',
      'lvskeeper_vrrp_checksum_total{router="web",form="plain"} 2',
      'lvskeeper_vrrp_sender_adverts_total{router="web",sender="10.9.0.12",form="pseudo-header"} 0',
      'lvskeeper_vrrp_sender_adverts_total{router="web",sender="10.9.0.12",form="plain"} 2',
      'lvskeeper_vrrp_advert_lateness_seconds_bucket{router="web",le="0.001"} 5',
      'lvskeeper_vrrp_advert_lateness_seconds_bucket{router="web",le="0.002"} 7',
      'lvskeeper_vrrp_advert_lateness_seconds_bucket{router="web",le="+Inf"} 8',
      'lvskeeper_vrrp_advert_lateness_seconds_sum{router="web"} 0.009',
      'lvskeeper_vrrp_advert_lateness_seconds_count{router="web"} 8',
      'lvskeeper_vrrp_advert_interarrival_ratio_bucket{router="web",le="1.1"} 7',
      'lvskeeper_vrrp_advert_interarrival_ratio_bucket{router="web",le="2.1"} 8',
      'lvskeeper_vrrp_advert_interarrival_ratio_bucket{router="web",le="+Inf"} 8',
      'lvskeeper_vrrp_advert_interarrival_ratio_sum{router="web"} 9.05',
      'lvskeeper_vrrp_advert_interarrival_ratio_count{router="web"} 8',
    ])
  })

  test('show real servers, their checks and their services', async () => {
    const given = status({ services: [{ ...service, realServers: [good, bad] }] })
    expect(await lines(given, /^lvskeeper_real_server_(up|weight|active)/)).toEqual([
      'lvskeeper_real_server_up{service="web",server="10.9.0.21:80"} 1',
      'lvskeeper_real_server_up{service="web",server="10.9.0.22:80"} 0',
      'lvskeeper_real_server_weight{service="web",server="10.9.0.21:80"} 2',
      'lvskeeper_real_server_weight{service="web",server="10.9.0.22:80"} 0',
      'lvskeeper_real_server_active_connections{service="web",server="10.9.0.21:80"} 12',
    ])
    expect(await lines(given, /^lvskeeper_check_up|^lvskeeper_check_duration/)).toEqual([
      'lvskeeper_check_up{service="web",server="10.9.0.21:80",check="homepage"} 1',
      'lvskeeper_check_up{service="web",server="10.9.0.22:80",check="homepage"} 0',
      'lvskeeper_check_duration_seconds{service="web",server="10.9.0.21:80",check="homepage"} 0.00184',
      'lvskeeper_check_duration_seconds{service="web",server="10.9.0.22:80",check="homepage"} 0.0004',
    ])
    expect(await lines(given, /^lvskeeper_virtual_server_real_servers/)).toEqual([
      'lvskeeper_virtual_server_real_servers{service="web",state="up"} 1',
      'lvskeeper_virtual_server_real_servers{service="web",state="down"} 1',
    ])
  })

  test('show the other directors, and nothing of them where there is no channel', async () => {
    const silent = status({ peers: [{ ...peer, state: 'silent' }] })
    expect(await lines(silent, /^lvskeeper_peer_(up|ready)/)).toEqual([
      'lvskeeper_peer_up{peer="d2"} 0',
      'lvskeeper_peer_ready{peer="d2"} 0',
    ])
    expect(await lines(status({ peerChannel: 'off' }), /peer/)).toEqual([])
  })

  test('count transitions and events as they happen', async () => {
    const metrics = createMetrics()
    const event = { at: noon, name: 'vrrp.state', level: 'notice', subject: 'router web', text: 'x' } as const
    metrics.observe({ ...event, data: { from: 'backup', to: 'master' } })
    metrics.observe({ ...event, data: { from: 'backup', to: 'master' } })
    const { text } = await metrics.render(status(), [])
    expect(text).toContain('lvskeeper_vrrp_transitions_total{router="web",from="backup",to="master"} 2\n')
    expect(text).toContain('lvskeeper_events_total{name="vrrp.state",level="notice"} 2\n')
  })

  test('are narrowed by scope', async () => {
    const names = async (scope: string[]) => {
      const found = await lines(status(), /^# TYPE/, scope)
      return found.map(line => line.split(' ')[2]!)
    }
    expect((await names(['vrrp'])).every(name => name.startsWith('lvskeeper_vrrp_'))).toBe(true)
    expect(await names(['vrrp'])).not.toEqual([])
    expect((await names([])).some(name => name.startsWith('keepalived_'))).toBe(false)
  })

  test('speak the names of older exporters where asked', async () => {
    expect(await lines(status(), /^(keepalived|node_ipvs)/, ['compat'])).toEqual([
      'keepalived_up 1',
      'keepalived_advertisements_sent_total{iname="web",intf="eth0",vrid="51"} 10',
      'keepalived_advertisements_received_total{iname="web",intf="eth0",vrid="51"} 2',
      'keepalived_become_master_total{iname="web",intf="eth0",vrid="51"} 1',
      'keepalived_vrrp_state{iname="web",intf="eth0",vrid="51",ip_address="10.9.0.100"} 2',
      'node_ipvs_backend_weight{local_address="10.9.0.100",local_port="80",local_mark="",proto="TCP",remote_address="10.9.0.21",remote_port="80"} 2',
      'node_ipvs_backend_connections_active{local_address="10.9.0.100",local_port="80",local_mark="",proto="TCP",remote_address="10.9.0.21",remote_port="80"} 12',
      'node_ipvs_backend_connections_inactive{local_address="10.9.0.100",local_port="80",local_mark="",proto="TCP",remote_address="10.9.0.21",remote_port="80"} 3',
    ])
  })

  test('follow the text format: help and type once per name, all its samples together, each series once', async () => {
    const given = status({
      routers: [router, { ...router, name: 'with "quotes" and \\' }],
      services: [
        { ...service, realServers: [good, bad] },
        { ...service, name: 'api' },
      ],
      alerts: [{ name: 'ops', kind: 'webhook', queued: 0, sent: 1, failed: 0, dropped: 0, attempts: 0 }],
    })
    const all = (await text(given, [])).trimEnd().split('\n')
    const sample = /^[a-z_:][a-z0-9_:]*(\{([a-z_]+="(\\.|[^"\\])*",?)+\})? (-?[0-9.e+-]+|Nan|[+-]Inf)$/
    expect(all.filter(line => line !== '' && !line.startsWith('# ') && !sample.test(line))).toEqual([])
    const series = all.filter(line => line !== '' && !line.startsWith('#')).map(line => line.replace(/ [^ ]*$/, ''))
    expect(new Set(series).size).toBe(series.length)
    const types = all.filter(line => line.startsWith('# TYPE')).map(line => line.split(' ')[2])
    expect(new Set(types).size).toBe(types.length)
    expect(all).toContain('lvskeeper_vrrp_state{router="with \\"quotes\\" and \\\\",state="master"} 1')
  })

  test('of 37,298 real servers take less than two seconds of processor time', async () => {
    const realServers = Array.from({ length: 37_298 }, (_, i) => ({
      ...good,
      address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
    }))
    const given = status({ services: [{ ...service, realServers }] })
    const metrics = createMetrics()
    const started = process.cpuUsage()
    const { text } = await metrics.render(given, [])
    const took = process.cpuUsage(started).user / 1_000
    expect(text.match(/^lvskeeper_real_server_up/gm)).toHaveLength(37_298)
    expect(took).toBeLessThan(2_000)
  })
})
