import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sameServer } from '../../src/ipvs/same.js'
import type { Server, Service } from '../../src/ipvs/table.js'
import { attributeWriter } from '../../src/linux/ipvs-attributes.js'
import {
  decodeDaemon,
  decodeInfo,
  decodeTimeouts,
  putDaemon,
  putDaemonRole,
  putTimeouts,
} from '../../src/linux/ipvs-globals.js'
import {
  decodeServer,
  decodeService,
  putServer,
  putServerId,
  putService,
  putServiceId,
} from '../../src/linux/ipvs-messages.js'
import { server, service, serviceId } from '../ipvs/arbitrary.js'

const hex = (...parts: string[]) => Buffer.from(parts.join('').replaceAll(/\s/g, ''), 'hex')

const writer = attributeWriter()
function bytes<Args extends unknown[]>(put: (out: typeof writer, ...args: Args) => void, ...args: Args): Buffer {
  put(writer, ...args)
  return writer.done()
}

/** Written by hand from linux/ip_vs.h and linux/netlink.h; little-endian machine. */
const WEB: Service = {
  id: { protocol: 'tcp', address: '10.9.0.100', port: 80 },
  settings: { scheduler: 'wrr', flags: [], persistence: { timeout: 300, granularity: 24 }, onePacket: false },
}
const WEB_ID = [
  '0600 0100 0200 0000', //          AF u16 2
  '0600 0200 0600 0000', //          PROTOCOL u16 6
  '1400 0300 0a090064 000000000000000000000000',
  '0600 0400 0050 0000', //          PORT be16 80
]
const WEB_BYTES = hex(
  '5400 0180', //                    IPVS_CMD_ATTR_SERVICE, nested
  ...WEB_ID,
  '0800 0600 77727200', //           SCHED_NAME wrr
  '0c00 0700 01000000 ffffffff', //  FLAGS persistent, mask
  '0800 0800 2c010000', //           TIMEOUT 300
  '0800 0900 ffffff00', //           NETMASK
)
const RS: Server = { address: '10.9.0.21', port: 8080, settings: { weight: 3, forward: 'nat', upper: 100, lower: 50 } }
const RS_BYTES = hex(
  '3000 0180',
  ...WEB_ID,
  '4800 0280', //                    IPVS_CMD_ATTR_DEST, nested
  '1400 0100 0a090015 000000000000000000000000',
  '0600 0200 1f90 0000',
  '0600 0b00 0200 0000', //          ADDR_FAMILY
  '0800 0300 00000000', //           FWD_METHOD masq
  '0800 0400 03000000',
  '0800 0500 64000000',
  '0800 0600 32000000',
)

describe('the messages of the generic netlink family IPVS', () => {
  test('a service is written as linux/ip_vs.h describes it', () => expect(bytes(putService, WEB)).toEqual(WEB_BYTES))
  test('a real server is written as linux/ip_vs.h describes it', () =>
    expect(bytes(putServer, WEB.id, RS)).toEqual(RS_BYTES))
  test('a removal names only identities', () => {
    expect(bytes(putServiceId, WEB.id)).toEqual(hex('3000 0180', ...WEB_ID))
    expect(bytes(putServerId, WEB.id, RS)).toEqual(
      hex(
        '3000 0180',
        ...WEB_ID,
        '2800 0280 1400 0100 0a090015 000000000000000000000000 0600 0200 1f90 0000 0600 0b00 0200 0000',
      ),
    )
  })
  test('an IPv6 persistence granularity is a prefix length in machine order', () => {
    const six: Service = {
      id: { mark: 7, family: 6 },
      settings: { ...WEB.settings, persistence: { timeout: 1, granularity: 64 } },
    }
    expect(bytes(putService, six).subarray(-8)).toEqual(hex('0800 0900 40000000'))
    expect(bytes(putServiceId, six.id)).toEqual(hex('1400 0180 0600 0100 0a00 0000 0800 0500 07000000'))
  })
  test('the tunnel attributes are left out for plain ipip, which old kernels expect', () => {
    const tun = (tunnel: Server['settings']['tunnel']): Server => ({
      ...RS,
      settings: { ...RS.settings, forward: 'tun', ...(tunnel ? { tunnel } : {}) },
    })
    expect(bytes(putServer, WEB.id, tun(undefined))).toEqual(bytes(putServer, WEB.id, tun({ type: 'ipip' })))
    expect(bytes(putServer, WEB.id, tun({ type: 'gue', port: 6080, checksum: 'remcsum' })).subarray(-24)).toEqual(
      hex('0500 0d00 01000000', '0600 0e00 17c0 0000', '0600 0f00 0200 0000'),
    )
  })

  test('whatever was written is read back', () => {
    fc.assert(
      fc.property(service, one => {
        expect(decodeService(bytes(putService, one))?.service).toEqual(one)
      }),
      { numRuns: 300 },
    )
    fc.assert(
      fc.property(serviceId, server, (id, one) => {
        const back = decodeServer(bytes(putServer, id, one), 4)!.server
        expect(sameServer(back, one)).toBe(true)
        expect([back.address, back.port]).toEqual([one.address, one.port])
      }),
      { numRuns: 300 },
    )
  })

  test('a server without address family belongs to its service family (kernels before 3.18)', () => {
    const old = hex('2400 0280 1400 0100 fd000009000000000000000000000015 0600 0200 0050 0000 0500 0400 01000000')
    expect(decodeServer(old, 6)?.server.address).toBe('fd00:9::15')
  })

  test('counters are read from the 64 bit block, else from the 32 bit one', () => {
    const block = (type: string) =>
      hex('5000 0180', ...WEB_ID, '0800 0600 77727200', `1800 ${type} 0800 0100 05000000 0c00 0400 0100000001000000`)
    for (const type of ['0a00', '0c00']) {
      const stats = decodeService(block(type))!.stats
      expect([stats.connections, stats.bytesIn]).toEqual([5, 2 ** 32 + 1])
    }
  })

  test('random and truncated bytes are read as nothing or as something, never as an error', () => {
    const tolerant = (bytes: Buffer) => {
      const seen = [
        decodeService(bytes),
        decodeServer(bytes, 4),
        decodeDaemon(bytes),
        decodeTimeouts(bytes),
        decodeInfo(bytes),
      ]
      expect(seen).toHaveLength(5)
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        tolerant(Buffer.from(bytes))
      }),
      { numRuns: 500 },
    )
    for (let length = 0; length < WEB_BYTES.length; length++) {
      tolerant(WEB_BYTES.subarray(0, length))
      expect(decodeService(WEB_BYTES.subarray(0, length))).toBeUndefined()
    }
    fc.assert(
      fc.property(fc.nat(RS_BYTES.length - 1), fc.nat(255), (at, value) => {
        const dirty = Buffer.from(RS_BYTES)
        dirty[at] = value
        tolerant(dirty)
      }),
    )
  })
})

describe('timeouts and sync daemons', () => {
  test('a timeout of zero is not sent, so the kernel keeps its own', () => {
    expect(bytes(putTimeouts, { tcp: 900, tcpFin: 0, udp: 300 })).toEqual(hex('0800 0400 84030000 0800 0600 2c010000'))
    expect(decodeTimeouts(bytes(putTimeouts, { tcp: 900, tcpFin: 120, udp: 300 }))).toEqual({
      tcp: 900,
      tcpFin: 120,
      udp: 300,
    })
  })
  test('a daemon is written and read back, multicast group of either family', () => {
    for (const group of ['224.0.0.81', 'ff05::99']) {
      const daemon = { role: 'master' as const, interface: 'eth0', syncid: 51, maxlen: 1400, group, port: 8848, ttl: 2 }
      expect(decodeDaemon(bytes(putDaemon, daemon))).toEqual(daemon)
    }
    expect(bytes(putDaemonRole, 'backup')).toEqual(hex('0c00 0380 0800 0100 02000000'))
  })
  test('the version is three bytes of one number', () => {
    expect(decodeInfo(hex('0800 0100 01020100 0800 0200 00100000'))).toEqual({
      version: '1.2.1',
      connectionTableSize: 4096,
    })
  })
})
