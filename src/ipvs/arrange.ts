import { hasPlace, isKnown, isOrdered, settledFrom } from './order.js'
import type { Op } from './plan.js'
import type { Millis } from './ports.js'
import { type Server, type Service, serverKey, serviceKey, type Table } from './table.js'

export type Arranged = {
  readonly ops: Op[]
  /** Services whose order is left for later: too much to move while their real servers come and go. */
  readonly waiting: ReadonlySet<string>
}

/** So many real servers are moved at once whatever else is going on. */
const AT_ONCE = 64
/** More are moved when none has come or gone for so long: each that comes up would move half of a large service again. */
const REST: Millis = 2000

export type Arranger = (
  ops: readonly Op[],
  wanted: Table,
  actual: Table,
  keep: ReadonlySet<string>,
  now: Millis,
) => Arranged

/** Puts the real servers that are added to services with an order into their places; remembers when each changed last. */
export function arranger(): Arranger {
  const changed = new Map<string, Millis>()

  return (ops, wanted, actual, keep, now) => {
    const keyOf = serviceKeys()
    for (const op of ops)
      if (isOrdered(op.service.settings.scheduler) && (op.op === 'add-server' || op.op === 'remove-server'))
        changed.set(keyOf(op), now)
    for (const key of changed.keys()) if (!wanted.has(key)) changed.delete(key)
    const restless = (key: string) => now - (changed.get(key) ?? Number.NEGATIVE_INFINITY) < REST
    return arrange(ops, wanted, actual, (key, moves) =>
      keep.has(key) ? 'never' : moves > AT_ONCE && restless(key) ? 'later' : 'now',
    )
  }
}

/**
 * The operations with those real servers that must stand behind a new one taken out and put back around it. Pure. `when` says
 * whether so many moves in this service are to be made.
 */
export function arrange(
  ops: readonly Op[],
  wanted: Table,
  actual: Table,
  when: (service: string, moves: number) => 'now' | 'later' | 'never' = () => 'now',
): Arranged {
  const blocks = new Map<string, Op[]>()
  const waiting = new Set<string>()
  for (const [key, own] of byService(ops)) {
    const entry = wanted.get(key)
    if (!entry || !own.some(moves)) continue
    const block = blockOf(entry, actual.get(key) ?? { service: entry.service, servers: new Map() }, own)
    const count = block.reduce((sum, one) => sum + (one.op === 'order-servers' ? one.servers.length : 0), 0)
    const answer = count === 0 ? 'now' : when(key, count)
    if (answer === 'later') waiting.add(key)
    blocks.set(key, answer === 'now' ? block : block.filter(one => one.op !== 'order-servers'))
  }
  if (blocks.size === 0) return { ops: [...ops], waiting }
  const placed = new Set<string>()
  const keyOf = serviceKeys()
  const arranged = ops.flatMap(op => {
    const block = moves(op) ? blocks.get(keyOf(op)) : undefined
    if (!block) return [op]
    if (placed.has(keyOf(op))) return []
    placed.add(keyOf(op))
    return block
  })
  return { ops: arranged, waiting }
}

/** The key of an operation's service; those of one service mostly follow each other. */
function serviceKeys(): (op: Op) => string {
  let service: Service | undefined
  let key = ''
  return op => {
    if (op.service !== service) {
      service = op.service
      key = serviceKey(service.id)
    }
    return key
  }
}

/** Those of services with an order. */
function byService(ops: readonly Op[]): Map<string, Op[]> {
  const groups = new Map<string, Op[]>()
  const keyOf = serviceKeys()
  for (const op of ops) {
    if (!isOrdered(op.service.settings.scheduler)) continue
    const key = keyOf(op)
    const group = groups.get(key)
    if (group) group.push(op)
    else groups.set(key, [op])
  }
  return groups
}

function moves(op: Op): boolean {
  return (op.op === 'add-server' || op.op === 'order-servers') && isOrdered(op.service.settings.scheduler)
}

type Entry = { readonly service: Service; readonly servers: ReadonlyMap<string, Server> }

/** What is added and what is moved in one service, in the order in which it must be done. */
function blockOf({ service, servers }: Entry, actual: Entry, ops: readonly Op[]): Op[] {
  const adds = new Map<string, Op>()
  /** As they are, or as an edit of the same batch makes them. */
  const present = new Map(actual.servers)
  for (const op of ops) {
    if (op.op === 'add-server') adds.set(serverKey(op.server), op)
    else if (op.op === 'edit-server') present.set(serverKey(op.server), op.server)
  }
  const known = isKnown(service, actual.service)
  const order = [...servers].filter(
    ([key, server]) => (!known || hasPlace(service, server)) && (present.has(key) || adds.has(key)),
  )
  const block: Op[] = []
  let run: Server[] = []
  const flush = () => {
    if (run.length > 0) block.push({ op: 'order-servers', service, servers: run })
    run = []
  }
  for (const [key, server] of order.slice(0, settledFrom(order, known ? actual.servers : new Map())).reverse()) {
    const add = adds.get(key)
    if (add) {
      flush()
      block.push(add)
      adds.delete(key)
    } else run.push(present.get(key) ?? server)
  }
  flush()
  // Whose place does not matter.
  return [...block, ...adds.values()]
}
