import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Op } from '../ipvs/plan.js'
import type { GlobalOp, Kernel, KernelGlobals } from '../ipvs/ports.js'
import { type ServiceId, serverKey, serviceKey, type Table } from '../ipvs/table.js'
import { type Genl, GenlError, type GenlRequest, openGenl } from './genl.js'
import { fillOps } from './ipvs-batch.js'
import {
  decodeDaemon,
  decodeInfo,
  decodeTimeouts,
  type Info,
  putDaemon,
  putDaemonRole,
  putTimeouts,
} from './ipvs-globals.js'
import { IPVS_CMD, IPVS_GENL_NAME, IPVS_GENL_VERSION } from './ipvs-header.js'
import {
  decodeServer,
  decodeService,
  familyOfService,
  type KernelServer,
  type KernelService,
  putServiceId,
} from './ipvs-messages.js'
import { applyMoves, isMove } from './ipvs-moves.js'
import { fastReader } from './ipvs-proc.js'

/** A service as the kernel has it, counters included, with its real servers. */
export type ListedService = KernelService & { readonly servers: readonly KernelServer[] }

/** The kernel's IPVS table of this network namespace. */
export interface Ipvs extends Kernel {
  info(): Promise<Info>
  /** Everything with counters, in the kernel's own order. */
  listed(): Promise<ListedService[]>
  /** Sets all counters to zero, of one service or of all. Rejects with a GenlError. */
  zero(id?: ServiceId): Promise<void>
  close(): void
}

/**
 * Opens the table. Rejects with an IpvsMissing when this kernel has no IPVS, after having tried to load it once,
 * and with a GenlError (EPERM) without CAP_NET_ADMIN at the first use.
 */
export async function openIpvs(): Promise<Ipvs> {
  return adapter(await openFamily())
}

/** The kernel has no IPVS; the message says what to type. */
export class IpvsMissing extends Error {
  constructor(why: string) {
    super(`this kernel has no IPVS (${why}): load it with "modprobe ip_vs", or install a kernel that has it`)
    this.name = 'IpvsMissing'
  }
}

async function openFamily(): Promise<Genl> {
  const open = () => openGenl(IPVS_GENL_NAME, IPVS_GENL_VERSION)
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof GenlError) || error.code !== 'ENOENT') throw error
  }
  const failure = await modprobe('ip_vs')
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof GenlError) || error.code !== 'ENOENT') throw error
    throw new IpvsMissing(failure ?? 'the module is loaded, but there is no family IPVS')
  }
}

/** Why it failed, in one line; undefined: loaded. */
async function modprobe(name: string): Promise<string | undefined> {
  try {
    await promisify(execFile)('modprobe', [name], {
      timeout: 10_000,
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
    })
    return undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'there is no modprobe'
    const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    return text.trim().split('\n')[0] ?? 'modprobe failed'
  }
}

/** Above this, one list of all services costs less than a question for each. */
const FEW = 100

function adapter(genl: Genl): Ipvs {
  const none = Buffer.alloc(0)
  const quick = fastReader()

  async function services(): Promise<KernelService[]> {
    const answers = await genl.ask({ command: IPVS_CMD.GET_SERVICE })
    return answers.flatMap(answer => decodeService(answer) ?? [])
  }

  /** A few are asked for one by one, many are found in the list of all. */
  async function named(ids: readonly ServiceId[]): Promise<KernelService[]> {
    if (ids.length > FEW) {
      const keys = new Set(ids.map(serviceKey))
      return (await services()).filter(({ service }) => keys.has(serviceKey(service.id)))
    }
    const found: KernelService[] = []
    for (const id of ids) {
      const answers = await unlessGone(
        genl.ask({ command: IPVS_CMD.GET_SERVICE, put: out => putServiceId(out, id) }, 'one'),
      )
      found.push(...answers.flatMap(answer => decodeService(answer) ?? []))
    }
    return found
  }

  async function servers(id: ServiceId): Promise<KernelServer[]> {
    const family = familyOfService(id)
    const answers = await unlessGone(genl.ask({ command: IPVS_CMD.GET_DEST, put: out => putServiceId(out, id) }))
    return answers.flatMap(answer => decodeServer(answer, family) ?? [])
  }

  return {
    async list(ids): Promise<Table> {
      const table = new Map()
      for (const { service } of await named(ids)) {
        const found = await servers(service.id)
        table.set(serviceKey(service.id), {
          service,
          servers: new Map(found.map(({ server }) => [serverKey(server), server])),
        })
      }
      return table
    },
    listFast: quick,
    apply: ops => {
      const send = (some: readonly Op[]) => genl.bulk(some.length, fillOps(some))
      return ops.some(isMove) ? applyMoves(ops, send) : send(ops)
    },
    async globals(): Promise<KernelGlobals> {
      const [config] = await genl.ask({ command: IPVS_CMD.GET_CONFIG }, 'one')
      const daemons = await genl.ask({ command: IPVS_CMD.GET_DAEMON })
      return {
        timeouts: decodeTimeouts(config ?? none),
        daemons: daemons.flatMap(answer => decodeDaemon(answer) ?? []),
      }
    },
    applyGlobals: ops => genl.batch(ops.map(globalRequestOf)),
    async info() {
      const [answer] = await genl.ask({ command: IPVS_CMD.GET_INFO }, 'one')
      return decodeInfo(answer ?? none)
    },
    async listed() {
      const all: ListedService[] = []
      for (const service of await services()) all.push({ ...service, servers: await servers(service.service.id) })
      return all
    },
    async zero(id) {
      const [code] = await genl.batch([{ command: IPVS_CMD.ZERO, put: out => id && putServiceId(out, id) }])
      if (code) throw new GenlError(code, `the kernel answered ${code}`)
    },
    close: () => genl.close(),
  }
}

/** Between one message and the next a service may go: that is no error. */
async function unlessGone(answers: Promise<Buffer[]>): Promise<Buffer[]> {
  try {
    return await answers
  } catch (error) {
    if (error instanceof GenlError && (error.code === 'ESRCH' || error.code === 'ENOENT')) return []
    throw error
  }
}

function globalRequestOf(op: GlobalOp): GenlRequest {
  switch (op.op) {
    case 'set-timeouts':
      return { command: IPVS_CMD.SET_CONFIG, put: out => putTimeouts(out, op.timeouts) }
    case 'start-daemon':
      return { command: IPVS_CMD.NEW_DAEMON, put: out => putDaemon(out, op.daemon) }
    case 'stop-daemon':
      return { command: IPVS_CMD.DEL_DAEMON, put: out => putDaemonRole(out, op.role) }
  }
}
