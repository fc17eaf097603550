import { vip } from './pair.js'

/*
 * Scripts for a process in the client's namespace, which sends ten times a second what no director would.
 */
const prologue = `
const raw = require('raw-socket')
const socket = raw.createSocket({ protocol: 112 })
const { SocketLevel, SocketOption } = raw
const int = value => { const bytes = Buffer.alloc(4); bytes.writeInt32LE(value); return bytes }
const MULTICAST_IF = 32, MULTICAST_TTL = 33
socket.setOption(SocketLevel.IPPROTO_IP, MULTICAST_IF, Buffer.from([10, 9, 0, 50]), 4)
socket.setOption(SocketLevel.IPPROTO_IP, MULTICAST_TTL, int(255), 4)
socket.setOption(SocketLevel.IPPROTO_IP, SocketOption.IP_TTL, int(255), 4)
`

/**
 * An advert of version 3 for vrid 51 and the VIP, priority 200, with an interval of 100 ms; nothing is wrong with it but its sender. The checksum has the
 * plain form, which is accepted as well.
 */
export const advert = (to = '224.0.0.18') => `${prologue}
const packet = Buffer.from([0x31, 51, 200, 1, 0, 10, 0, 0, ${vip.split('.').join(', ')}])
let sum = 0
for (let i = 0; i < packet.length; i += 2) sum += packet.readUInt16BE(i)
while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
packet.writeUInt16BE(0xffff & ~sum, 6)
setInterval(() => socket.send(packet, 0, packet.length, '${to}', () => {}), 100)
`

/** An IP packet as it was captured, its source included. */
export const replay = (packet: Buffer) => `${prologue}
socket.setOption(SocketLevel.IPPROTO_IP, SocketOption.IP_HDRINCL, int(1), 4)
const packet = Buffer.from('${packet.toString('hex')}', 'hex')
setInterval(() => socket.send(packet, 0, packet.length, '224.0.0.18', () => {}), 100)
`
