import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Outcome, Target } from '../../checkers/ports.js'
import { probeFor } from '../../checkers/probe-for.js'
import type { ProbeSpec, TlsSpec } from '../../checkers/spec.js'
import { httpSpec } from './check-spec.js'
import { within } from './listen.js'

/** Each kind against the server it is for, from Debian's packages, on loopback, in folders of our own. */
const packages = 'nginx-light openssl redis-server mariadb-server postgresql slapd unbound postfix python3-grpcio'
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
  if (missing.length > 0 || !existsSync('/usr/lib/postgresql') || !existsSync('/usr/lib/python3/dist-packages/grpc'))
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages.split(' ')], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: 'ignore',
    })
}, 600_000)

afterAll(async () => {
  for (const child of running) {
    if (child.exitCode !== null) continue
    // What a wrapper has started does not end with it (postfix).
    const started = tree(child.pid ?? 0)
    child.kill('SIGTERM')
    await Promise.race([
      new Promise(resolve => child.once('exit', resolve)),
      new Promise(resolve => setTimeout(resolve, 10_000)),
    ])
    for (const pid of started)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
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

const pids = new Map<number, number>()

/** A process and all that it has forked. */
function tree(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean)
    return [pid, ...children.flatMap(child => tree(Number(child)))]
  } catch {
    return [pid]
  }
}

/** What the checks find while every process of the server stands still: its kernel goes on accepting. */
async function frozen(target: Target, looks: Record<string, [ProbeSpec, Partial<Outcome>, port?: number]>) {
  const stopped = tree(pids.get(target.port) ?? 0)
  for (const pid of stopped) process.kill(pid, 'SIGSTOP')
  try {
    for (const [name, [spec, wanted, port = target.port]] of Object.entries(looks)) {
      const began = performance.now()
      expect(await ask(spec, { ...target, port }, 300), name).toMatchObject(wanted)
      expect(performance.now() - began, name).toBeLessThan(1000)
    }
  } finally {
    for (const pid of stopped) process.kill(pid, 'SIGCONT')
  }
}
const unheard: Partial<Outcome> = { passed: false, reason: 'timeout', layer: 'L7TOUT' }
const unshaken: Partial<Outcome> = { passed: false, reason: 'timeout', layer: 'L6TOUT' }

/** Starts a program that stays in the foreground, and waits until it listens. */
async function start(port: number, program: string, args: string[], uid?: number): Promise<Target> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  running.push(child)
  if (child.pid !== undefined) pids.set(port, child.pid)
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
location / { add_header X-Role web; return 200 '{"state":"fine"}'; } location /gone { return 410; } } }`,
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

  test.each(['http', 'https', 'h2'] as const)('fails an %s check for each named reason', async kind => {
    const over = kind === 'http' ? {} : { tls: await trusting(), ...(kind === 'h2' ? { version: '2' as const } : {}) }
    const at = kind === 'http' ? target : secure
    const fails = async (spec: Parameters<typeof httpSpec>[0], reason: string) =>
      expect(await ask(httpSpec({ ...over, ...spec }), at), JSON.stringify(spec)).toMatchObject({
        passed: false,
        reason,
      })
    const header = { name: 'x-role', how: 'exact', value: 'db' } as const
    await fails({ headerMatch: [header] }, 'bad-header')
    await fails({ bodyContains: 'broken' }, 'bad-body')
    await fails({ bodyNotContains: 'fine' }, 'bad-body')
    await fails({ bodyRegex: '^fine' }, 'bad-body')
    await fails({ json: { pointer: '/state', equals: 'broken' } }, 'bad-body')
    await fails({ digest: { algorithm: 'sha256', hex: '00' } }, 'bad-body')
    await fails({ bodyRegex: 'fine', maxBytes: 3 }, 'too-large')
    await fails({ status: [[500, 599]] }, 'bad-status')
    expect(await ask(httpSpec({ ...over, headerMatch: [{ ...header, value: 'web' }] }), at)).toMatchObject({
      passed: true,
    })
    expect(await ask(httpSpec(over), { ...at, port: await freePort() })).toMatchObject({
      reason: 'refused',
      layer: 'L4CON',
    })
    // The other of its two ports.
    expect(await ask(httpSpec(over), kind === 'http' ? secure : target)).toMatchObject({
      reason: kind === 'http' ? 'bad-status' : 'tls',
    })
  })

  test('that stands still times out where it stands', async () => {
    const over = { tls: await trusting() }
    await frozen(target, {
      'http 1.1': [httpSpec({}), unheard],
      'http 1.0': [httpSpec({ version: '1.0' }), unheard],
      https: [httpSpec(over), unshaken, secure.port],
      h2: [httpSpec({ ...over, version: '2' }), unshaken, secure.port],
      tls: [{ kind: 'tls', ...over, steps: [] }, unshaken, secure.port],
      'tcp steps': [{ kind: 'tcp', steps: [{ expect: { contains: { text: 'hello' } } }] }, unheard],
      'tcp connect': [
        { kind: 'tcp', steps: [] },
        { passed: true, layer: 'L4OK' },
      ],
    })
    expect(await ask(httpSpec({}), target)).toMatchObject({ passed: true })
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
    const pin = ['00'.repeat(32)]
    expect(await ask({ kind: 'tls', tls: { ...tls, verify: 'none', pin }, steps: [] }, target)).toMatchObject({
      reason: 'certificate',
    })
    await frozen(target, { tls: [{ kind: 'tls', tls, steps: [] }, unshaken] })
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

  test('that stands still times out, and a replica that lost its primary lags', async () => {
    await frozen(replica, { redis: [{ kind: 'redis', password: 'secret' }, unheard] })
    process.kill(pids.get(primary.port) ?? 0, 'SIGKILL')
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
    expect(await ask({ ...login, database: 'none' }, target)).toMatchObject({ reason: 'auth', layer: 'L7STS' })
    await frozen(target, { postgresql: [anonymous, unheard], 'postgresql login': [login, unheard] })
    expect(await ask(login, { ...target, port: await freePort() })).toMatchObject({ reason: 'refused' })
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
  const target = await start(port, 'slapd', ['-f', join(home, 'conf'), '-h', `ldap://127.0.0.1:${port}`, '-d', 'none'])
  const login = { kind: 'ldap', dn: 'cn=check,dc=example', password: 'secret' } as const
  expect(await ask({ kind: 'ldap' }, target)).toMatchObject({ passed: true })
  expect(await ask(login, target)).toMatchObject({ passed: true })
  expect(await ask({ ...login, password: 'wrong' }, target)).toMatchObject({ reason: 'auth', detail: 'result 49' })
  await frozen(target, { ldap: [login, unheard] })
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
    expect(await ask({ ...dns, minAnswers: 2 }, target)).toMatchObject({ reason: 'bad-reply', detail: '1 answers' })
    expect(await ask(dns, { ...target, port: await freePort() })).toMatchObject({ reason: 'refused', layer: 'L4CON' })
    await frozen(target, { [`dns by ${transport}`]: [dns, unheard] })
  }
  // The same server, asked as any that speaks UDP: id 0, recursion, one question, web.example A.
  const send = { hex: '0000 0100 0001 0000 0000 0000 03776562 076578616d706c65 00 0001 0001' }
  const udp = { kind: 'udp', send, requireReply: true } as const
  const address = { contains: { hex: 'c0000207' } }
  expect(await ask({ ...udp, expect: address }, target)).toMatchObject({ passed: true, layer: 'L7OK' })
  expect(await ask({ ...udp, expect: { contains: { hex: 'c0000208' } } }, target)).toMatchObject({
    reason: 'bad-reply',
  })
  expect(await ask(udp, { ...target, port: await freePort() })).toMatchObject({ reason: 'refused' })
  await frozen(target, {
    udp: [udp, unheard],
    'udp without an answer': [
      { kind: 'udp', send, requireReply: false },
      { passed: true, layer: 'L4OK' },
    ],
  })
})

test('a gRPC server says of each of its services whether it serves', async () => {
  const port = await freePort()
  const script = join(own('grpc'), 'server.py')
  writeFileSync(
    script,
    `import grpc
from concurrent import futures
states = {'': 1, 'up': 1, 'down': 2}
def check(request, context):
    name = request[2:].decode()
    if name not in states: context.abort(grpc.StatusCode.NOT_FOUND, 'unknown service')
    return bytes([8, states[name]])
class Health(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == '/grpc.health.v1.Health/Check': return grpc.unary_unary_rpc_method_handler(check)
for port, handlers in ((${port}, (Health(),)), (${port} + 1, ())):
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=handlers)
    assert server.add_insecure_port('127.0.0.1:%d' % port)
    server.start()
    servers = globals().setdefault('servers', []) + [server]
servers[-1].wait_for_termination()
`,
  )
  const target = await start(port, '/usr/bin/python3', [script])
  const grpc = (service: string): ProbeSpec => ({ kind: 'grpc', service })
  for (const service of ['', 'up'])
    expect(await ask(grpc(service), target)).toMatchObject({ passed: true, detail: 'SERVING' })
  expect(await ask(grpc('down'), target)).toMatchObject({ reason: 'not-serving', detail: 'NOT_SERVING' })
  expect(await ask(grpc('none'), target)).toMatchObject({
    reason: 'not-serving',
    detail: 'grpc-status 5 unknown service',
  })
  // A server without the health service.
  expect(await ask(grpc(''), { ...target, port: port + 1 })).toMatchObject({
    reason: 'not-serving',
    detail: expect.stringContaining('grpc-status 12'),
  })
  await frozen(target, { grpc: [grpc(''), unheard] })
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
  await frozen(target, { smtp: [{ kind: 'smtp', helo: 'd1.example' }, unheard] })
}, 120_000)
