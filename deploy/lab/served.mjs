// Whether the VIP is served, packet by packet: kernels send (`syn-probe.mjs`), forward and answer, tcpdump notes the kernel's time of both. What a process
// (client, web server, or the prober itself) waits for its turn on the lab's one processor is not in it.
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { sleep, until } from './director.mjs'

/** An answer that came later than this, ms, served nobody. */
const LATE = 20

/**
 * Starts to ask from `cl`; `end` answers every probe: [{ at, answered, refused }], epoch ms. The queue of probes stands on a cable within the client, which
 * forwards what comes out of it: route and MAC address are looked up when a probe leaves, not when it was put there.
 */
export async function watchServed(net, { target = '10.9.0.100:80', source = '10.9.0.50', every = 2 } = {}) {
  const file = `/tmp/${net.prefix}-served.pcap`
  const [, port] = target.split(':')
  const ours = `src host ${source} and tcp dst port ${port} and tcp[13] = 2`
  const answers = `dst host ${source} and tcp src port ${port} and tcp[13] & 6 != 0`
  // Only the probes' ports: a real client asks as well.
  const filter = `tcp portrange 10000-29999 and ((${ours}) or (${answers}))`
  const argv = ['tcpdump', '-i', 'eth0', '-n', '-s', '64', '-B', '16384', '-Z', 'root', '-w', file, filter]
  const dump = net.spawn('cl', argv, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  dump.stderr.on('data', part => {
    said += part
  })
  await until('tcpdump listens', () => said.includes('listening on'))
  const cable = await layCable(net, every)
  const flags = ['--single-threaded-gc', '--v8-pool-size=0']
  const script = [join(import.meta.dirname, 'syn-probe.mjs'), ...cable, target, source, String(every)]
  const probe = net.spawn('cl', [process.execPath, ...flags, ...script], { stdio: ['ignore', 'ignore', 'pipe'] })
  const [first] = await once(probe.stderr, 'data')
  if (!String(first).startsWith('asking')) throw new Error(`syn-probe: ${first}`)
  return {
    async end() {
      probe.kill('SIGKILL')
      // What is in the queue, and tcpdump's turn to read it.
      await sleep(2_000)
      const closed = once(dump, 'close')
      dump.kill('SIGTERM')
      await closed
      const [, dropped] = /(\d+) packets? dropped by kernel/.exec(said) ?? []
      if (dropped !== '0') throw new Error(`tcpdump missed packets: ${said}`)
      const probes = readProbes(readFileSync(file), source)
      rmSync(file)
      await net.exec('cl', 'ip', 'link', 'del', 'probe')
      return probes
    },
  }
}

/** Frames of 54 bytes leave it one by one, every so many ms. Answers the index of this end and the MAC address of the other. */
async function layCable(net, every) {
  const rate = `${Math.round((54 * 8 * 1000) / every)}bit`
  await net.exec('cl', 'ip', 'link', 'add', 'probe', 'type', 'veth', 'peer', 'name', 'probe-in')
  await net.exec('cl', 'tc', 'qdisc', 'add', 'dev', 'probe', 'root', 'netem', 'rate', rate, 'limit', '100000')
  // What comes in has the client's own address.
  const settings =
    'cd /proc/sys/net/ipv4; echo 1 >conf/probe-in/accept_local; echo 0 >conf/probe-in/rp_filter; echo 1 >ip_forward'
  await net.exec('cl', 'sh', '-c', settings)
  for (const name of ['probe-in', 'probe']) await net.exec('cl', 'ip', 'link', 'set', name, 'up')
  const link = async name => JSON.parse(await net.exec('cl', 'ip', '-j', 'link', 'show', name))[0]
  return [String((await link('probe')).ifindex), (await link('probe-in')).address]
}

/** Reads a capture (pcap, Ethernet, IPv4). A probe is known by its sequence number, an answer by what it acknowledges. */
export function readProbes(capture, source) {
  const nano = capture.readUInt32LE(0) === 0xa1b23c4d
  const own = Buffer.from(source.split('.').map(Number))
  const probes = new Map()
  for (let at = 24; at + 16 <= capture.length; ) {
    const time = capture.readUInt32LE(at) * 1000 + capture.readUInt32LE(at + 4) / (nano ? 1e6 : 1e3)
    const ip = at + 16 + 14
    const tcp = ip + 4 * (capture[ip] & 15)
    if (capture.subarray(ip + 12, ip + 16).equals(own)) {
      const number = capture.readUInt32BE(tcp + 4)
      if (!probes.has(number)) probes.set(number, { at: time, answered: undefined, refused: false })
    } else {
      const probe = probes.get(capture.readUInt32BE(tcp + 8) - 1)
      if (probe && capture[tcp + 13] & 4) probe.refused = true
      else if (probe) probe.answered ??= time
    }
    at += 16 + capture.readUInt32LE(at + 8)
  }
  return [...probes.values()]
}

/**
 * What the probes of the time between `from` and `to` (epoch ms) say. All in ms:
 * - gap: the longest time from the last probe that was served to the next one, with at least one between them that was not; 0: none was lost.
 * - apart: the longest time between any two served probes that follow each other: what a gap can have been at most, seen or not.
 * - pause: the longest time between two probes, in which nobody looked.
 * - wait: the longest time from a probe to the next answer to any.
 */
export function judge(probes, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY) {
  const isInside = ({ at }) => at >= from && at <= to
  const seen = { probes: 0, refused: 0, unanswered: 0, late: 0, gap: 0, apart: 0, pause: 0, wait: 0 }
  let previous
  let served
  let lost = false
  // Whether anything since the last one that was served, or the one that ends it, belongs to the time in question.
  let touches = false
  for (const probe of probes) {
    const inside = isInside(probe)
    touches ||= inside
    if (inside) {
      seen.probes++
      if (previous) seen.pause = Math.max(seen.pause, probe.at - previous.at)
    }
    previous = probe
    const outcome = outcomeOf(probe)
    if (outcome !== 'served') {
      if (inside) seen[outcome]++
      lost = true
      continue
    }
    if (served && touches) {
      seen.apart = Math.max(seen.apart, probe.at - served.at)
      if (lost) seen.gap = Math.max(seen.gap, probe.at - served.at)
    }
    served = probe
    lost = false
    touches = false
  }
  if (lost && touches) seen.gap = seen.apart = Number.POSITIVE_INFINITY
  let next = Number.POSITIVE_INFINITY
  for (const probe of probes.toReversed()) {
    next = Math.min(next, probe.answered ?? Number.POSITIVE_INFINITY)
    if (isInside(probe)) seen.wait = Math.max(seen.wait, next - probe.at)
  }
  return seen
}

function outcomeOf({ at, answered, refused }) {
  if (refused) return 'refused'
  if (answered === undefined) return 'unanswered'
  return answered - at <= LATE ? 'served' : 'late'
}
