import { expect, test } from 'vitest'
import type { Op } from '../../src/ipvs/plan.js'
import type { Server, Service, ServiceId } from '../../src/ipvs/table.js'
import { type Datagram, isFull } from '../../src/linux/genl.js'
import { fillOps } from '../../src/linux/ipvs-batch.js'

const head = Buffer.from(Array.from({ length: 20 }, (_, i) => i))

/** All messages of these operations, in as many datagrams as they take. */
function written(ops: readonly Op[], seq: number, limit = 16_384): Buffer {
  const fill = fillOps(ops)
  const parts: Buffer[] = []
  for (let from = 0; from < ops.length; ) {
    const datagram: Datagram = {
      // What an earlier datagram left must not show.
      bytes: Buffer.alloc(limit + 4096, 0xee),
      head,
      seq: seq + from,
      limit,
      most: 1000,
      length: 0,
      count: 0,
      latest: 0,
    }
    fill(datagram, from)
    expect(datagram.count).toBeGreaterThan(0)
    expect(from + datagram.count === ops.length || isFull(datagram)).toBe(true)
    parts.push(Buffer.from(datagram.bytes.subarray(0, datagram.length)))
    from += datagram.count
  }
  return Buffer.concat(parts)
}

/** Runs of real servers, as in a table, with everything in between that keeps one message from being a copy of the last. */
const mixed: Op[] = Array.from({ length: 1300 }, (_, i): Op => {
  const id: ServiceId =
    i % 211 < 11
      ? { mark: 7, family: 4 }
      : i % 97 < 5
        ? { protocol: 'tcp', address: `fd00:8::${i}`, port: 80 }
        : {
            protocol: i % 400 < 200 ? 'tcp' : 'udp',
            address: `10.8.${(i >> 8) & 255}.${(i >> 4) & 255}`,
            port: 80 + (i >> 4),
          }
  const service: Service = {
    id,
    settings: {
      scheduler: i % 300 < 150 ? 'rr' : 'mh',
      flags: i % 60 < 10 ? ['mh-port'] : [],
      ...(i % 50 < 5 ? { persistence: { timeout: i, granularity: 32 } } : {}),
      onePacket: i % 70 < 3,
    },
  }
  const server: Server = {
    address: i % 7 === 0 ? `fd00:9::${i}` : `10.9.${i >> 8}.${i & 255}`,
    port: (i * 7) % 65_536,
    settings: {
      weight: i % 40 < 4 ? 7 : 3,
      forward: i % 31 === 0 ? 'tun' : 'dr',
      upper: i % 37 === 0 ? 9 : 0,
      lower: 0,
    },
  }
  if (i % 13 === 0) return { op: 'add-service', service }
  if (i % 17 === 0) return { op: 'remove-server', service, server }
  if (i % 19 === 0) return { op: 'edit-server', service, server, before: server }
  return { op: 'add-server', service, server }
})

test('thousands of operations are written as they are written one by one', () => {
  const single = mixed.map((op, i) => written([op], 70_000 + i, 1024))
  expect(written(mixed, 70_000)).toEqual(Buffer.concat(single))
})

test('services that follow each other are told apart by address and port', () => {
  const services = Array.from({ length: 300 }, (_, i): Op => {
    const id = { protocol: 'tcp' as const, address: `10.8.0.${i & 255}`, port: 80 + i }
    return { op: 'add-service', service: { id, settings: { scheduler: 'rr', flags: [], onePacket: false } } }
  })
  expect(written(services, 1)).toEqual(Buffer.concat(services.map((op, i) => written([op], 1 + i, 1024))))
})
