import { expectTypeOf, test } from 'vitest'
import type { CheckSpec } from '../../checkers/spec.js'
import type { Config } from '../../config/config.js'
import type { AlertConfig } from '../../src/alerts/alert.js'
import type { ServiceId, ServiceSettings, Tunnel } from '../../src/ipvs/table.js'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'

test('what the configuration hands over has the shapes that its readers declare', () => {
  expectTypeOf<Config['routers'][number]>().toExtend<VirtualRouter>()
  expectTypeOf<Config['services'][number]['realServers'][number]['checks'][number]>().toExtend<CheckSpec>()
  expectTypeOf<Config['tracking']['scripts'][number]['check']>().toExtend<CheckSpec>()
  expectTypeOf<Config['services'][number]['ids'][number]>().toExtend<ServiceId>()
  expectTypeOf<Config['services'][number]['settings']>().toExtend<ServiceSettings>()
  expectTypeOf<NonNullable<Config['services'][number]['realServers'][number]['tunnel']>>().toExtend<Tunnel>()
  expectTypeOf<Config['alerts'][number]>().toExtend<AlertConfig>()
})
