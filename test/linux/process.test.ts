import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { errnoName, KernelError, meaning } from '../../src/linux/errno.js'
import { connectMarked } from '../../src/linux/mark-socket.js'
import { credentialsOf } from '../../src/linux/peer-credentials.js'
import { applyScheduling, currentPolicy } from '../../src/linux/scheduling.js'
import { notifySystemd } from '../../src/linux/sd-notify.js'
import { readSysctl, writeSysctl } from '../../src/linux/sysctl.js'

const folder = mkdtempSync(join(tmpdir(), 'lk-linux-'))
const open: (Server | Socket)[] = []
afterEach(() => {
  for (const one of open.splice(0)) 'destroy' in one ? one.destroy() : one.close()
})
afterAll(() => rmSync(folder, { recursive: true }))

const listening = (server: Server, where: string | number) =>
  new Promise<void>(done =>
    typeof where === 'string' ? server.listen(where, done) : server.listen(where, '127.0.0.1', done),
  )

describe('errno', () => {
  test('numbers become names, names become words', () => {
    expect([1, 19, 101, 3, 28].map(errnoName)).toEqual(['EPERM', 'ENODEV', 'ENETUNREACH', 'ESRCH', 'ENOSPC'])
    expect(errnoName(3999)).toBe('3999')
    expect(meaning('ENODEV')).toBe('no such device')
    expect(new KernelError('add 10.9.0.100/32 to eth0', 'EPERM').message).toBe(
      'add 10.9.0.100/32 to eth0: EPERM (operation not permitted)',
    )
  })
})

describe('systemd', () => {
  test('hears what is notified, through a datagram socket of the UNIX family', async () => {
    const path = join(folder, 'notify')
    const script = `import socket;s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);s.bind('${path}');print('bound',flush=True);print(s.recv(200).decode(),flush=True)`
    const receiver = spawn('python3', ['-c', script])
    let said = ''
    receiver.stdout.on('data', part => {
      said += String(part)
    })
    await vi.waitFor(() => expect(said).toBe('bound\n'), 8_000)
    expect(notifySystemd('READY=1\nSTATUS=master of web', { NOTIFY_SOCKET: path })).toBeUndefined()
    await vi.waitFor(() => expect(said).toBe('bound\nREADY=1\nSTATUS=master of web\n'), 8_000)
  })

  test('that is not there, or does not listen, is an errno name and no exception', () => {
    expect(notifySystemd('READY=1', {})).toBeUndefined()
    expect(notifySystemd('READY=1', { NOTIFY_SOCKET: join(folder, 'nobody') })).toBe('ENOENT')
    expect(notifySystemd('READY=1', { NOTIFY_SOCKET: '@lvskeeper-test-nobody' })).toBe('ECONNREFUSED')
    expect(notifySystemd('READY=1', { NOTIFY_SOCKET: 'relative' })).toBe('EINVAL')
  })
})

describe('a UNIX socket', () => {
  test('says who connected', async () => {
    const path = join(folder, 'control')
    const server = createServer()
    open.push(server)
    await listening(server, path)
    const accepted = new Promise<Socket>(resolve => server.once('connection', resolve))
    open.push(connect(path))
    const socket = await accepted
    expect(credentialsOf(socket)).toEqual({ pid: process.pid, uid: process.getuid!(), gid: process.getgid!() })
    socket.destroy()
    await new Promise(closed => socket.once('close', closed))
    expect(credentialsOf(socket)).toBeUndefined()
  })
})

describe('a connection with options of its own', () => {
  test('comes from the address that was asked for and carries bytes both ways', async () => {
    const server = createServer(socket => socket.end(`you are ${socket.remoteAddress}`))
    open.push(server)
    await listening(server, 0)
    const { port } = server.address() as { port: number }
    const socket = await connectMarked({ address: '127.0.0.1', port, source: '127.0.0.7' })
    open.push(socket)
    let text = ''
    for await (const chunk of socket.setEncoding('utf8')) text += chunk
    expect(text).toBe('you are 127.0.0.7')
  })

  test('is refused with the errno name where nobody listens', async () => {
    const server = createServer()
    await listening(server, 0)
    const { port } = server.address() as { port: number }
    await new Promise(closed => server.close(closed))
    await expect(connectMarked({ address: '127.0.0.1', port })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await expect(connectMarked({ address: '127.0.0.1', port, source: '192.0.2.1' })).rejects.toMatchObject({
      code: 'EADDRNOTAVAIL',
    })
    await expect(connectMarked({ address: '127.0.0.1', port, interface: 'nothere' })).rejects.toMatchObject({
      code: 'ENODEV',
    })
  })

  test('ends with its signal', async () => {
    await expect(
      connectMarked({ address: '127.0.0.1', port: 9 }, AbortSignal.abort(new Error('enough'))),
    ).rejects.toThrow('enough')
  })
})

describe('a kernel setting', () => {
  test('that is not there reads as undefined and cannot be set', () => {
    expect(readSysctl('kernel.ostype')).toBe('Linux')
    expect(readSysctl('net.ipv4.conf.nothere0.arp_ignore')).toBeUndefined()
    expect(() => writeSysctl('net.ipv4.conf.nothere0.arp_ignore', '1')).toThrow('ENOENT')
    expect(() => readSysctl('../../etc/passwd')).toThrow('EINVAL')
  })
})

describe('scheduling', () => {
  test('takes what it is allowed to and says why not, and children are not realtime', () => {
    const before = readFileSync('/proc/self/oom_score_adj', 'utf8').trim()
    const obtained = applyScheduling({ oomScoreAdjust: Number(before) })
    expect(obtained).toEqual({ oomScoreAdjust: 'ok' })
    expect(currentPolicy()).toBe('other')
    expect(applyScheduling({ realtime: 10 })).toEqual({ realtime: 'ok' })
    expect(currentPolicy()).toBe('rr')
    expect(execFileSync('chrt', ['-p', String(process.pid)], { encoding: 'utf8' })).toContain('SCHED_RR')
    expect(execFileSync('sh', ['-c', 'chrt -p $$'], { encoding: 'utf8' })).toContain('SCHED_OTHER')
    expect(applyScheduling({ realtime: 0 })).toEqual({ realtime: 'ok' })
    expect(currentPolicy()).toBe('other')
    expect(applyScheduling({ realtime: 1000 })).toEqual({ realtime: 'EINVAL' })
    expect(applyScheduling({ nice: 20_000 })).toEqual({ nice: 'ERR_OUT_OF_RANGE' })
  })
})
