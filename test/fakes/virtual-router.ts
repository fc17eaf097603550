import type { VirtualRouter } from '../../vrrp/virtual-router.js'

/** The routers of a pair (or more) of directors that read the same file. d1: 10.9.0.11, d2: 10.9.0.12 ... */
export function routerOf(
  index: number,
  priorities: readonly number[],
  changes: Partial<VirtualRouter> = {},
): VirtualRouter {
  const directors = priorities.map((priority, i) => ({ name: `d${i + 1}`, addresses: [addressOf(i)], priority }))
  return {
    name: 'web',
    vrid: 51,
    interface: 'eth0',
    family: 4,
    version: 3,
    advertInterval: 100,
    priority: priorities[index]!,
    preempt: { mode: 'always' },
    transport: 'multicast',
    peers: directors.filter((_, i) => i !== index).map(({ addresses }) => ({ address: addresses[0]! })),
    vips: [{ address: '10.9.0.100', prefix: 32, interface: 'eth0' }],
    excludedVips: [],
    profile: 'keepalived',
    garp: { repeat: 5, delay: 5000, refresh: 0, refreshRepeat: 1, lowerPriorityRepeat: 5, lowerPriorityDelay: 5000 },
    track: { ownInterface: true, interfaces: [], scripts: [], files: [], processes: [], virtualServers: [] },
    director: `d${index + 1}`,
    directors,
    routes: [],
    rules: [],
    restartInterval: 1000,
    ...changes,
  }
}

export const addressOf = (index: number) => `10.9.0.${11 + index}`
