import type { Op } from './plan.js'
import { serverKey, serviceKey } from './table.js'

/** The one table entry that an operation is about: a service, one of its real servers, or their order. */
export function entryKey(op: Op): string {
  if (op.op === 'order-servers') return serverEntry(serviceKey(op.service.id), 'order')
  return 'server' in op ? serverEntry(serviceKey(op.service.id), serverKey(op.server)) : serviceKey(op.service.id)
}

/** `tcp 10.9.0.100:80|10.9.0.21:80` */
export function serverEntry(service: string, server: string): string {
  return `${service}|${server}`
}
