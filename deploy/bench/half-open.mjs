// Bench: a sample of connections stuck in SYN_RECV out of a large connection table: time, processor, how long the loop is held (lab)
//   npm run bench half-open -- [connections=100000]
// The connections are SYNs of as many clients that never go on; IPVS has each of them for a minute.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { lab } from '../lab/director.mjs'
import { print } from './pairs.mjs'

const self = fileURLToPath(import.meta.url)
const dist = process.env['LVSKEEPER_DIST'] ?? fileURLToPath(new URL('../../dist', import.meta.url))
const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const connections = Number(options.connections ?? 100_000)
const vip = '10.9.0.100'

if (options.flood) await flood(options.flood)
else if (options.read) await read()
else run()

function run() {
  const net = lab('bench')
  net.up('--mode', 'dr', '--real-servers', '1', '--no-nginx')
  const on = (name, ...argv) => execFileSync('ip', ['netns', 'exec', net.ns(name), ...argv], { encoding: 'utf8' })
  try {
    on('d1', 'ip', 'address', 'add', `${vip}/32`, 'dev', 'eth0')
    on('d1', 'ipvsadm', '-A', '-t', `${vip}:80`, '-s', 'rr')
    on('d1', 'ipvsadm', '-a', '-t', `${vip}:80`, '-r', '10.9.0.21:80', '-g')
    const mac = on('d1', 'cat', '/sys/class/net/eth0/address').trim()
    on('cl', process.execPath, self, `flood=${mac}`, `connections=${connections}`)
    const rows = JSON.parse(on('d1', process.execPath, self, 'read=1'))
    print(['connections', 'sample, ms', 'processor, ms', 'longest hold of the loop, ms', 'found stuck'], rows)
  } finally {
    net.down()
  }
}

/** One SYN from each of so many clients: 10.64.0.0 and up. */
async function flood(mac) {
  const { openSender } = await import(`${dist}/src/linux/packet-socket.js`)
  const sender = openSender()
  const index = Number(readFileSync('/sys/class/net/eth0/ifindex', 'latin1'))
  const own = readFileSync('/sys/class/net/eth0/address', 'latin1').trim()
  const hex = [mac, own].map(text => text.replaceAll(':', '')).join('')
  const frame = Buffer.from(
    `${hex}08004500002800004000400600000a4000000a0900644000005000000001000000005002ffff00000000`,
    'hex',
  )
  for (let count = 0; count < connections; count++) {
    frame.writeUInt32BE(0x0a400000 + count, 26)
    frame.writeUInt16BE(0, 24)
    frame.writeUInt16BE(checksum(frame.subarray(14, 34), 0), 24)
    frame.writeUInt16BE(0, 50)
    // The pseudo header: both addresses, protocol 6, 20 bytes.
    frame.writeUInt16BE(checksum(frame.subarray(26, 54), 6 + 20), 50)
    while (sender.send(index, frame) !== undefined) await new Promise(resolve => setTimeout(resolve, 1))
    // The other end is on the same processor.
    if (count % 256 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  sender.close()
}

function checksum(bytes, start) {
  let sum = start
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

async function read() {
  const { readHalfOpen } = await import(`${dist}/src/linux/half-open.js`)
  const rows = []
  const idle = monitorEventLoopDelay({ resolution: 1 })
  idle.enable()
  await new Promise(resolve => setTimeout(resolve, 1_500))
  idle.disable()
  rows.push(['nothing read', '1500', '-', (idle.max / 1e6).toFixed(1), '-'])
  // The compiler's first time is not what is measured.
  for (let round = 0; round < 4; round++) {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const began = performance.now()
    const cpu = process.cpuUsage()
    const found = await readHalfOpen([])
    const { user, system } = process.cpuUsage(cpu)
    const took = performance.now() - began
    delay.disable()
    const total = readFileSync('/proc/net/ip_vs_conn', 'latin1').split('\n').length - 2
    const stuck = found.reduce((sum, { count }) => sum + count, 0)
    if (round > 0)
      rows.push([total, took.toFixed(0), ((user + system) / 1000).toFixed(0), (delay.max / 1e6).toFixed(1), stuck])
  }
  console.log(JSON.stringify(rows))
}
