#!/usr/bin/env node
// Keeps a queue of SYNs to the VIP full until it is killed. Whose turn it is to send is the kernel's affair: the queue discipline of the interface lets one
// out every EVERY_MS, by a timer and in a softirq, also while no process gets the processor. It waits for no answer and keeps no connection: the
// real server's kernel answers, the client's kernel refuses the answer (no socket asked), and `served.mjs` reads all of it from the wire.
//   syn-probe.mjs INDEX_OF_INTERFACE NEXT_MAC TARGET SOURCE EVERY_MS
import koffi from 'koffi'

const [index, nextMac, target, source, every] = process.argv.slice(2)
const [address, port] = target.split(':')
const libc = koffi.load(null)
const call = (signature, ...args) => {
  const result = libc.func(signature)(...args)
  if (result < 0) throw new Error(`${signature}: errno ${koffi.errno()}`)
  return result
}
/** Source ports of the probes; real clients of the same machine have others (net.ipv4.ip_local_port_range). */
const firstPort = 10_000
const ports = 20_000
/** So much is in the queue, ms, and so often it is filled up. */
const reserve = 800
const tick = 20

const bytes = text => text.split('.').map(Number)
const mac = text => text.split(':').map(part => Number.parseInt(part, 16))
const packetSocket = call('int socket(int, int, int)', 17, 3, 0)
const to = Buffer.alloc(20)
to.writeUInt16LE(17, 0)
to.writeUInt16BE(0x0800, 2)
to.writeInt32LE(Number(index), 4)

// Ethernet, IPv4, TCP without options: 54 bytes, what `served.mjs` computes the rate from.
const frame = Buffer.alloc(54)
frame.set([...mac(nextMac), 2, 0, 0, 0, 0, 1, 8, 0])
frame.set([0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, ...bytes(source), ...bytes(address)], 14)
frame.writeUInt16BE(~sumOf(frame.subarray(14, 34)) & 0xffff, 24)
frame.writeUInt16BE(Number(port), 36)
frame.set([0x50, 0x02, 0xff, 0xff], 46)
// The part of TCP's checksum that stays: pseudo-header and all but source port and sequence number.
const constant = 6 + 20 + sumOf(frame.subarray(26))

const timer = call('int timerfd_create(int, int)', 1, 0)
const times = Buffer.alloc(32)
for (const at of [0, 16]) times.writeUInt32LE(tick * 1e6, at + 8)
call('int timerfd_settime(int, int, void *, void *)', timer, 0, times, null)
const priority = Buffer.alloc(4)
priority.writeInt32LE(80)
// SCHED_FIFO: before all else, so that the queue never runs empty.
call('int sched_setscheduler(int, int, void *)', 0, 1, priority)

const read = libc.func('long read(int, void *, size_t)')
const sendto = libc.func('long sendto(int, void *, size_t, int, void *, uint32_t)')
const expired = Buffer.alloc(8)
let number = 0
send(reserve / Number(every))
console.error('asking')
// Nothing in here makes garbage, and nothing waits but for the clock.
for (;;) {
  read(timer, expired, 8)
  send((expired.readUInt32LE(0) * tick) / Number(every))
}

function send(count) {
  for (let left = count; left > 0; left--) {
    number++
    const from = firstPort + (number % ports)
    frame.writeUInt16BE(from, 34)
    frame.writeUInt32BE(number, 38)
    frame.writeUInt16BE(~fold(constant + from + (number >>> 16) + (number & 0xffff)) & 0xffff, 50)
    sendto(packetSocket, frame, 54, 0, to, 20)
  }
}

function sumOf(part) {
  let sum = 0
  for (let at = 0; at < part.length; at += 2) sum += part.readUInt16BE(at)
  return fold(sum)
}

function fold(sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}
