import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { Target } from '../../../checkers/ports.js'
import { ask, askNobody, debian, freePort, frozen, idOf, own, refused, start, unheard } from './real-server.js'

debian('/usr/lib/postgresql', 'postgresql')
const login = { kind: 'postgresql', user: 'check', database: 'postgres', password: 'secret' } as const
const { password: _, ...anonymous } = login

describe('postgresql', () => {
  let target: Target
  const home = own('postgresql')
  const data = join(home, 'data')
  let run: (program: string, args: string[]) => void
  let serve: (data: string, ...options: string[]) => Promise<Target>
  beforeAll(async () => {
    const [version = ''] = readdirSync('/usr/lib/postgresql')
    const bin = join('/usr/lib/postgresql', version, 'bin')
    const { uid, gid } = idOf('postgres')
    chownSync(home, uid, gid)
    writeFileSync(join(home, 'pw'), 'secret\n')
    const env = { ...process.env, PGPASSWORD: 'secret' }
    run = (program, args) => execFileSync(join(bin, program), args, { uid, gid, env, stdio: 'ignore', cwd: home })
    serve = async (folder, ...options) => {
      const port = await freePort()
      return start(
        port,
        join(bin, 'postgres'),
        ['-D', folder, '-p', `${port}`, '-h', '127.0.0.1', '-k', home, ...options],
        uid,
      )
    }
    run('initdb', ['-D', data, '-A', 'scram-sha-256', '-U', 'check', `--pwfile=${join(home, 'pw')}`])
    target = await serve(data, '-c', 'max_connections=10')
    await vi.waitFor(async () => expect(await ask(anonymous, target)).toMatchObject({ passed: true }), 10_000)
  }, 120_000)

  test('answers, lets the right user in, and says its role', async () => {
    expect(await ask(anonymous, target)).toMatchObject({ passed: true, detail: 'asks for a password' })
    expect(await ask(login, target)).toMatchObject({ passed: true })
    expect(await ask({ ...login, password: 'wrong' }, target)).toMatchObject({ reason: 'auth' })
    expect(await ask({ ...login, role: 'primary' }, target)).toMatchObject({ passed: true })
    expect(await ask({ ...login, role: 'replica' }, target)).toMatchObject({ reason: 'role', detail: 'primary' })
    expect(await ask({ ...login, database: 'none' }, target)).toMatchObject({ reason: 'auth', layer: 'L7STS' })
    await frozen(target, { postgresql: [anonymous, unheard], 'postgresql login': [login, unheard] })
    expect(await askNobody(login, target)).toMatchObject(refused)
  })

  test('without room for one more client serves nobody', async () => {
    // Each is asked for a password and holds its place while it owes the answer, or is refused.
    const hello = Buffer.from('\0\0\0\0\0\x03\0\0user\0check\0database\0postgres\0\0', 'latin1')
    hello.writeUInt32BE(hello.length)
    const held = Array.from({ length: 12 }, () => connect(target.port, target.address).on('error', () => {}))
    for (const socket of held) {
      socket.write(hello)
      await new Promise(resolve => socket.once('readable', resolve))
    }
    const full = { passed: false, reason: 'not-serving', detail: expect.stringContaining('53300') }
    for (const spec of [login, anonymous]) expect(await ask(spec, target)).toMatchObject(full)
    for (const socket of held) socket.destroy()
    await expect.poll(() => ask(login, target), { timeout: 5_000 }).toMatchObject({ passed: true })
  })

  test('that is starting does not serve yet; a standby is a replica until it is promoted', async () => {
    const copy = join(home, 'copy')
    const primary = ['-h', '127.0.0.1', '-p', `${target.port}`, '-U', 'check']
    run('pg_basebackup', [...primary, '-D', copy, '-R', '-X', 'stream', '-c', 'fast'])
    const hold = join(home, 'hold')
    writeFileSync(hold, '')
    // It asks the archive before anything else, and the archive takes its time.
    const archive = `restore_command=while test -e ${hold}; do sleep 0.1; done; false`
    const standby = await serve(copy, '-c', archive)
    const starting = { passed: false, reason: 'not-serving', layer: 'L7STS', detail: expect.stringContaining('57P03') }
    expect(await ask(login, standby)).toMatchObject(starting)
    expect(await ask(anonymous, standby)).toMatchObject(starting)
    rmSync(hold)
    const replica = { ...login, role: 'replica' } as const
    await expect.poll(() => ask(replica, standby), { timeout: 20_000 }).toMatchObject({ passed: true })
    expect(await ask({ ...login, role: 'primary' }, standby)).toMatchObject({ reason: 'role', detail: 'replica' })
    expect(existsSync(join(copy, 'standby.signal'))).toBe(true)
    run('pg_ctl', ['-D', copy, 'promote'])
    const promoted = { ...login, role: 'primary' } as const
    await expect.poll(() => ask(promoted, standby), { timeout: 20_000 }).toMatchObject({ passed: true })
    expect(await ask(replica, standby)).toMatchObject({ reason: 'role', detail: 'primary' })
  })
})
