import type { Override, RealServerStatus, RouterStatus, ServiceStatus } from '../../src/messages.js'
import type { PeerView } from '../../src/peer/view.js'
import { snapshot } from '../../src/status/snapshot.js'
import type { Status } from '../../src/status/status.js'

export const noon = Date.UTC(2026, 2, 1, 12)
const minute = 60_000
const day = 24 * 60 * minute

export const router: RouterStatus = {
  name: 'web',
  vrid: 51,
  interface: 'eth0',
  family: 4,
  version: 3,
  state: 'master',
  since: noon - 3 * day,
  cause: 'no-response',
  priority: { base: 150, effective: 150, contributions: [] },
  advertInterval: 100,
  vips: ['10.9.0.100/32'],
  master: '10.9.0.11',
  lastAdvert: noon - 3 * day,
  faults: [],
  counters: {
    'advertisement-sent': 10,
    'advertisement-rcvd': 2,
    'master-transitions': 1,
    'ip-ttl-error': 3,
    'checksum-plain': 2,
  },
  senders: [{ address: '10.9.0.12', 'pseudo-header': 0, plain: 2 }],
  lateness: {
    buckets: [
      { le: 1, count: 5 },
      { le: 2, count: 7 },
    ],
    sum: 9,
    count: 8,
  },
  interarrival: {
    buckets: [
      { le: 1.1, count: 7 },
      { le: 2.1, count: 8 },
    ],
    sum: 9.05,
    count: 8,
  },
  timeline: [
    { at: noon - 3 * day, what: 'deadline passed' },
    { at: noon - 3 * day + 3, what: 'VIPs added' },
  ],
}

export const good: RealServerStatus = {
  address: '10.9.0.21',
  port: 80,
  state: 'up',
  since: noon - 3 * day,
  weight: 2,
  kernelWeight: 2,
  forward: 'dr',
  checks: [
    {
      name: 'homepage',
      kind: 'http',
      verdict: 'up',
      streak: 0,
      since: noon - 3 * day,
      last: { at: noon - 500, latency: 1.84, passed: true, layer: 'L7OK', detail: '200' },
    },
  ],
  connections: { active: 12, inactive: 3 },
}

export const bad: RealServerStatus = {
  address: '10.9.0.22',
  port: 80,
  state: 'down',
  since: noon - 2 * minute,
  weight: 1,
  forward: 'dr',
  checks: [
    {
      name: 'homepage',
      kind: 'http',
      verdict: 'down',
      streak: 0,
      since: noon - 2 * minute,
      last: {
        at: noon - 500,
        latency: 0.4,
        passed: false,
        layer: 'L4CON',
        reason: 'refused',
        detail: 'connection refused',
      },
    },
  ],
}

export const service: ServiceStatus = {
  name: 'web',
  ids: [{ protocol: 'tcp', address: '10.9.0.100', port: 80 }],
  scheduler: 'wrr',
  state: 'up',
  since: noon - 3 * day,
  quorum: 1,
  weightUp: 2,
  sorry: false,
  realServers: [good],
}

export const peer: PeerView = {
  name: 'd2',
  addresses: ['10.9.0.12'],
  state: 'fresh',
  lastHeard: noon - 400,
  from: '10.9.0.12',
  report: {
    version: '0.1.0',
    configHash: '3f2a9c0155aa',
    generation: 12,
    tableReady: true,
    syncReady: true,
    maintenance: false,
    routers: [{ name: 'web', vrid: 51, state: 'backup', priority: 100 }],
  },
}

export const drained: Override = {
  service: 'web',
  address: '10.9.0.21',
  port: 80,
  verb: 'drain',
  author: 'alice',
  reason: 'kernel update',
  at: noon - 5 * minute,
  until: noon + 55 * minute,
}

/** A good day on d1, with what a test wants different. */
export function status(extra: Partial<Omit<Status, 'notices'>> = {}): Status {
  return snapshot({
    node: 'd1',
    version: '0.1.0',
    pid: 4242,
    at: noon,
    since: noon - 3 * day - 4 * 60 * minute,
    config: { file: '/etc/lvskeeper/lvskeeper.yaml', hash: '3f2a9c0155aa', generation: 12, loadedAt: noon - day },
    routers: [router],
    services: [service],
    overrides: [],
    peerChannel: 'on',
    peers: [peer],
    alerts: [],
    processes: [
      {
        ...{ role: 'vrrp', state: 'running', pid: 4243, since: noon - 3 * day, restarts: 0, lag: 2 },
        spare: { ready: true, pid: 4246, since: noon - 3 * day },
      },
      { role: 'checkers', state: 'running', pid: 4244, since: noon - 3 * day, restarts: 0 },
      { role: 'control', state: 'running', pid: 4245, since: noon - 3 * day, restarts: 0 },
    ],
    table: { complete: true, repairs: 0, foreign: 0 },
    storage: [],
    ...extra,
  })
}
