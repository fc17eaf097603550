import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Target } from '../../checkers/ports.js'
import { probeFor } from '../../checkers/probe-for.js'
import type { ProbeSpec, TlsSpec } from '../../checkers/spec.js'
import { httpSpec } from './check-spec.js'
import { within } from './listen.js'

/** Each kind against the server it is for, from Debian's packages, on loopback, in folders of our own. */
const packages = 'nginx-light openssl redis-server mariadb-server postgresql slapd unbound postfix'
const certificates = join(import.meta.dirname, 'certificates')
const tls: TlsSpec = { verify: 'full', warnDays: 14, failDays: 0 }
const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-servers-'))
// Servers that run as users of their own must come through.
chmodSync(folder, 0o755)
const running: ChildProcess[] = []

beforeAll(() => {
  const missing = ['nginx', 'redis-server', 'mariadbd', 'slapd', 'unbound', 'postfix'].filter(
    name => ![`/usr/sbin/${name}`, `/usr/bin/${name}`].some(existsSync),
  )
  if (missing.length > 0 || !existsSync('/usr/lib/postgresql'))
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages.split(' ')], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: 'ignore',
    })
}, 600_000)

afterAll(async () => {
  for (const child of running) {
    if (child.exitCode !== null) continue
    child.kill('SIGTERM')
    await Promise.race([
      new Promise(resolve => child.once('exit', resolve)),
      new Promise(resolve => setTimeout(resolve, 10_000)),
    ])
    child.kill('SIGKILL')
  }
  rmSync(folder, { recursive: true, force: true })
}, 120_000)

function own(name: string): string {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true })
  return path
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Starts a program that stays in the foreground, and waits until it listens. */
async function start(port: number, program: string, args: string[], uid?: number): Promise<Target> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  running.push(child)
  let complaints = ''
  child.stderr?.on('data', data => {
    complaints += data
  })
  for (let tries = 0; tries < 300; tries++) {
    if (await listens(port)) return { address: '127.0.0.1', port }
    if (child.exitCode !== null) break
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`${program} does not listen: ${complaints.slice(-2000)}`)
}

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

const ask = (spec: ProbeSpec, target: Target, ms = 5000) => probeFor(spec)(target, within(ms))

describe('nginx', () => {
  let target: Target
  let secure: Target
  beforeAll(async () => {
    const home = own('nginx')
    const [port, tlsPort] = [await freePort(), await freePort()]
    writeFileSync(
      join(home, 'conf'),
      `daemon off; pid ${home}/pid; error_log ${home}/error; worker_processes 1; events {}
http { access_log off; client_body_temp_path ${home}/a; proxy_temp_path ${home}/b; fastcgi_temp_path ${home}/c; uwsgi_temp_path ${home}/d; scgi_temp_path ${home}/e;
server { listen 127.0.0.1:${port}; listen 127.0.0.1:${tlsPort} ssl http2; ssl_certificate ${certificates}/server.crt; ssl_certificate_key ${certificates}/server.key;
location / { return 200 '{"state":"fine"}'; } location /gone { return 410; } } }`,
    )
    target = await start(port, 'nginx', ['-c', join(home, 'conf'), '-e', join(home, 'error')])
    secure = { ...target, port: tlsPort }
  })
  const trusting = async () => ({
    ...tls,
    ca: (await import('node:fs')).readFileSync(join(certificates, 'ca.crt'), 'latin1'),
  })

  test.each(['1.0', '1.1'] as const)('answers an http check of version %s', async version => {
    expect(await ask(httpSpec({ version, json: { pointer: '/state', equals: 'fine' } }), target)).toMatchObject({
      passed: true,
    })
    expect(await ask(httpSpec({ version, path: '/gone' }), target)).toMatchObject({
      reason: 'bad-status',
      detail: 'status 410',
    })
  })

  test.each(['1.0', '1.1', '2'] as const)('answers an https check of version %s', async version => {
    const spec = httpSpec({ version, tls: await trusting(), bodyContains: 'fine' })
    expect(await ask(spec, secure)).toMatchObject({ passed: true })
    expect(await ask({ ...spec, tls }, secure)).toMatchObject({ reason: 'certificate' })
  })

  test('answers a tls check and a tcp check', async () => {
    expect(await ask({ kind: 'tls', tls: await trusting(), steps: [] }, secure)).toMatchObject({
      passed: true,
      layer: 'L6OK',
    })
    expect(await ask({ kind: 'tcp', steps: [] }, target)).toMatchObject({ passed: true, layer: 'L4OK' })
  })
})

test('openssl s_server answers a tls check, with TLS 1.2 and with 1.3', async () => {
  for (const version of ['-tls1_2', '-tls1_3']) {
    const port = await freePort()
    const files = ['-cert', join(certificates, 'server.crt'), '-key', join(certificates, 'server.key')]
    const target = await start(port, 'openssl', [
      's_server',
      '-quiet',
      version,
      '-accept',
      `127.0.0.1:${port}`,
      ...files,
    ])
    expect(await ask({ kind: 'tls', tls: { ...tls, verify: 'none' }, steps: [] }, target)).toMatchObject({
      passed: true,
    })
    const minVersion = 'TLSv1.3'
    expect(await ask({ kind: 'tls', tls: { ...tls, verify: 'none', minVersion }, steps: [] }, target)).toMatchObject(
      version === '-tls1_2' ? { reason: 'tls' } : { passed: true },
    )
  }
})

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
})

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
  })
})

describe('postgresql', () => {
  let target: Target
  beforeAll(async () => {
    const [version = ''] = readdirSync('/usr/lib/postgresql')
    const bin = join('/usr/lib/postgresql', version, 'bin')
    const uid = Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'latin1' }))
    const gid = Number(execFileSync('id', ['-g', 'postgres'], { encoding: 'latin1' }))
    const home = own('postgresql')
    chownSync(home, uid, gid)
    writeFileSync(join(home, 'pw'), 'secret\n')
    const data = join(home, 'data')
    const init = ['-D', data, '-A', 'scram-sha-256', '-U', 'check', `--pwfile=${join(home, 'pw')}`]
    execFileSync(join(bin, 'initdb'), init, { uid, gid, stdio: 'ignore', cwd: home })
    const port = await freePort()
    const options = ['-D', data, '-p', `${port}`, '-h', '127.0.0.1', '-k', home]
    target = await start(port, join(bin, 'postgres'), options, uid)
    for (let tries = 0; tries < 50; tries++) {
      const { passed } = await ask({ kind: 'postgresql', user: 'check', database: 'postgres' }, target)
      if (passed) break
      await new Promise(resolve => setTimeout(resolve, 200))
    }
  }, 120_000)

  test('answers, lets the right user in, and says its role', async () => {
    const login = { kind: 'postgresql', user: 'check', database: 'postgres', password: 'secret' } as const
    const { password: _, ...anonymous } = login
    expect(await ask(anonymous, target)).toMatchObject({ passed: true, detail: 'asks for a password' })
    expect(await ask(login, target)).toMatchObject({ passed: true })
    expect(await ask({ ...login, password: 'wrong' }, target)).toMatchObject({ reason: 'auth' })
    expect(await ask({ ...login, role: 'primary' }, target)).toMatchObject({ passed: true })
    expect(await ask({ ...login, role: 'replica' }, target)).toMatchObject({ reason: 'role', detail: 'primary' })
  })
})

test('slapd answers an anonymous bind, and a bind with the right password only', async () => {
  const home = own('slapd')
  mkdirSync(join(home, 'data'))
  writeFileSync(
    join(home, 'conf'),
    `include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile ${home}/pid
database mdb\nsuffix "dc=example"\nrootdn "cn=check,dc=example"\nrootpw secret\ndirectory ${home}/data\n`,
  )
  const port = await freePort()
  const target = await start(port, 'slapd', ['-f', join(home, 'conf'), '-h', `ldap://127.0.0.1:${port}`, '-d', '0'])
  const login = { kind: 'ldap', dn: 'cn=check,dc=example', password: 'secret' } as const
  expect(await ask({ kind: 'ldap' }, target)).toMatchObject({ passed: true })
  expect(await ask(login, target)).toMatchObject({ passed: true })
  expect(await ask({ ...login, password: 'wrong' }, target)).toMatchObject({ reason: 'auth', detail: 'result 49' })
})

test('unbound answers questions by UDP and by TCP', async () => {
  const home = own('unbound')
  const port = await freePort()
  writeFileSync(
    join(home, 'conf'),
    `server:\n interface: 127.0.0.1\n port: ${port}\n do-daemonize: no\n chroot: ""\n username: ""\n directory: "${home}"\n pidfile: "${home}/pid"
 use-syslog: no\n local-zone: "example." static\n local-data: "web.example. A 192.0.2.7"\n local-data: "example. SOA ns.example. mail.example. 7 1 1 1 1"\n`,
  )
  const target = await start(port, 'unbound', ['-d', '-c', join(home, 'conf')])
  for (const transport of ['udp', 'tcp'] as const) {
    const dns = {
      kind: 'dns',
      transport,
      name: 'web.example',
      type: 'A',
      rcode: ['NOERROR'],
      minAnswers: 1,
      recurse: true,
    } as const
    expect(await ask({ ...dns, answer: { equals: { text: '192.0.2.7' } } }, target)).toMatchObject({ passed: true })
    expect(await ask({ ...dns, answer: { equals: { text: '192.0.2.8' } } }, target)).toMatchObject({
      reason: 'bad-body',
    })
    expect(await ask({ ...dns, name: 'none.example' }, target)).toMatchObject({
      reason: 'bad-status',
      detail: 'NXDOMAIN',
    })
    const soa = { ...dns, name: 'example', type: 'SOA', answer: { regex: '^ns.example mail.example 7 ' } }
    expect(await ask(soa, target)).toMatchObject({ passed: true })
  }
})

test('postfix greets, and goes over to TLS', async () => {
  const home = own('postfix')
  const [conf, queue, data] = [join(home, 'conf'), join(home, 'queue'), join(home, 'data')]
  for (const path of [conf, queue, data]) mkdirSync(path)
  chownSync(data, Number(execFileSync('id', ['-u', 'postfix'], { encoding: 'latin1' })), 0)
  for (const name of ['server.crt', 'server.key']) cpSync(join(certificates, name), join(conf, name))
  const port = await freePort()
  writeFileSync(
    join(conf, 'main.cf'),
    `compatibility_level = 3.6\nqueue_directory = ${queue}\ndata_directory = ${data}\nmyhostname = mail.example\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4
maillog_file = ${home}/log\nmaillog_file_prefixes = ${home}\nsmtpd_tls_security_level = may\nsmtpd_tls_cert_file = ${conf}/server.crt\nsmtpd_tls_key_file = ${conf}/server.key\nalias_maps =\nmydestination =\n`,
  )
  const services = [
    'rewrite unix - - n - - trivial-rewrite',
    'proxymap unix - - n - - proxymap',
    'cleanup unix n - n - 0 cleanup',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'anvil unix - - n - 1 anvil',
    'scache unix - - n - 1 scache',
    'postlog unix-dgram n - n - 1 postlogd',
  ]
  writeFileSync(join(conf, 'master.cf'), `127.0.0.1:${port} inet n - n - - smtpd\n${services.join('\n')}\n`)
  const target = await start(port, 'postfix', ['-c', conf, 'start-fg'])
  expect(await ask({ kind: 'smtp', helo: 'd1.example' }, target)).toMatchObject({ passed: true })
  const trusted = { ...tls, ca: (await import('node:fs')).readFileSync(join(certificates, 'ca.crt'), 'latin1') }
  expect(await ask({ kind: 'smtp', helo: 'd1.example', startTls: trusted }, target)).toMatchObject({ passed: true })
  expect(await ask({ kind: 'smtp', helo: 'd1.example', startTls: tls }, target)).toMatchObject({
    reason: 'certificate',
  })
}, 120_000)
