import type { Behind } from '../messages.js'
import { readJson, writeJson } from './state-file.js'

/** Orders to stay behind, by router; `*`: maintenance of the whole director. Kept over restarts. */
export type Orders = Readonly<Record<string, Behind>>

export function readOrders(path: string): Orders {
  const value = readJson(path)
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).filter(([, order]) => isBehind(order)))
}

export function writeOrders(path: string, orders: Orders): void {
  writeJson(path, orders)
}

/** Those that have not ended by time. */
export function current(orders: Orders, now: number): Orders {
  return Object.fromEntries(Object.entries(orders).filter(([, { until }]) => until === undefined || until > now))
}

function isBehind(value: unknown): value is Behind {
  return (
    typeof value === 'object' &&
    value !== null &&
    'author' in value &&
    typeof value.author === 'string' &&
    'at' in value &&
    typeof value.at === 'number'
  )
}
