import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { segment, sleep } from '../linux/namespaces.js'

const root = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-deb-'))
const system = join(folder, 'system')
const program = join(system, 'usr/bin/lvskeeper')
let contents = ''

beforeAll(() => {
  if (!existsSync(join(root, 'dist/bin/lvskeeper.js'))) execFileSync('npm', ['run', 'build'], { cwd: root })
  const made = execFileSync(join(root, 'deploy/deb/build'), [folder], { encoding: 'utf8' }).trim()
  contents = execFileSync('dpkg-deb', ['-c', made], { encoding: 'utf8' })
  execFileSync('dpkg', ['-x', made, system])
  execFileSync('dpkg', ['-e', made, join(folder, 'control')])
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the Debian package', () => {
  test('carries the program, its unit, manual, completions, schema and examples', () => {
    for (const path of [
      './usr/bin/lvskeeper',
      './usr/lib/lvskeeper/bin/lvskeeper.js',
      './usr/lib/systemd/system/lvskeeper.service',
      './usr/lib/modules-load.d/lvskeeper.conf',
      './usr/share/man/man8/lvskeeper.8.gz',
      './usr/share/bash-completion/completions/lvskeeper',
      './usr/share/lvskeeper/lvskeeper.schema.json',
      './usr/share/doc/lvskeeper/examples/dr-pair.yaml',
      './etc/lvskeeper/',
    ])
      expect(contents).toContain(` ${path}`)
  })

  test('carries three packages with native parts, for this platform only, and no source', () => {
    const native = contents.match(/\S+\.node$/gm) ?? []
    expect(native.map(path => path.split('/').at(-1)).sort()).toEqual(['koffi.node', 'node.napi.node', 'raw.node'])
    expect(contents).not.toMatch(/\.(map|ts|cc|cpp|h)$/m)
  })

  test('belongs to root and lets nobody else write', () => {
    for (const line of contents.trim().split('\n')) {
      expect(line).toMatch(/^\S+ root\/root /)
      if (!line.startsWith('l')) expect(line.slice(8, 9), line).toBe('-')
    }
  })

  test('runs from where it was unpacked', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(execFileSync(program, ['--version'], { encoding: 'utf8' })).toBe(`${version}\n`)
    const example = join(system, 'usr/share/doc/lvskeeper/examples/dr-pair.yaml')
    expect(execFileSync(program, ['check', example], { encoding: 'utf8' })).toContain(': valid (1 virtual router')
  })

  test('runs a director: every native part loads', async () => {
    const net = segment()
    const file = join(folder, 'one.yaml')
    writeFileSync(
      file,
      'directors: { d1: { address: 10.9.0.11 } }\nvirtual_routers: { web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32] } }\n',
    )
    const run = ['--run-dir', join(folder, 'run')]
    const parent = net.a.start(program, 'run', '-c', file, ...run, '--state-dir', join(folder, 'state'))
    const ended = new Promise(resolve => parent.once('exit', resolve))
    try {
      const status = () => spawnSync(program, ['status', '--json', ...run], { encoding: 'utf8' }).stdout
      const end = performance.now() + 20_000
      while (!status().includes('"state":"master"') && performance.now() < end) await sleep(100)
      expect(net.a.run('ip', 'address', 'show', 'dev', 'eth0')).toContain('10.9.0.100/32')
    } finally {
      parent.kill('SIGTERM')
      await ended
      net.remove()
    }
  }, 60_000)

  test('starts and stops nothing when it is installed or upgraded', () => {
    for (const script of ['postinst', 'prerm', 'postrm']) {
      const path = join(folder, 'control', script)
      execFileSync('sh', ['-n', path])
      const text = readFileSync(path, 'utf8')
      expect(text, script).not.toMatch(/systemctl (--\S+ )*(start|restart|reload-or-restart|try-restart|stop)\b/)
    }
    // Only removal ends it: dpkg says `remove` then, and `upgrade VERSION` before a new version.
    const prerm = readFileSync(join(folder, 'control/prerm'), 'utf8')
    expect(prerm.match(/systemctl disable --now/g)).toHaveLength(1)
    expect(prerm).toMatch(/if \[ "\$1" = remove \].*\n.*systemctl disable --now/)
  })

  test.each([
    ['remove', '0 1'],
    ['upgrade', '1 1'],
  ])('at %s: of two kernel settings that it had changed, one of which somebody has changed since', (action, after) => {
    const net = segment()
    const record = JSON.stringify([
      { name: 'net.ipv4.ip_forward', previous: '0', value: '1' },
      { name: 'net.ipv4.conf.all.send_redirects', previous: '0', value: '2' },
    ])
    // A /run of its own, without systemd's folder.
    const script = [
      'mount -t tmpfs none /run && mkdir /run/lvskeeper',
      `echo '${record}' > /run/lvskeeper/sysctls-ipvs.json`,
      'sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=1',
      `sh ${join(folder, 'control/prerm')} ${action}`,
      'echo $(sysctl -n net.ipv4.ip_forward net.ipv4.conf.all.send_redirects)',
    ].join(' && ')
    try {
      expect(net.a.run('unshare', '-m', 'sh', '-c', script).trim()).toBe(after)
    } finally {
      net.remove()
    }
  })

  test('depends on the Node that raw-socket was compiled for', () => {
    const major = Number(process.versions.node.split('.')[0])
    const control = readFileSync(join(folder, 'control/control'), 'utf8')
    expect(control).toMatch(/^Depends: nodejs \(>= \d+(\.\d+)?\), nodejs \(<< \d+~\)/m)
    expect(control).toContain(`nodejs (<< ${major + 1}~)`)
  })

  test('has a unit that systemd understands', context => {
    if (spawnSync('systemd-analyze', ['--version']).error) return context.skip('systemd-analyze is not here')
    const unit = join(folder, 'lvskeeper.service')
    const text = readFileSync(join(system, 'usr/lib/systemd/system/lvskeeper.service'), 'utf8')
    // The program is not installed here: everything else is verified.
    writeFileSync(unit, text.replaceAll('/usr/bin/lvskeeper', program).replace(/^Documentation=.*\n/m, ''))
    const { stderr, status } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' })
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  })
})
