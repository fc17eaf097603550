import type { Bound, SyncDaemon, SyncRole, Timeouts } from './daemon.js'
import type { GlobalOp, KernelGlobals } from './ports.js'

/** What the file says of the things that a network namespace has once. Absent: not ours to touch. */
export type WantedGlobals = { readonly timeouts?: Timeouts; readonly daemons?: readonly SyncDaemon[] }

/** `started`: the daemons that we started earlier, which go when the file names none any more. */
export function planGlobals(
  wanted: WantedGlobals,
  actual: KernelGlobals,
  started: readonly SyncRole[],
  bound: Bound = new Map(),
): GlobalOp[] {
  const daemons = planDaemons(wanted.daemons, actual.daemons, started, bound)
  return [...daemons, ...planTimeouts(wanted.timeouts, actual.timeouts)]
}

function planTimeouts(wanted: Timeouts | undefined, actual: Timeouts): GlobalOp[] {
  if (!wanted) return []
  const differs = (name: keyof Timeouts) => wanted[name] !== 0 && wanted[name] !== actual[name]
  return differs('tcp') || differs('tcpFin') || differs('udp') ? [{ op: 'set-timeouts', timeouts: wanted }] : []
}

function planDaemons(
  wanted: readonly SyncDaemon[] | undefined,
  actual: readonly SyncDaemon[],
  started: readonly SyncRole[],
  bound: Bound,
): GlobalOp[] {
  const same = (wish: SyncDaemon, have: SyncDaemon) => sameDaemon(wish, have) && stillThere(wish, bound.get(have.role))
  const ops: GlobalOp[] = []
  for (const daemon of actual) {
    const wish = wanted?.find(one => one.role === daemon.role)
    const ours = wanted !== undefined || started.includes(daemon.role)
    if (ours && (!wish || !same(wish, daemon))) ops.push({ op: 'stop-daemon', role: daemon.role })
  }
  for (const daemon of wanted ?? []) {
    const have = actual.find(one => one.role === daemon.role)
    if (!have || !same(daemon, have)) ops.push({ op: 'start-daemon', daemon })
  }
  return ops
}

/** Which sync daemon it is about; undefined: none. */
export function roleOf(op: GlobalOp): SyncRole | undefined {
  if (op.op === 'set-timeouts') return undefined
  return op.op === 'start-daemon' ? op.daemon.role : op.role
}

/**
 * The kernel says a daemon's interface by its name, and goes on saying it when that interface is gone or another one has the name: but it
 * sends and listens by the index that it had.
 */
function stillThere({ index }: SyncDaemon, bound: number | undefined): boolean {
  return index === undefined || (index !== 0 && (bound === undefined || bound === index))
}

/** What the kernel makes of a datagram's length: a backup takes 1024 bytes at the least, and the headers must fit (ip_vs_sync.c, start_sync_thread). */
function lengthOf({ role, maxlen, group }: SyncDaemon): number {
  const headers = group?.includes(':') ? 48 : 28
  return Math.min(65_535 - headers, Math.max(role === 'backup' ? 1024 : 1, maxlen))
}

/** A zero, or no group, is the kernel's choice: whatever it chose is right. */
function sameDaemon(wanted: SyncDaemon, actual: SyncDaemon): boolean {
  return (
    wanted.interface === actual.interface &&
    wanted.syncid === actual.syncid &&
    (wanted.maxlen === 0 || lengthOf(wanted) === actual.maxlen) &&
    (wanted.port === 0 || wanted.port === actual.port) &&
    (wanted.ttl === 0 || wanted.ttl === actual.ttl) &&
    (wanted.group === undefined || wanted.group === actual.group)
  )
}
