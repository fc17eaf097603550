// Records docs/session.md anew: a person's session on two directors of the lab, every answer as it came.
//   deploy/lab/lab run --out /tmp/session -- node deploy/lab/session.mjs /tmp/session/session.md
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { lab, sleep, until } from './director.mjs'

const program = resolve(import.meta.dirname, '../../dist/bin/lvskeeper.js')
const file = '/etc/lvskeeper/lvskeeper.yaml'
const prose = readFileSync(join(import.meta.dirname, 'session.md.in'), 'utf8')
const net = lab('session')
const written = []

const environment = name => ({
  ...process.env,
  LVSKEEPER_NODE: name,
  LVSKEEPER_RUN_DIR: `/run/session-${name}`,
  LVSKEEPER_STATE_DIR: `/tmp/session-${name}`,
})

/** A command as it is typed on a director, and what it printed, on both outputs. */
function type(name, line) {
  const { stdout, status } = spawnSync('ip', ['netns', 'exec', net.ns(name), 'sh', '-c', `exec 2>&1; ${line}`], {
    env: { ...environment(name), PATH: `/tmp/session-bin:${process.env.PATH}` },
    encoding: 'utf8',
    timeout: 60_000,
  })
  const answer = stdout
    .split('\n')
    .map(each => each.trimEnd())
    .join('\n')
    .trimEnd()
  return ['```', `${name}# ${line}`, answer, ...(status === 0 ? [] : [`# exit code ${status}`]), '```'].join('\n')
}

const status = name =>
  JSON.parse(
    execFileSync('/tmp/session-bin/lvskeeper', ['status', '--json'], { env: environment(name), encoding: 'utf8' }),
  )
const started = name => {
  net
    .spawn(name, [process.execPath, program, 'run'], { env: environment(name), detached: true, stdio: 'ignore' })
    .unref()
}
const server = (name, address) => status(name).services[0].realServers.find(each => each.address === address)

/** What happens between the commands: lines of the template that begin with `!`. */
const acts = {
  write: part => {
    mkdirSync('/etc/lvskeeper', { recursive: true })
    writeFileSync('/etc/lvskeeper/peer.key', 'a key for the lab only, not a secret\n', { mode: 0o600 })
    writeFileSync(file, part)
  },
  replace: (from, to) => writeFileSync(file, readFileSync(file, 'utf8').replace(from, to)),
  start: async () => {
    for (const name of ['d1', 'd2']) started(name)
    await until(
      'd1 is master',
      () => {
        try {
          return status('d1').routers[0]?.state === 'master' && status('d2').notices.length === 0
        } catch {
          return false
        }
      },
      60_000,
      500,
    )
    await sleep(2_000)
  },
  'kill-web': async () => {
    net.topology('nginx', 'kill', 'rs1')
    await until('it is seen', () => server('d1', '10.9.0.21').state === 'down', 30_000, 200)
    await sleep(5_000)
  },
  'start-web': async () => {
    net.topology('nginx', 'start', 'rs1')
    await until('it is back', () => server('d1', '10.9.0.21').state === 'up', 30_000, 200)
  },
  sleep: seconds => sleep(Number(seconds) * 1_000),
  clients: () => {
    const answers = Array.from({ length: 4 }, () =>
      execFileSync('ip', ['netns', 'exec', net.ns('cl'), 'curl', '-s', 'http://10.9.0.100/'], {
        encoding: 'utf8',
      }).trim(),
    )
    written.push(
      `Four clients ask \`http://10.9.0.100/\`; the answers come from ${answers.map(each => `\`${each}\``).join(', ')}.\n`,
    )
  },
}

mkdirSync('/tmp/session-bin', { recursive: true })
writeFileSync('/tmp/session-bin/lvskeeper', `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`, { mode: 0o755 })
net.up('--mode', 'dr')
try {
  let yaml = ''
  for (const part of prose.split(/\n(?=[$!] )|(?<=\n[$!] [^\n]*)\n/)) {
    const [, sign, rest = ''] = /^([$!]) ([^\n]*)$/.exec(part) ?? []
    const block = /```yaml\n([\s\S]*?)```/.exec(part)
    if (block) yaml = block[1]
    if (sign === '$') written.push(type(rest.slice(0, 2), rest.slice(4)))
    else if (sign === '!') {
      const [act, ...words] = rest.split(' ')
      await acts[act](...(act === 'write' ? [yaml] : act === 'replace' ? words.join(' ').split(' => ') : words))
    } else written.push(part)
  }
  writeFileSync(
    process.argv[2] ?? 'session.md',
    `${written
      .join('\n')
      .replaceAll(/\n{3,}/g, '\n\n')
      .trimEnd()}\n`,
  )
} finally {
  net.down()
}
