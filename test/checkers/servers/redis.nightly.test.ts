import { execFileSync } from 'node:child_process'
import { connect } from 'node:net'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Target } from '../../../checkers/ports.js'
import { ask, debian, freePort, frozen, own, pidAt, start, unheard } from './real-server.js'

debian('/usr/bin/redis-server', 'redis-server')

describe('redis', () => {
  let primary: Target
  let replica: Target
  beforeAll(async () => {
    const common = [
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--daemonize',
      'no',
      '--requirepass',
      'secret',
      '--masterauth',
      'secret',
    ]
    const [port, second] = [await freePort(), await freePort()]
    primary = await start(port, 'redis-server', [...common, '--port', `${port}`, '--dir', own('redis1')])
    const of = ['--replicaof', `127.0.0.1 ${port}`, '--repl-diskless-sync-delay', '0']
    replica = await start(second, 'redis-server', [...common, '--port', `${second}`, '--dir', own('redis2'), ...of])
    for (let tries = 0; tries < 100; tries++) {
      const { passed } = await ask({ kind: 'redis', password: 'secret', maxLag: 5 }, replica)
      if (passed) break
      await new Promise(resolve => setTimeout(resolve, 200))
    }
  })

  test('answers, wants the password, and says its role and lag', async () => {
    expect(await ask({ kind: 'redis', password: 'secret' }, primary)).toMatchObject({ passed: true, detail: 'PONG' })
    expect(await ask({ kind: 'redis', password: 'wrong' }, primary)).toMatchObject({ reason: 'auth' })
    expect(await ask({ kind: 'redis' }, primary)).toMatchObject({ reason: 'auth' })
    expect(await ask({ kind: 'redis', password: 'secret', role: 'primary' }, primary)).toMatchObject({ passed: true })
    expect(await ask({ kind: 'redis', password: 'secret', role: 'primary' }, replica)).toMatchObject({ reason: 'role' })
    expect(await ask({ kind: 'redis', password: 'secret', role: 'replica', maxLag: 10 }, replica)).toMatchObject({
      passed: true,
    })
  })

  test('that stands still times out, and a replica that lost its primary lags', async () => {
    await frozen(replica, { redis: [{ kind: 'redis', password: 'secret' }, unheard] })
    process.kill(pidAt(primary), 'SIGKILL')
    const lagging = { kind: 'redis', password: 'secret', maxLag: 10 } as const
    await expect.poll(() => ask(lagging, replica), { timeout: 20_000 }).toMatchObject({ reason: 'lag' })
    expect(await ask({ kind: 'redis', password: 'secret' }, replica)).toMatchObject({ passed: true })
    expect(await ask({ kind: 'redis', password: 'secret' }, primary)).toMatchObject({ reason: 'refused' })
  })

  test('without room for one more client serves nobody', async () => {
    const admin = ['-p', `${replica.port}`, '-a', 'secret', '--no-auth-warning', 'config', 'set', 'maxclients', '1']
    execFileSync('redis-cli', admin)
    const held = connect(replica.port, replica.address)
    await new Promise(resolve => held.once('connect', resolve))
    const full = { passed: false, reason: 'not-serving' }
    await expect.poll(() => ask({ kind: 'redis', password: 'secret' }, replica), { timeout: 5_000 }).toMatchObject(full)
    held.destroy()
  })
})
