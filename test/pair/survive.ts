import { readFileSync, rmSync } from 'node:fs'
import { expect } from 'vitest'
import { type Pair, type Process, pairFile, servers, sleep, until, untilReady, untilRunning, vip } from './pair.js'
import { type Download, serveStreams } from './stream.js'

/** The ports of the downloads: spread in turn, and by Maglev's hash, which needs no word between the directors. */
export const ports = { turn: 9000, hash: 9001 } as const

/** The lab's file of a pair with the services of the downloads; `sync`: connections are told to the other director. */
export function streamsFile(mode: 'dr' | 'nat' | 'tun', { sync }: { readonly sync: boolean }): string {
  const [web = '', rest = ''] = pairFile(mode).split('\nalerts:')
  const pool = /real_servers:[\s\S]*$/.exec(web)?.[0].trimEnd() ?? ''
  const forward = /forward: \w+/.exec(web)?.[0]
  const service = (name: string, port: number, scheduler: string) => `
  ${name}:
    address: ${vip}:${port}
    scheduler: ${scheduler}${scheduler === 'mh' ? '\n    scheduler_flags: [mh-fallback]' : ''}
    ${forward}
    check: { tcp: {}, interval: 2s, timeout: 2s }
    ${pool}`
  // Five programs start on the lab's one processor: a restart there takes longer than elsewhere.
  const patient = web.replace('advert_interval: 100ms', 'advert_interval: 100ms\n    restart_interval: 20s')
  const both = `${patient.trimEnd()}${service('turn', ports.turn, 'rr')}${service('hash', ports.hash, 'mh')}\n`
  return `${sync ? 'sync: { interface: eth0, id: 51 }\n' : ''}${both}\nalerts:${rest}`
}

/** Starts both directors and the servers of the downloads. */
export async function startStreams(pair: Pair): Promise<void> {
  await serveStreams(pair.net, ['rs1', 'rs2'], Object.values(ports))
  pair.d1.start()
  pair.d2.start()
  await untilReady(pair)
  for (const one of [pair.d1, pair.d2])
    await until(
      'all services have their real servers',
      () => [0, 1, 2].every(n => servers(one, n).length === 2),
      20_000,
    )
}

/** Reload, restart, and the end of each process of the master, one after another: the download goes on after each. */
export async function everythingButFailover({ d1, d2, ...pair }: Pair, load: Download): Promise<void> {
  await revive({ d1, d2, ...pair })
  pair.write(pair.config.replace('interval: 1s', `interval: ${1000 + (Date.now() % 997)}ms`))
  expect(await d1.cli('reload')).toContain('generation')
  await load.flows()

  for (const role of ['control', 'checkers', 'vrrp', 'spare'] as Process[]) {
    const pid = d1.pids()[role]
    process.kill(pid ?? Number.NaN, 'SIGKILL')
    await load.flows()
    await until(`${role} runs again`, () => ![undefined, pid].includes(d1.pids()[role]), 30_000, 50)
    await untilRunning(d1)
  }

  const before = Object.values(d1.pids())
  await d1.cli('restart')
  await load.flows()
  const replaced = () => Object.entries(d1.pids()).every(([role, pid]) => role === 'parent' || !before.includes(pid))
  await until('all its processes are new', replaced, 40_000, 50)
  await untilRunning(d1)

  const family = Object.values(d1.pids())
  process.kill(d1.pid(), 'SIGKILL')
  await until('all have left', () => family.every(gone), 20_000, 20)
  await load.flows()
  d1.start()
  await load.flows()
  await until('it is master again', () => d1.holds(vip) && !d2.holds(vip), 40_000, 50)
  await untilReady({ d1, d2 })
}

/** The master's machine is cut off and gone; then it comes back (`reboot`: as a new one) and takes the VIP again. */
export async function failoverAndBack(
  { d1, d2, net, ...pair }: Pair,
  load: Download,
  { reboot = false }: { readonly reboot?: boolean } = {},
): Promise<void> {
  await revive({ d1, d2, net })
  const pids = Object.values(d1.pids())
  const cut = net.cut('d1')
  d1.crash(pids)
  await cut
  await until('d2 has the VIP', () => d2.holds(vip), 5_000)
  await load.flows()
  await until("d1's kernel withdraws the VIP", () => !d1.holds(vip), 6_000)
  if (reboot) await forget({ d1, ...pair })
  await net.heal('d1')
  d1.start({ nice: 5 })
  await untilReady({ d1, d2 })
  await load.flows()
  await sleep(500)
  await load.flows()
}

/** What a reboot leaves of the balancing: no table, no connection, no sync daemon, no setting, and an empty /run. */
async function forget({ d1, exec }: Pick<Pair, 'd1' | 'exec'>): Promise<void> {
  for (const role of ['master', 'backup']) await exec('d1', 'ipvsadm', '--stop-daemon', role)
  // With this the kernel ends connections without a real server by itself.
  await exec('d1', 'sysctl', '-qw', 'net.ipv4.vs.expire_nodest_conn=1')
  await exec('d1', 'ipvsadm', '-C')
  const connections = async () => (await exec('d1', 'ipvsadm', '-Lnc')).stdout.trim().split('\n').slice(2)
  await until('no connection is left', async () => (await connections()).length === 0, 20_000, 100)
  for (const name of ['expire_nodest_conn', 'expire_quiescent_template', 'sloppy_tcp', 'sloppy_sctp'])
    await exec('d1', 'sysctl', '-qw', `net.ipv4.vs.${name}=0`)
  rmSync(d1.run, { recursive: true, force: true })
}

/** A test that failed half way may have left d1 without its cable or its program: it is tried again with both. */
async function revive({ d1, d2, net }: Pick<Pair, 'd1' | 'd2' | 'net'>): Promise<void> {
  if (!gone(d1.pid())) return
  await net.heal('d1')
  d1.start()
  await untilReady({ d1, d2 })
}

function gone(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] === 'Z'
  } catch {
    return true
  }
}
