import type { ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { stop, until } from '../lab/harness.js'
import { createPair, type Director, now, type Pair, signal, sleep, vip } from './pair.js'

const mac = '00:00:5e:00:01:33'

/**
 * Both programs with the virtual MAC of virtual router 51, lvskeeper on `ours`: start, stop, return and crash of the better one. The client
 * reaches the VIP wherever it is, and lvskeeper's at the virtual MAC alone. `program`: which keepalived.
 */
export async function macBesideKeepalived(ours: 'd1' | 'd2', program = 'keepalived'): Promise<void> {
  const pair = await createPair({ router: 'virtual_mac: true' })
  const theirs = ours === 'd1' ? 'd2' : 'd1'
  const director = pair[ours]
  let log = ''
  let other: ChildProcess | undefined
  const start = () => {
    other = keepalived(pair, theirs, program)
    for (const stream of [other.stdout, other.stderr])
      stream?.on('data', piece => {
        log += piece
      })
  }
  const whole = async () => {
    director.start()
    await director.whole()
  }
  const holder = async (where: 'd1' | 'd2') => {
    const absent = where === 'd1' ? 'd2' : 'd1'
    await until(`the VIP to be on ${where} alone`, () => pair[where].has() && !pair[absent].has(), 20_000)
    await sleep(500)
    expect(pair[absent].has()).toBe(false)
    // The director has to ask for the client's MAC before it can answer.
    await pair.topology.exec(where, ['ip', 'neigh', 'flush', 'all'])
    expect(await pair.topology.exec('cl', ['ping', '-c', '2', '-i', '0.2', '-W', '2', vip])).toMatchObject({
      status: 0,
    })
    // keepalived asks with its real MAC, which stays in the client's table.
    const entry = (await pair.topology.exec('cl', ['ip', 'neigh', 'show', vip])).stdout
    if (where === ours) expect(entry).toContain(mac)
    const { links } = pair[where]
    const named = links.addresses().find(({ address }) => address === vip)
    expect(links.all().find(({ index }) => index === named?.index)?.mac).toBe(mac)
  }
  try {
    if (ours === 'd1') {
      // Ours is the better one.
      start()
      await holder('d2')
      await whole()
      await holder('d1')
      await end(director)
      await holder('d2')
      await whole()
      await holder('d1')
      director.killAll()
      await holder('d2')
    } else {
      await whole()
      await holder('d2')
      start()
      await holder('d1')
      await stop(other!)
      await holder('d2')
      start()
      await holder('d1')
      const since = now()
      crash(other!)
      // Its addresses and its interface outlive keepalived: the machine is gone only when its cable is cut.
      await pair.topology.cut('d1')
      await until('lvskeeper to take over', () => director.has(), 20_000)
      expect(pair.wire.announcements().some(one => one.at > since && one.mac === mac)).toBe(true)
    }
  } catch (error) {
    throw new Error(`${error}\n${log.slice(-4_000)}\n${pair[ours].log().slice(-4_000)}`)
  } finally {
    if (other) crash(other)
    await pair.down()
  }
}

function keepalived({ home, topology }: Pair, name: 'd1' | 'd2', program: string): ChildProcess {
  const file = join(home, 'keepalived.conf')
  writeFileSync(
    file,
    `vrrp_instance web {
  interface eth0
  state BACKUP
  virtual_router_id 51
  priority ${name === 'd1' ? 150 : 100}
  version 3
  advert_int 0.1
  use_vmac vrrp.51
  virtual_ipaddress {
    ${vip}/32
  }
}
`,
  )
  const pids = ['-p', join(home, 'keepalived.pid'), '-r', join(home, 'keepalived-vrrp.pid')]
  return topology.spawnIn(name, [program, '-n', '-l', '-D', '-P', '-f', file, ...pids])
}

/** All of its processes at once. */
function crash({ pid, exitCode, signalCode }: ChildProcess) {
  if (pid === undefined || exitCode !== null || signalCode !== null) return
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  for (const each of [...children.filter(Boolean).map(Number), pid]) signal(each, 'SIGKILL')
}

async function end(director: Director) {
  const parent = director.parent()
  parent.kill('SIGTERM')
  await until(`${director.name} has ended`, () => parent.exitCode !== null, 10_000)
}
