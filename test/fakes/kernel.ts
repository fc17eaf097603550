import { applyOps } from '../../src/ipvs/apply.js'
import type { SyncDaemon, Timeouts } from '../../src/ipvs/daemon.js'
import { fastKey } from '../../src/ipvs/fast-key.js'
import type { Op } from '../../src/ipvs/plan.js'
import type { FastServer, FastTable, GlobalOp, Kernel } from '../../src/ipvs/ports.js'
import { type Service, serverKey, serviceKey, type Table } from '../../src/ipvs/table.js'

/** A kernel in a Map, with the refusals of the real one, that can be told to fail on the n-th operation from now. */
export function fakeKernel() {
  let table: Table = new Map()
  let timeouts: Timeouts = { tcp: 900, tcpFin: 120, udp: 300 }
  let daemons: SyncDaemon[] = []
  let countdown = 0
  let errno = ''
  let forever = false
  const connections = new Map<string, { active: number; inactive: number }>()
  const done: Op[] = []
  const missing = new Set<string>()
  let broken: Error | undefined
  let losing: string | undefined
  let lists = 0
  let busy = false

  /** One caller at a time: a second writer in between would be a bug of the manager. */
  async function alone<T>(body: () => T): Promise<T> {
    if (busy) throw new Error('two calls at once')
    busy = true
    await Promise.resolve()
    busy = false
    if (broken) throw broken
    return body()
  }

  function refusal(op: Op): string | undefined {
    if (countdown > 0 && --countdown === 0) {
      if (forever) countdown = 1
      return errno
    }
    const entry = table.get(serviceKey(op.service.id))
    if (op.op === 'add-service') {
      if (missing.has(op.service.settings.scheduler)) return 'ENOENT'
      return entry ? 'EEXIST' : undefined
    }
    if (!entry) return 'ESRCH'
    if (!('server' in op)) return undefined
    const known = entry.servers.has(serverKey(op.server))
    if (op.op === 'add-server') return known ? 'EEXIST' : undefined
    return known ? undefined : 'ENOENT'
  }

  /** The first real server of a move is out, and is refused when it shall come back. */
  function lost(op: Op): string | undefined {
    const [first] = op.op === 'order-servers' ? op.servers : []
    if (!first || losing === undefined) return undefined
    const code = losing
    losing = undefined
    table = applyOps(table, [{ op: 'remove-server', service: op.service, server: first }])
    return code
  }

  const kernel: Kernel = {
    list: ids =>
      alone(() => {
        lists++
        const keys = new Set(ids.map(serviceKey))
        return new Map([...table].filter(([key]) => keys.has(key)))
      }),
    listFast: () => alone(() => quick(table, connections)),
    apply: ops =>
      alone(() =>
        ops.map(op => {
          const code = lost(op) ?? refusal(op)
          if (code === undefined) {
            table = applyOps(table, [op])
            done.push(op)
          }
          return code
        }),
      ),
    globals: () => alone(() => ({ timeouts, daemons })),
    applyGlobals: ops =>
      alone(() =>
        ops.map((op: GlobalOp) => {
          if (op.op === 'set-timeouts') timeouts = op.timeouts
          else if (op.op === 'stop-daemon') daemons = daemons.filter(one => one.role !== op.role)
          else if (daemons.some(one => one.role === op.daemon.role)) return 'EEXIST'
          else daemons = [...daemons, op.daemon]
          return undefined
        }),
      ),
  }

  return {
    kernel,
    table: () => table,
    timeouts: () => timeouts,
    daemons: () => daemons,
    /** Operations that were done, in order; emptied by reading. */
    took: (): Op[] => done.splice(0),
    lists: () => lists,
    /** Somebody else's hand. */
    behindItsBack(...ops: Op[]) {
      table = applyOps(table, ops)
    },
    flush() {
      table = new Map()
    },
    failAt(n: number, code: string, always = false) {
      countdown = n
      errno = code
      forever = always
    },
    losesNextMove(code: string) {
      losing = code
    },
    withoutScheduler: (name: string) => missing.add(name),
    /** Every call rejects. */
    breakDown(error: Error | undefined) {
      broken = error
    },
    setConnections(service: Service, server: string, active: number, inactive: number) {
      connections.set(`${serviceKey(service.id)}|${server}`, { active, inactive })
    },
  }
}

function quick(table: Table, connections: ReadonlyMap<string, { active: number; inactive: number }>): FastTable {
  const fast = new Map<string, { scheduler: string; servers: Map<string, FastServer> }>()
  for (const [key, { service, servers }] of table) {
    const known = fast.get(fastKey(key))
    const group = known ?? { scheduler: service.settings.scheduler, servers: new Map<string, FastServer>() }
    if (known) known.scheduler = ''
    for (const [id, { settings }] of servers) {
      const { active, inactive } = connections.get(`${key}|${id}`) ?? { active: 0, inactive: 0 }
      group.servers.set(id, { forward: settings.forward, weight: settings.weight, active, inactive })
    }
    fast.set(fastKey(key), group)
  }
  return fast
}
