// Two programs that can be a pair of directors without a kernel table: natively in network namespaces, one pair at a time.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { director, sleep, until } from '../lab/director.mjs'
import { kill9 } from './pairs.mjs'

/** @typedef {{ name: string, vrid: number, vip: string }} Router one virtual router, all on eth0 */

const names = ['d1', 'd2']

/** lvskeeper on d1 and d2 with these virtual routers, d1 the better one. */
export function lvskeeper(net, { interval, routers }) {
  const home = `/tmp/${net.prefix}-bench`
  mkdirSync(home, { recursive: true })
  const config = join(home, 'source.yaml')
  const each = ({ name, vrid, vip }) =>
    `  ${name}: { vrid: ${vrid}, interface: eth0, advert_interval: ${interval}ms, vips: [${vip}/32] }\n`
  writeFileSync(
    config,
    `directors:
  d1: { address: 10.9.0.11, priority: 150 }
  d2: { address: 10.9.0.12, priority: 100 }
peer_key_file: /run/lvskeeper-lab/peer.key
virtual_routers:
${routers.map(each).join('')}`,
  )
  const directors = { d1: director(net, 'd1', { config, home }), d2: director(net, 'd2', { home }) }
  const parts = name => directors[name].pids()
  return pair('lvskeeper', net, routers, {
    home,
    directors,
    startOne: name => directors[name].start(),
    parts,
    log: name => directors[name].log(),
    async complete() {
      const statuses = await Promise.all(names.map(name => directors[name].status()))
      return statuses.every(
        status =>
          status?.processes.every(part => part.state === 'running') &&
          status.peers.every(peer => peer.state === 'fresh'),
      )
    },
  })
}

/** keepalived's VRRP process on both, with the same virtual routers. */
export function keepalived(net, { interval, routers }) {
  const home = `/tmp/${net.prefix}-bench-keepalived`
  const parents = {}
  const conf = name =>
    `global_defs {
  router_id ${name}
  vrrp_version 3
}
${routers
  .map(
    router => `vrrp_instance ${router.name} {
  state BACKUP
  interface eth0
  virtual_router_id ${router.vrid}
  priority ${name === 'd1' ? 150 : 100}
  advert_int ${interval / 1000}
  virtual_ipaddress {
    ${router.vip}/32 dev eth0
  }
}
`,
  )
  .join('')}`
  return pair('keepalived', net, routers, {
    home,
    startOne(name) {
      const folder = join(home, name)
      mkdirSync(folder, { recursive: true })
      const file = join(folder, 'keepalived.conf')
      writeFileSync(file, conf(name))
      const log = openSync(join(folder, 'log'), 'a')
      const pids = ['--pid', join(folder, 'pid'), '--vrrp_pid', join(folder, 'vrrp.pid')]
      parents[name] = net.spawn(
        name,
        ['keepalived', '--dont-fork', '--log-console', '--vrrp', '--use-file', file, ...pids],
        {
          stdio: ['ignore', log, log],
        },
      )
      return parents[name]
    },
    parts(name) {
      const parent = parents[name].pid
      const [vrrp] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').map(Number)
      return { parent, ...(vrrp ? { vrrp } : {}) }
    },
    log: name => readFileSync(join(home, name, 'log'), 'utf8'),
    complete: () => true,
  })
}

function pair(name, net, routers, own) {
  const held = async director => {
    const lines = (await net.exec(director, 'ip', '-o', '-4', 'address', 'show', 'dev', 'eth0')).split('\n')
    return routers.filter(({ vip }) => lines.some(line => line.includes(` ${vip}/32 `))).length
  }
  const parents = {}
  const runs = director => parents[director] && parents[director].exitCode === null && !parents[director].signalCode
  return {
    ...own,
    name,
    net,
    held,
    startOne(director) {
      parents[director] = own.startOne(director)
    },
    /** Of all its processes; none when it has ended. */
    pids: director => (runs(director) ? Object.values(own.parts(director)) : []),
    parent: director => parents[director],
    /** d1 has every VIP and d2 none, both know of each other, and it is quiet. */
    async start(settle = 5_000) {
      for (const director of names) this.startOne(director)
      await this.settled(settle)
    },
    async settled(settle = 5_000) {
      const normal = async () => (await held('d1')) === routers.length && (await held('d2')) === 0
      await until(`${name}: d1 has every VIP`, normal, 90_000, 200)
      await until(`${name} is complete`, own.complete, 60_000, 500)
      await sleep(settle)
      if (!(await normal())) throw new Error(`${name}: the VIPs moved before anything was done`)
    },
    /** Nothing of it is left, its logs included. */
    end() {
      for (const director of names) kill9(this.pids(director))
      rmSync(own.home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Of captures, those too whose measurement failed. */
const folders = []
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Everything of VRRP and ARP on the switch with the kernel's times, as a list, at the end. Into a file: no line of text is made meanwhile. */
export async function capture(net) {
  const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-bench-'))
  folders.push(folder)
  const file = join(folder, 'wire')
  const argv = ['tcpdump', '-i', 'br0', '-n', '-s', '128', '-B', '16384', '-U', '-w', file, 'ip proto 112 or arp']
  const child = net.spawn('sw', argv, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', part => {
    said += part
  })
  await until('tcpdump listens', () => said.includes('listening on'))
  return {
    async end() {
      const closed = new Promise(resolve => child.once('close', resolve))
      child.kill('SIGTERM')
      await closed
      const text = execFileSync('tcpdump', ['-r', file, '-n', '-e', '-tt'], {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      rmSync(folder, { recursive: true })
      const dropped = Number(/(\d+) packets? dropped by kernel/.exec(said)?.[1] ?? 0)
      if (dropped > 0) throw new Error(`tcpdump lost ${dropped} packets`)
      return text.split('\n').flatMap(read)
    },
  }
}

/** { at, mac, vrid, priority } or { at, mac, vip } of a line of tcpdump; nothing for what is neither advert nor announcement. */
function read(line) {
  const [, seconds, mac] = /^(\d+\.\d+) (\S+) >/.exec(line) ?? []
  if (!mac) return []
  const advert = /VRRPv\d.*vrid (\d+), prio (\d+)/.exec(line)
  if (advert) return [{ at: Number(seconds) * 1000, mac, vrid: Number(advert[1]), priority: Number(advert[2]) }]
  const [, asked, tell] = /who-has (\S+)(?: \S+)? tell (\S+),/.exec(line) ?? []
  const vip =
    asked && asked === tell ? asked : /Announcement (\S+),|Reply (\S+) is-at/.exec(line)?.slice(1).find(Boolean)
  return vip ? [{ at: Number(seconds) * 1000, mac, vip }] : []
}

export const macOf = async (net, name) =>
  JSON.parse(await net.exec(name, 'ip', '-j', 'link', 'show', 'eth0'))[0].address
