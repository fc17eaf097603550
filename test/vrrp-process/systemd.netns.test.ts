import { type ChildProcess, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { stop, until } from '../lab/harness.js'
import { figure } from './figures.js'
import { createPair, now, type Pair, sleep } from './pair.js'
import { program } from './program.js'

const manager = '/usr/lib/systemd/systemd'
const here = spawnSync(manager, ['--version']).status === 0

/** The patience of the other directors after the last advert before a restart. */
const PATIENCE = 3_000

/**
 * A service manager of the test's own (systemd --user), in namespaces of its own, with the shipped unit for d1: less the sandbox and with
 * the paths of the test.
 */
async function createManager(pair: Pair) {
  const home = join(pair.home, 'systemd')
  const units = join(home, '.config/systemd/user')
  mkdirSync(units, { recursive: true })
  const config = join(pair.home, 'lvskeeper.yaml')
  const node = `${process.execPath} ${await program()}`
  const kept =
    /^(\[Service\]|(Type|NotifyAccess|Exec\w+|Restart\w*|SuccessExitStatus|WatchdogSec|TimeoutStopSec|KillMode)=.*)$/
  const unit = readFileSync('deploy/systemd/lvskeeper.service', 'utf8')
    .split('\n')
    .filter(line => kept.test(line))
    .join('\n')
    .replaceAll(
      '/usr/bin/lvskeeper run',
      `${node} run -c ${config} --node d1 --run-dir ${pair.d1.run} --state-dir ${home}/state`,
    )
    .replaceAll('/usr/bin/lvskeeper check', `${node} check --node d1`)
    .replaceAll('/etc/lvskeeper/lvskeeper.yaml', config)
    .replaceAll('systemctl ', 'systemctl --user ')
  writeFileSync(join(units, 'lvskeeper.service'), `${unit}\n`)
  const script = `
    umount -R /sys/fs/cgroup 2>/dev/null
    mount -t cgroup2 none /sys/fs/cgroup || exit 1
    mkdir -p /sys/fs/cgroup/${pair.topology.ns('d1')} && echo $$ > /sys/fs/cgroup/${pair.topology.ns('d1')}/cgroup.procs || exit 1
    mount -t tmpfs none /run && mkdir -p /run/systemd/system /run/user && chmod 700 /run/user
    export HOME=${home} XDG_RUNTIME_DIR=/run/user SYSTEMD_LOG_TARGET=console
    ${manager} --user > ${home}/log 2>&1 < /dev/null &
    while ! systemctl --user is-system-running > /dev/null 2>&1; do sleep 0.1; done
    echo ready
    while read -r command; do systemctl --user $command lvskeeper.service; echo "done $?"; done`
  const argv = ['unshare', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c', script]
  const child: ChildProcess = pair.topology.spawnIn('d1', argv)
  const answers: string[] = []
  createInterface({ input: child.stdout! }).on('line', line => answers.push(line))
  await until('the service manager is up', () => answers.shift() === 'ready', 20_000)
  return {
    async systemctl(command: string) {
      child.stdin!.write(`${command}\n`)
      await until(`systemctl ${command}`, () => answers.length > 0, 30_000)
      expect(answers.shift()).toBe('done 0')
    },
    log: () => readFileSync(join(home, 'log'), 'utf8'),
    async end() {
      await stop(child, 'SIGKILL')
      const sweep = `mount -t cgroup2 none /sys/fs/cgroup && find /sys/fs/cgroup/${pair.topology.ns('d1')} -depth -type d -exec rmdir {} +`
      await until(
        'its cgroups are gone',
        () => spawnSync('unshare', ['--mount', 'sh', '-c', sweep]).status === 0,
        5_000,
        100,
      )
    },
  }
}

describe.skipIf(!here)('under systemd', () => {
  let pair: Pair
  let systemd: Awaited<ReturnType<typeof createManager>>
  beforeAll(async () => {
    pair = await createPair()
    systemd = await createManager(pair)
    await systemd.systemctl('start')
    await until('d1 is master', async () => (await pair.d1.state()) === 'master', 20_000)
    pair.d2.start()
    await until('d2 is backup', async () => (await pair.d2.state()) === 'backup', 20_000)
    await pair.d2.whole()
    await sleep(1_500)
  }, 90_000)
  afterAll(async () => {
    await systemd?.end()
    await pair?.down()
  })

  test('a restart keeps the VIP and moves nothing; a stop hands it over', async () => {
    const { d1, d2, wire } = pair
    onTestFailed(() => console.log(systemd.log().slice(-6_000), pair.story()))
    const before = now()
    await systemd.systemctl('restart')
    await until('d1 is master again', async () => (await d1.state()) === 'master', 20_000)
    await sleep(1_000)
    const gap = wire.gaps(before)[0]!.ms
    figure('systemctl restart: longest time between two adverts', [gap])
    expect(gap).toBeLessThan(PATIENCE)
    expect(d1.changes.filter(({ at, has }) => at > before && !has)).toEqual([])
    expect(wire.adverts(d2.address).filter(({ at }) => at > before)).toEqual([])
    expect(wire.adverts(d1.address).filter(({ at, priority }) => at > before && priority === 0)).toEqual([])
    expect((await d1.router())?.cause).toBe('resumed')

    const stopped = now()
    await systemd.systemctl('stop')
    await until('d2 has the VIP alone', () => d2.has() && !d1.has())
    expect(wire.adverts(d1.address).some(({ at, priority }) => at > stopped && priority === 0)).toBe(true)
  }, 90_000)
})
