import { execFileSync } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Target } from '../../../checkers/ports.js'
import { ask, askNobody, debian, freePort, frozen, own, refused, start, unheard } from './real-server.js'

debian('/usr/sbin/mariadbd', 'mariadb-server')

describe('mariadb', () => {
  let target: Target
  let socket: string
  const sql = (text: string) => execFileSync('mariadb', ['--no-defaults', '--socket', socket, '-uroot', '-e', text])
  beforeAll(async () => {
    const home = own('mariadb')
    const data = join(home, 'data')
    socket = join(home, 'sock')
    const user = ['--no-defaults', '--user=root', `--datadir=${data}`]
    execFileSync('mariadb-install-db', [...user, '--auth-root-authentication-method=normal'], { stdio: 'ignore' })
    const port = await freePort()
    target = await start(port, 'mariadbd', [
      ...user,
      `--socket=${socket}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      `--port=${port}`,
    ])
    sql("CREATE USER 'check'@'%' IDENTIFIED BY 'secret'; CREATE USER 'free'@'%'")
  }, 120_000)

  test('greets, lets the right user in, and says its role', async () => {
    const login = { kind: 'mysql', user: 'check', password: 'secret' } as const
    expect(await ask({ kind: 'mysql' }, target)).toMatchObject({
      passed: true,
      detail: expect.stringContaining('MariaDB'),
    })
    expect(await ask(login, target)).toMatchObject({ passed: true })
    expect(await ask({ kind: 'mysql', user: 'free' }, target)).toMatchObject({ passed: true })
    expect(await ask({ ...login, password: 'wrong' }, target)).toMatchObject({ reason: 'auth', layer: 'L7STS' })
    expect(await ask({ ...login, role: 'primary' }, target)).toMatchObject({ passed: true })
    sql('SET GLOBAL read_only = 1')
    expect(await ask({ ...login, role: 'primary' }, target)).toMatchObject({ reason: 'role', detail: 'replica' })
    expect(await ask({ ...login, role: 'replica' }, target)).toMatchObject({ passed: true })
    await frozen(target, { 'mysql greeting': [{ kind: 'mysql' }, unheard], 'mysql login': [login, unheard] })
    expect(await askNobody(login, target)).toMatchObject(refused)
  })

  test('without room for one more client serves nobody', async () => {
    sql('SET GLOBAL max_connections = 10')
    const held = Array.from({ length: 12 }, () => connect(target.port, target.address).on('error', () => {}))
    await expect
      .poll(() => ask({ kind: 'mysql', user: 'check', password: 'secret' }, target), { timeout: 5_000 })
      .toMatchObject({ passed: false, reason: 'not-serving', detail: expect.stringContaining('1040') })
    for (const socket of held) socket.destroy()
  })
})
