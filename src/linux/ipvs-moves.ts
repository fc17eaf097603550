import type { Op } from '../ipvs/plan.js'
import { readSysctl, writeSysctl } from './sysctl.js'

/**
 * What is taken out and put back, as the two messages that the kernel has for it. Back at once, a real server comes out of the
 * kernel's trash with its connections and counters (ip_vs_trash_get_dest). In between, its packets are dropped and sent again;
 * with expire_nodest_conn they would end their connections, so that is off meanwhile.
 */
export async function applyMoves(
  ops: readonly Op[],
  send: (ops: readonly Op[]) => Promise<(string | undefined)[]>,
): Promise<(string | undefined)[]> {
  const results: (string | undefined)[] = []
  for (let from = 0; from < ops.length; ) {
    const moving = isMove(ops[from])
    let to = from + 1
    while (to < ops.length && isMove(ops[to]) === moving) to++
    const part = ops.slice(from, to)
    results.push(...(moving ? await moveAll(part, send) : await send(part)))
    from = to
  }
  return results
}

export function isMove(op: Op | undefined): boolean {
  return op?.op === 'order-servers' || (op?.op === 'edit-server' && op.again === true)
}

/** A scheduler fills its table anew with each: more in one datagram would hold up this process. */
const PAIRS = 50
const SETTING = 'net.ipv4.vs.expire_nodest_conn'

async function moveAll(
  ops: readonly Op[],
  send: (ops: readonly Op[]) => Promise<(string | undefined)[]>,
): Promise<(string | undefined)[]> {
  const results: (string | undefined)[] = ops.map(() => undefined)
  const pairs = ops.flatMap((op, at) =>
    (op.op === 'order-servers' ? op.servers : op.op === 'edit-server' ? [op.server] : []).map(server => ({
      at,
      out: { op: 'remove-server' as const, service: op.service, server },
      back: { op: 'add-server' as const, service: op.service, server },
    })),
  )
  const before = setting()
  try {
    if (before === '1') set('0')
    for (let from = 0; from < pairs.length; from += PAIRS) {
      const some = pairs.slice(from, from + PAIRS)
      const errors = await send(some.flatMap(({ out, back }) => [out, back]))
      // Not there to be taken out: then it is put in.
      for (const [i, { at }] of some.entries()) results[at] ??= errors[2 * i + 1]
    }
  } finally {
    if (before === '1') set('1')
  }
  return results
}

function setting(): string | undefined {
  try {
    return readSysctl(SETTING)
  } catch {
    return undefined
  }
}

/** Where it may not be written nobody could have set it to 1 either, but by hand: a move is right all the same. */
function set(value: string): void {
  try {
    writeSysctl(SETTING, value)
  } catch {
    // Connections whose packets come in that very moment may end.
  }
}
