import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.js'
import { kernelAddresses } from '../../src/linux/addresses.js'
import { frameAnnouncer } from '../../src/linux/announcer.js'
import { watchLinks } from '../../src/linux/links.js'
import { createSockets } from '../../src/vrrp/sockets.js'
import type { Note } from '../../vrrp/note.js'
import type { Clock } from '../../vrrp/ports.js'
import { runRouter, type StartOptions } from '../../vrrp/router.js'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import type { Namespace } from '../linux/namespaces.js'

/** A virtual router of ours in a namespace, on the real kernel: raw sockets, rtnetlink, AF_PACKET. */
export async function kernelDirector(
  namespace: Namespace,
  config: VirtualRouter,
  options: StartOptions = {},
  hear: (note: Note) => void = () => {},
) {
  const notes: Note[] = []
  const links = await namespace.enter(() => watchLinks())
  const addresses = namespace.enter(() => kernelAddresses(links, { onLost: (_, vip) => handle.vipLost(vip.address) }))
  const announcer = namespace.enter(() => frameAnnouncer(links))
  const life = { alive: true }
  const tell = (note: Note) => {
    notes.push(note)
    hear(note)
  }
  const clock: Clock = {
    now: systemClock.now,
    at: (deadline, wake) => systemClock.at(deadline, () => life.alive && wake()),
  }
  const sockets = namespace.enter(() => createSockets(links))
  const place = namespace.enter(() => sockets.join(config, packet => life.alive && handle.receive(packet)))
  const lan = {
    ...place.lan,
    send: (payload: Buffer, to: string) => (life.alive ? place.lan.send(payload, to) : undefined),
  }
  const known = new Map(links.all().map(link => [link.name, link.running]))
  const handle = runRouter(config, { clock, lan, addresses, announcer }, tell, {
    ...{ ready: true, links: known },
    ...options,
  })
  let closed = false

  return {
    handle,
    notes,
    state: () => handle.status().state,
    /** What it told, one line each. */
    story: () => notes.map(note => `ours ${JSON.stringify(note)}`).join('\n'),
    /** Dead as a process killed with -9: says nothing more; the kernel keeps the VIPs for their lifetime. */
    crash() {
      life.alive = false
    },
    close() {
      if (closed) return
      closed = true
      life.alive = false
      place.leave()
      sockets.close()
      announcer.close()
      addresses.close()
      links.close()
    },
  }
}

/** keepalived in a namespace, started from `config`; killed at the end by its own process ids. `program`: which, if not the machine's own. */
export function keepalived(namespace: Namespace, config: string, program = 'keepalived') {
  const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-keepalived-'))
  const file = join(folder, 'keepalived.conf')
  writeFileSync(file, config)
  const child = namespace.start(
    ...[program, '-n', '-l', '-D', '-P', '-f', file],
    // All of them: newer ones lock even the files of processes that they do not start.
    ...['-p', join(folder, 'pid'), '-r', join(folder, 'vrrp.pid')],
    ...['-c', join(folder, 'checkers.pid'), '-b', join(folder, 'bfd.pid')],
  )
  let log = ''
  child.stdout?.on('data', chunk => {
    log += chunk
  })
  child.stderr?.on('data', chunk => {
    log += chunk
  })
  const ended = new Promise<void>(resolve => child.on('exit', () => resolve()))
  return {
    log: () => log,
    /** SIGTERM: it says that it leaves. */
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
    /** Both processes at once, as when the power fails. */
    async crash() {
      // Read, not asked of ps: nothing here may block the directors that run in this process.
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
      child.kill('SIGSTOP')
      for (const pid of children) if (pid) process.kill(Number(pid), 'SIGKILL')
      child.kill('SIGKILL')
      await ended
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await ended
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Watches the addresses of a namespace without a process each time: a blocked loop would be a stalled director. */
export async function addressWatch(namespace: Namespace) {
  const links = await namespace.enter(() => watchLinks())
  return {
    has: (address: string) => links.addresses().some(one => one.address === address),
    close: () => links.close(),
  }
}
