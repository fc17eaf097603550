import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { commands } from '../../src/cli/commands.js'
import { main } from '../../src/cli/program.js'

const root = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-cli-'))
const pair = join(root, 'config/examples/dr-pair.yaml')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the command line in this process. */
async function lvskeeper(...args: string[]) {
  let [out, err] = ['', '']
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    out += text
    return true
  })
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation(text => {
    err += text
    return true
  })
  try {
    return { code: await main(['node', 'lvskeeper', ...args]), out, err }
  } finally {
    stdout.mockRestore()
    stderr.mockRestore()
  }
}

async function run(...args: string[]) {
  const before = process.stdout.listeners('error')
  const { code } = await lvskeeper(...args).then(result => Object.assign(last, result))
  for (const listener of process.stdout.listeners('error'))
    if (!before.includes(listener)) process.stdout.removeListener('error', listener as () => void)
  return { code, ...last }
}
const last = { out: '', err: '' }

describe('the command line', () => {
  test('helps with every command, an example under it', async () => {
    const all = await run('--help')
    expect(all.code).toBe(0)
    expect(all.out).toMatch(/^Usage: lvskeeper .*\n[\s\S]* failover \[options\] <router> /)
    const one = await run('drain', '--help')
    expect(one.out).toContain('Examples:\n  lvskeeper drain web/10.9.0.21 --reason "kernel update"')
    expect(one.code).toBe(0)
  })

  test('helps with exactly the options and examples that docs/commands.md has', async () => {
    for (const { name, options = [], examples } of commands) {
      const { code, out } = await run(name, '--help')
      expect(code, name).toBe(0)
      const shown = [...out.matchAll(/^ {2}((?:-\w, )?--[a-z-]+(?: [<[][^ ]+[>\]])?) /gm)].map(([, flags]) => flags)
      expect(shown.sort(), name).toEqual([...options.map(({ flags }) => flags), '-h, --help'].sort())
      for (const example of examples) expect(out, name).toContain(`  ${example}\n`)
    }
  })

  test.each(['bash', 'zsh', 'fish'])('completes in %s every command and every option', async shell => {
    const { out } = await run('completion', shell)
    for (const { name, options = [] } of commands) {
      expect(out).toContain(name)
      const flags = options.flatMap(option => option.flags.match(/--[a-z-]+/g) ?? [])
      const line = out.split('\n').filter(each => each.includes(`${name})`) || each.includes(`from ${name}'`))
      for (const flag of flags)
        expect(line.join('\n'), `${name} ${flag}`).toContain(shell === 'fish' ? `-l ${flag.slice(2)}` : flag)
    }
  })

  test('answers what it does not understand with exit 64 and a suggestion', async () => {
    expect(await run('statsu')).toMatchObject({ code: 64, err: expect.stringContaining('Did you mean status?') })
    expect(await run('status', '--jsn')).toMatchObject({ code: 64, err: expect.stringContaining('--json') })
    expect(await run('drain')).toMatchObject({
      code: 64,
      err: expect.stringMatching(/'server'\nusage: lvskeeper drain \[options\] <server>\nlike: +lvskeeper drain web\//),
    })
    expect(await run('force', 'web/10.9.0.21', 'sideways')).toMatchObject({ code: 64 })
    expect(await run('weight', 'web/10.9.0.21', 'much')).toMatchObject({ code: 64 })
    expect(await run('maintenance', 'perhaps')).toMatchObject({ code: 64 })
    expect(await run('completion', 'tcsh')).toMatchObject({ code: 64 })
    expect(await run('import', 'haproxy', pair)).toMatchObject({ code: 64 })
    expect(await run('realserver', 'perhaps')).toMatchObject({ code: 64 })
  })

  test('checks a file: 0 and what it holds, or 78 and every error with its place', async () => {
    expect(await run('check', pair)).toMatchObject({
      code: 0,
      out: `${pair}: valid (1 virtual router, 1 virtual server, 2 real servers; 0 warnings)\n`,
    })
    const wrong = join(folder, 'wrong.yaml')
    writeFileSync(wrong, 'directors: { d1: { address: 10.9.0.11 } }\nvirtual_routerz: {}\nvirtual_servers: 7\n')
    const { code, err } = await run('check', wrong)
    expect(code).toBe(78)
    expect(err).toContain(`${wrong}:2:1: unknown key "virtual_routerz" [unknown-key]`)
    expect(err).toContain('did you mean "virtual_routers"?')
    expect(err).toContain(`${wrong}:3:18`)
    expect(err).toContain(`${wrong}: 2 errors, 0 warnings\n`)
    const json = await run('check', wrong, '--json')
    expect(json.code).toBe(78)
    expect(JSON.parse(json.out)).toMatchObject({ valid: false, errors: [{ code: 'unknown-key', line: 2, col: 1 }, {}] })
    expect(await run('check', join(folder, 'nothing.yaml'))).toMatchObject({
      code: 78,
      err: expect.stringContaining('nothing.yaml: no such file'),
    })
  })

  test('starts, and checks as this machine, only on a machine that is a director of the file', async () => {
    for (const command of [
      ['run', '-c', pair],
      ['check', '--host', pair],
    ])
      expect(await run(...command), command[0]).toMatchObject({
        code: process.getuid?.() === 0 || command[0] === 'check' ? 78 : 77,
        err: process.getuid?.() === 0 ? expect.stringContaining('[node-not-found]') : expect.any(String),
      })
  })

  test('says that no director runs: exit 69, as JSON too, and critical for Nagios', async () => {
    const nowhere = ['--run-dir', folder]
    for (const command of [['status'], ['events'], ['explain', 'web'], ['reload'], ['restart'], ['drain', '10.9.0.21']])
      expect(await run(...command, ...nowhere), command[0]).toMatchObject({
        code: 69,
        err: expect.stringMatching(
          /^lvskeeper does not run on this machine .*\n {2}why: journalctl .* start it: systemctl/,
        ),
      })
    const json = await run('status', '--json', ...nowhere)
    expect(JSON.parse(json.out)).toMatchObject({ error: { code: 'not-running' } })
    expect(await run('status', '--nagios', ...nowhere)).toMatchObject({
      code: 2,
      out: expect.stringMatching(/^LVSKEEPER CRITICAL - lvskeeper does not run/),
    })
  })

  test('bundles what there is, every file of the configuration without its secrets', async () => {
    const conf = join(folder, 'bundled.yaml')
    writeFileSync(
      conf,
      `include: bundled-*.yaml
directors: { d1: { address: 10.9.0.11 }, d2: { address: 10.9.0.12 } }
virtual_routers:
  web: { vrid: 51, interface: eth0, version: 2, advert_interval: 1s, authentication: { type: pass, pass: hunter2 }, vips: [10.9.0.100/32] }
`,
    )
    writeFileSync(join(folder, 'bundled-db.yaml'), 'checks: { db: { mysql: { user: probe, password: hunter3 } } }\n')
    const archive = join(folder, 'bundle.tar.gz')
    vi.stubEnv('LVSKEEPER_CONFIG', conf)
    expect(await run('bundle', '-o', archive, '--run-dir', folder)).toMatchObject({ code: 0 })
    expect(await run('bundle', '-o', join(folder, 'nowhere/x.tar.gz'), '--run-dir', folder)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^bundle: .*No such file or directory/),
    })
    const json = await run('bundle', '-o', archive, '--run-dir', folder, '--json')
    expect(JSON.parse(json.out)).toEqual({ output: archive })
    vi.unstubAllEnvs()
    const all = execFileSync('tar', ['-xzOf', archive], { encoding: 'utf8' })
    expect(all).toContain('authentication: { type: pass, pass: "***" }')
    expect(all).toContain('mysql: { user: probe, password: "***" }')
    expect(all).not.toMatch(/hunter/)
  })

  test('bundles the file that runs, whatever it is called; or the one that is named', async () => {
    const conf = join(folder, 'other.yaml')
    writeFileSync(conf, 'directors: { d1: { address: 10.9.0.11 } }\n# the other one\n')
    const here = createServer((_, answer) =>
      answer.setHeader('content-type', 'application/json').end(JSON.stringify({ node: 'd1', config: { file: conf } })),
    )
    const runs = mkdtempSync(join(folder, 'runs-'))
    await new Promise<void>(listening => here.listen(join(runs, 'status.sock'), listening))
    const archive = join(folder, 'running.tar.gz')
    const read = (file: string) => execFileSync('tar', ['-xzOf', archive, `./${file}`], { encoding: 'utf8' })
    try {
      await run('bundle', '-o', archive, '--run-dir', runs)
      expect(read('config-0-other.yaml')).toContain('# the other one')
      await run('bundle', '-o', archive, '--run-dir', runs, '-c', pair)
      expect(read('config-0-dr-pair.yaml')).toContain('real_servers')
    } finally {
      here.close()
    }
  })

  test('writes a first file that check finds valid, and leaves one that exists alone', async () => {
    const first = join(mkdtempSync(join(folder, 'init-')), 'first.yaml')
    const words = [
      '--directors',
      'd1=10.9.0.11,d2=fd00:9::12',
      '--vip',
      '10.9.0.100',
      '--servers',
      '10.9.0.21,10.9.0.22',
    ]
    const written = await run('init', ...words, '-o', first)
    expect(written).toMatchObject({ code: 0, out: '' })
    expect(written.err).toContain(`lvskeeper check --host ${first}`)
    expect(await run('check', first)).toMatchObject({
      code: 0,
      out: expect.stringContaining('valid (1 virtual router, 1 virtual server, 2 real servers; 0 warnings)'),
    })
    expect(await run('init', ...words, '-o', first)).toMatchObject({ code: 1, err: expect.stringContaining(first) })
    const printed = await run('init', ...words)
    expect(printed.out).toBe(readFileSync(first, 'utf8'))
    expect(JSON.parse((await run('init', ...words, '--json')).out)).toEqual({ yaml: printed.out })
    // Nothing is written that the director would refuse.
    const bad = await run('init', '--directors', 'd1=10.9.0.11', '--vip', '10.9.0.300', '-o', join(folder, 'bad.yaml'))
    expect(bad).toMatchObject({ code: 78, err: expect.stringContaining('10.9.0.300') })
    expect(() => readFileSync(join(folder, 'bad.yaml'))).toThrow('ENOENT')
    expect((await run('init', '--vip', '10.9.0.100')).code).toBe(64)
    expect((await run('init', '--directors', 'd1=fd00::1', '--vip', 'fd00::100', '--servers', 'fd00::21')).code).toBe(0)
  })

  test('imports keepalived.conf to a file, and leaves one that exists alone', async () => {
    const old = join(folder, 'keepalived.conf')
    writeFileSync(
      old,
      'vrrp_instance web {\n interface eth0\n virtual_router_id 51\n priority 150\n virtual_ipaddress {\n 10.9.0.100/32\n }\n}\n',
    )
    const fresh = join(folder, 'fresh.yaml')
    const first = await run('import', 'keepalived', old, '-o', fresh, '--nodes', 'd1', '--addresses', '10.9.0.11')
    expect(first.err).toContain(`written to ${fresh}`)
    expect(readFileSync(fresh, 'utf8')).toContain('vrid: 51')
    expect(readFileSync(fresh, 'utf8')).toContain('10.9.0.11')
    const again = await run('import', 'keepalived', old, '-o', fresh)
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('fresh.yaml: it exists already') })
    writeFileSync(join(folder, 'noise'), 'neither fish nor flesh\n')
    expect(await run('import', 'keepalived', join(folder, 'noise'))).toMatchObject({ code: 1, out: '' })
  })

  test('imports the rules of ipvsadm -Sn and an ldirectord.cf, one file each', async () => {
    const rules = join(folder, 'rules')
    writeFileSync(rules, '-A -t 10.9.0.100:80 -s wrr\n-a -t 10.9.0.100:80 -r 10.9.0.21:80 -g -w 2\n')
    const first = await run('import', 'ipvsadm', rules)
    expect(first.code).not.toBe(1)
    expect(first.out).toContain('10.9.0.21')
    const old = join(folder, 'ldirectord.cf')
    writeFileSync(old, 'virtual=10.9.0.100:80\n\treal=10.9.0.21:80 gate 2\n\tscheduler=wrr\n\tprotocol=tcp\n')
    const second = await run('import', 'ldirectord', old)
    expect(second.code).not.toBe(1)
    expect(second.out).toContain('10.9.0.21')
    expect(await run('import', 'ipvsadm', rules, rules)).toMatchObject({
      code: 64,
      err: 'import: ipvsadm takes one file\n',
    })
  })

  test('prepares a real server from the file or from --vip, the silence before the address', async () => {
    for (const words of [
      ['--vip', '10.9.0.100'],
      ['-c', pair, '--address', '10.9.0.21'],
    ]) {
      const { code, out } = await run('realserver', 'prepare', ...words)
      expect(code).toBe(0)
      expect(out.indexOf('arp_ignore=1')).toBeGreaterThan(0)
      expect(out.indexOf('10.9.0.100/32 dev lo')).toBeGreaterThan(out.indexOf('arp_announce=2'))
    }
    expect(await run('realserver', 'prepare', '--vip', '10.9.0.300')).toMatchObject({ code: 64 })
    expect(await run('realserver', 'prepare', '--vip', '10.9.0.100', '--mode', 'nat')).toMatchObject({ code: 64 })
    expect(await run('realserver', 'prepare', '-c', pair, '--address', '10.9.0.77')).toMatchObject({ code: 1 })
  })

  test('completes in bash: commands, then the options of the one that is typed', async () => {
    const { out } = await run('completion', 'bash')
    const ask = (words: string, at: number) =>
      execFileSync(
        'bash',
        ['-c', `${out}\nCOMP_WORDS=(${words}) COMP_CWORD=${at}; _lvskeeper; echo "\${COMPREPLY[@]}"`],
        {
          encoding: 'utf8',
        },
      ).trim()
    expect(ask('lvskeeper rel', 1)).toBe('reload')
    expect(ask('lvskeeper re', 1).split(' ')).toEqual(['reload', 'ready', 'restart', 'realserver'])
    expect(ask('lvskeeper reload --c', 2)).toBe('--confirm')
    expect(ask('lvskeeper drain --', 2)).toContain('--reason')
  })

  test('prints a JSON Schema that names the parts of the file', async () => {
    const { out } = await run('schema')
    expect(Object.keys((JSON.parse(out) as { properties: object }).properties)).toEqual(
      expect.arrayContaining(['directors', 'virtual_routers', 'virtual_servers', 'alerts']),
    )
  })
})

describe('a pipe that closes', () => {
  let server: Server
  const socket = join(folder, 'status.sock')
  const bundle = join(folder, 'bin')
  beforeAll(async () => {
    // The program as it is in this checkout, whatever was compiled before.
    await build({
      entryPoints: [join(root, 'src/main.ts')],
      outdir: bundle,
      bundle: true,
      splitting: true,
      format: 'esm',
      outExtension: { '.js': '.mjs' },
      platform: 'node',
      external: ['koffi', 'netlink', 'raw-socket'],
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    })
    // More than a pipe holds.
    const event = { seq: 1, at: 0, name: 'server.down', level: 'info', subject: 'x', text: 'y'.repeat(500) }
    server = createServer((_, answer) => answer.end(JSON.stringify(Array.from({ length: 5_000 }, () => event))))
    await new Promise<void>(ready => server.listen(socket, ready))
  })
  afterAll(() => server.close())

  test('ends the command quietly', async () => {
    const script = `set -o pipefail; node ${bundle}/main.mjs events --run-dir ${folder} | head -n 1 | cut -c1-4`
    const child = spawn('bash', ['-c', script])
    let [out, err] = ['', '']
    child.stdout.on('data', part => {
      out += part
    })
    child.stderr.on('data', part => {
      err += part
    })
    const code = await new Promise(resolve => child.once('close', resolve))
    expect({ code, out, err }).toEqual({ code: 0, out: '1970\n', err: '' })
  })
})
