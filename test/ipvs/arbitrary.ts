import fc from 'fast-check'
import { addressText } from '../../src/ipvs/address.js'
import {
  type Server,
  type ServerSettings,
  type Service,
  type ServiceId,
  type ServiceSettings,
  serverKey,
  serviceKey,
  type Table,
  type Tunnel,
} from '../../src/ipvs/table.js'

/** Any table that the kernel could hold, for property tests. */

export const port = fc.integer({ min: 1, max: 65535 })
export const address4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(addressText)
export const address6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(addressText)
export const address = fc.oneof(address4, address6)

export const serviceId: fc.Arbitrary<ServiceId> = fc.oneof(
  fc.record({ protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'sctp' as const), address, port }),
  fc.record({ mark: fc.integer({ min: 1, max: 2 ** 31 - 1 }), family: fc.constantFrom(4 as const, 6 as const) }),
)

export const settingsFor = (id: ServiceId): fc.Arbitrary<ServiceSettings> => {
  const six = 'mark' in id ? id.family === 6 : id.address.includes(':')
  const persistence = fc.record(
    {
      timeout: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      granularity: fc.integer({ min: 1, max: six ? 128 : 32 }),
      engine: fc.constant('sip'),
    },
    { requiredKeys: ['timeout', 'granularity'] },
  )
  const schedulers = fc.oneof(
    fc.record({
      scheduler: fc.constantFrom('rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sed', 'nq', 'fo', 'ovf', 'twos'),
      flags: fc.subarray(['flag-1', 'flag-2', 'flag-3']),
    }),
    fc.record({ scheduler: fc.constant('sh'), flags: fc.subarray(['sh-fallback', 'sh-port', 'flag-3']) }),
    fc.record({ scheduler: fc.constant('mh'), flags: fc.subarray(['mh-fallback', 'mh-port', 'flag-3']) }),
  ) as fc.Arbitrary<Pick<ServiceSettings, 'scheduler' | 'flags'>>
  return fc
    .tuple(schedulers, fc.option(persistence, { nil: undefined }), fc.boolean())
    .map(([some, kept, onePacket]) => ({ ...some, ...(kept ? { persistence: kept } : {}), onePacket }))
}

export const service: fc.Arbitrary<Service> = serviceId.chain(id => settingsFor(id).map(settings => ({ id, settings })))

const tunnel: fc.Arbitrary<Tunnel> = fc.oneof(
  fc.constant({ type: 'ipip' as const }),
  fc.record({
    type: fc.constant('gue' as const),
    port,
    checksum: fc.constantFrom('none' as const, 'csum' as const, 'remcsum' as const),
  }),
  fc.record({ type: fc.constant('gre' as const), checksum: fc.constantFrom('none' as const, 'csum' as const) }),
)

const number = { weight: fc.integer({ min: 0, max: 2 ** 31 - 1 }), upper: fc.nat(), lower: fc.nat() }
export const serverSettings: fc.Arbitrary<ServerSettings> = fc.oneof(
  fc.record({ ...number, forward: fc.constantFrom('nat' as const, 'dr' as const, 'local' as const) }),
  fc.record({ ...number, forward: fc.constant('tun' as const), tunnel }),
)

export const server: fc.Arbitrary<Server> = fc.record({ address, port, settings: serverSettings })

/** Small pools of identities, so that two tables have much in common. */
export const table: fc.Arbitrary<Table> = fc
  .array(
    fc.tuple(
      fc.constantFrom<ServiceId>(
        { protocol: 'tcp', address: '10.9.0.100', port: 80 },
        { protocol: 'udp', address: '10.9.0.100', port: 80 },
        { protocol: 'tcp', address: 'fd00:9::100', port: 443 },
        { mark: 7, family: 4 },
        { mark: 7, family: 6 },
      ),
      fc.array(
        fc.record({
          address: fc.constantFrom('10.9.0.21', '10.9.0.22', 'fd00:9::21'),
          port: fc.constantFrom(80, 81),
          settings: serverSettings,
        }),
        { maxLength: 5 },
      ),
    ),
    { maxLength: 5 },
  )
  .chain(list =>
    fc.tuple(...list.map(([id, servers]) => settingsFor(id).map(settings => ({ service: { id, settings }, servers })))),
  )
  .map(list => {
    const entries = list.map(
      ({ service, servers }) =>
        [serviceKey(service.id), { service, servers: new Map(servers.map(one => [serverKey(one), one])) }] as const,
    )
    return new Map(entries)
  })
