import { join } from 'node:path'

/** A file as data: YAML takes JSON as it is. */
export type File = {
  readonly directors: Record<string, { address: string; priority: number }>
  readonly virtual_routers: Record<string, Record<string, unknown> & { vrid: number; vips: string[] }>
  readonly checks: Record<string, Record<string, unknown>>
  readonly virtual_servers: Record<string, Record<string, unknown> & { real_servers: RealServer[] }>
  readonly scripts: Record<string, Record<string, unknown>>
  readonly processes: Record<string, Record<string, unknown>>
  alerts: Record<string, unknown>[]
  drift?: string
  override_limit?: string
  sysctls?: Record<string, number>
  timeouts?: Record<string, string>
  api?: Record<string, unknown>
  metrics?: Record<string, unknown>
}
type RealServer = { address: string; weight?: number }

/** Numbers that follow from the seed alone (mulberry32). */
export function random(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return { below, pick: <T>(list: readonly T[]): T => list[below(list.length)] as T }
}
export type Random = ReturnType<typeof random>

/** Two routers, three virtual servers; port 8001 answers on every real server, port 8009 on none. What is told goes into `told`. */
export function firstFile(told: string): File {
  return {
    directors: { d1: { address: '10.9.0.11', priority: 150 } },
    virtual_routers: { r0: router(0), r1: router(1) },
    checks: {
      quick: { tcp: {}, interval: '300ms', timeout: '200ms', rise: 1, fall: 1 },
      slow: { tcp: {}, interval: '600ms', timeout: '200ms', rise: 1, fall: 2 },
    },
    virtual_servers: { s0: service(0), s1: service(1), s2: service(2) },
    scripts: { quiet: script(500) },
    processes: {},
    alerts: [alert(told, 0)],
  }
}

function router(n: number) {
  return { vrid: 51 + n, interface: 'eth0', advert_interval: '200ms', vips: [`10.9.0.${100 + n}/32`] }
}

function service(n: number) {
  return {
    address: `10.9.0.${100 + (n % 2)}:${8001 + n}`,
    scheduler: 'wrr',
    forward: 'nat',
    check: 'quick',
    real_servers: [server(1), server(2), { address: '10.9.0.23:8009' }],
  }
}

const script = (interval: number) => ({ argv: ['/bin/true'], interval: `${interval}ms`, timeout: '400ms' })

/** Appends what it is told to a file of its own; some are told of a reload that was applied (a notice), some only of worse. */
const alert = (told: string, n: number) => ({
  name: `a${n}`,
  exec: { argv: ['/usr/bin/tee', '-a', join(told, `a${n}`)] },
  level: n % 2 === 0 ? 'notice' : 'warning',
  limit: { messages: 1000, per: '1s' },
})

const server = (n: number) => ({ address: `10.9.0.${20 + n}:8001` })

/** One edit, as a person makes it; what comes out may be invalid. The file is changed in place; answers what it did. */
export function edit(file: File, rng: Random, told: string): string {
  const routers = Object.keys(file.virtual_routers)
  const services = Object.keys(file.virtual_servers)
  const fresh = 2 + rng.below(4)
  const aRouter = () => file.virtual_routers[rng.pick(routers)]
  const aService = () => file.virtual_servers[rng.pick(services)]
  const edits: Readonly<Record<string, () => void>> = {
    'add a router': () => {
      file.virtual_routers[`r${fresh}`] = router(fresh)
    },
    'remove a router': () => {
      if (routers.length > 1) delete file.virtual_routers[rng.pick(routers)]
    },
    'change an advert interval': () => {
      const found = aRouter()
      if (found) found['advert_interval'] = rng.pick(['100ms', '200ms', '500ms', '1s'])
    },
    'change the VIPs of a router': () => {
      const found = aRouter()
      const extra = `10.9.0.${150 + rng.below(5)}/32`
      if (found) found.vips = found.vips.length > 1 ? found.vips.slice(0, 1) : [...found.vips, extra]
    },
    'change preemption': () => {
      const found = aRouter()
      if (found) found['preempt'] = rng.pick([true, false])
    },
    'change the priority': () => {
      file.directors['d1'] = { address: '10.9.0.11', priority: 100 + rng.below(100) }
    },
    'add a virtual server': () => {
      file.virtual_servers[`s${fresh + 1}`] = service(fresh + 1)
    },
    'remove a virtual server': () => {
      if (services.length > 1) delete file.virtual_servers[rng.pick(services)]
    },
    'change a scheduler': () => {
      const found = aService()
      if (found) found['scheduler'] = rng.pick(['rr', 'wrr', 'lc', 'wlc', 'mh'])
    },
    'change the quorum': () => {
      const found = aService()
      if (found) found['quorum'] = 1 + rng.below(3)
    },
    'add a real server': () => {
      aService()?.real_servers.push(server(1 + rng.below(6)))
    },
    'remove a real server': () => {
      const list = aService()?.real_servers
      if (list && list.length > 1) list.splice(rng.below(list.length), 1)
    },
    'change a weight': () => {
      const list = aService()?.real_servers ?? []
      const found = rng.pick(list)
      found.weight = 1 + rng.below(9)
    },
    'choose another check': () => {
      const found = aService()
      if (found) found['check'] = rng.pick(Object.keys(file.checks))
    },
    'change a check': () => {
      file.checks['slow'] = { tcp: {}, interval: `${500 + 100 * rng.below(5)}ms`, timeout: '200ms', rise: 1, fall: 2 }
    },
    'name an unknown check': () => {
      const found = aService()
      if (found) found['check'] = 'nowhere'
    },
    'change a setting': () => {
      changeSetting(file, rng)
    },
    'add an alert': () => {
      file.alerts.push(alert(told, rng.below(5)))
    },
    'remove an alert': () => {
      file.alerts.splice(rng.below(file.alerts.length + 1), 1)
    },
    'change an alert': () => {
      const at = rng.below(file.alerts.length + 1)
      const found = file.alerts[at]
      if (!found) return
      const [name] = services
      const { for: _, ...rest } = found
      const subject = rng.pick([{}, { for: ['*'] }, { for: [`service ${name}`] }])
      const exec = { argv: ['/usr/bin/tee', '-a', join(told, `${found['name']}-${rng.below(3)}`)] }
      file.alerts[at] = { ...rest, exec, level: rng.pick(['notice', 'warning', 'alarm']), ...subject }
    },
    'change the API': () => {
      if (file.api) delete file.api
      else file.api = { group: rng.pick(['root', 'daemon']) }
    },
    'change the metrics': () => {
      if (rng.below(3) === 0) delete file.metrics
      else file.metrics = { listen: `127.0.0.1:${9433 + rng.below(2)}`, page: rng.pick([true, false]) }
    },
    'add or change a script': () => {
      file.scripts[rng.pick(['quiet', 'loud'])] = script(500 + 100 * rng.below(3))
    },
    'remove a script': () => {
      delete file.scripts[rng.pick(['quiet', 'loud'])]
    },
    'change a process': () => {
      if (rng.below(2) === 0) delete file.processes['node']
      else file.processes['node'] = { command: 'node', minimum: 1 + rng.below(2) }
    },
    'change what a router tracks': () => {
      const found = aRouter()
      if (found) found['track'] = tracked(rng, services)
    },
  }
  const what = rng.pick(Object.keys(edits))
  edits[what]?.()
  return what
}

function changeSetting(file: File, rng: Random): void {
  const seconds = () => `${100 + rng.below(100)}s`
  const settings = [
    () => {
      file.drift = rng.pick(['repair', 'report'])
    },
    () => {
      file.override_limit = rng.pick(['1h', '2h'])
    },
    () => {
      file.sysctls = { 'net.ipv4.ip_default_ttl': 60 + rng.below(4) }
      if (rng.below(2) === 0) file.sysctls['net.ipv4.tcp_keepalive_time'] = 7000 + rng.below(100)
    },
    () => {
      delete file.sysctls
    },
    () => {
      file.timeouts = rng.pick([{ tcp: seconds() }, { udp: seconds(), tcp_fin: seconds() }])
    },
    () => {
      delete file.timeouts
    },
  ]
  rng.pick(settings)()
}

/** Weights that only lower: nobody but this director is there to be preferred. */
function tracked(rng: Random, services: readonly string[]) {
  const weight = -1 - rng.below(20)
  return rng.pick([
    {},
    { scripts: { [rng.pick(['quiet', 'loud'])]: { weight } } },
    { processes: { node: { weight } } },
    { virtual_servers: { [rng.pick(services)]: { weight } }, scripts: { quiet: { weight } } },
    { interfaces: { eth0: { weight } } },
  ])
}
