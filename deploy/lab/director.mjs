// lvskeeper on the directors of the lab's topology: started, asked, crashed. For the demo, the benchmarks and the tests.
import { execFile, execFileSync, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const here = import.meta.dirname
const program = resolve(here, '../../dist/bin/lvskeeper.js')
const topologyScript = join(here, 'topology')

export const sleep = ms => new Promise(wake => setTimeout(wake, ms))

/** Waits until `done` answers something true; answers that and the ms it took. Throws after `limit` ms, naming `what`. */
export async function until(what, done, limit = 15_000, pause = 2) {
  const start = performance.now()
  for (;;) {
    const value = await done()
    if (value) return { value, ms: performance.now() - start }
    if (performance.now() - start > limit) throw new Error(`${what}: not within ${limit} ms`)
    await sleep(pause)
  }
}

const spareOf = { vrrp: 'spare', checkers: 'spareCheckers' }

/** One topology: `lab('lk').up('--mode', 'dr')`. */
export function lab(prefix) {
  const env = { ...process.env, LVSKEEPER_LAB_PREFIX: prefix }
  const ns = name => `${prefix}-${name}`
  // Its stderr is only of interest when it fails; what it starts in the background must not hold our pipes open.
  const topology = (...args) => execFileSync(topologyScript, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  return {
    prefix,
    ns,
    topology,
    up: (...args) => topology('up', ...args),
    down: () => topology('down'),
    exec: async (name, ...argv) =>
      (await execute('ip', ['netns', 'exec', ns(name), ...argv], { maxBuffer: 64 << 20 })).stdout,
    spawn: (name, argv, options = {}) => spawn('ip', ['netns', 'exec', ns(name), ...argv], options),
    /** Pulls the cable at the switch; resolves when it is out. */
    cut: name =>
      execute('ip', ['-n', ns('sw'), '-batch', batch(['', '-inner'].map(tail => `link set ${name}${tail} down`))]),
    heal: name =>
      execute('ip', ['-n', ns('sw'), '-batch', batch(['', '-inner'].map(tail => `link set ${name}${tail} up`))]),
  }
  function batch(lines) {
    const file = join('/run/lvskeeper-lab', prefix, 'batch')
    const ports = execFileSync('ip', ['-n', ns('sw'), '-o', 'link'], { encoding: 'utf8' })
    writeFileSync(file, `${lines.filter(line => ports.includes(` ${line.split(' ')[2]}@`)).join('\n')}\n`)
    return file
  }
}

/** One director of it. `home` keeps its files; `config` is copied there, so that each test may edit its own. */
export function director(net, name, { config, home = join('/tmp', `${net.prefix}-lvskeeper`), args = [] } = {}) {
  const own = join(home, name)
  const file = join(home, 'lvskeeper.yaml')
  const run = join(own, 'run')
  const logFile = join(own, 'log')
  mkdirSync(own, { recursive: true })
  if (config) copyFileSync(config, file)
  const key = '/run/lvskeeper-lab/peer.key'
  if (!existsSync(key)) writeFileSync(key, 'a key for the lab only, not a secret\n', { mode: 0o600 })
  const node = [process.execPath, ...(process.env.LVSKEEPER_NODE_ARGS?.split(' ').filter(Boolean) ?? []), program]
  let parent

  return {
    name,
    file,
    run,
    logFile,
    /** Starts it; resolves at once (see `up`). */
    start({ nice = 0 } = {}) {
      const log = openSync(logFile, 'a')
      const argv = [
        ...node,
        'run',
        '-c',
        file,
        '--node',
        name,
        '--run-dir',
        run,
        '--state-dir',
        join(own, 'state'),
        ...args,
      ]
      parent = net.spawn(name, nice === 0 ? argv : ['nice', '-n', String(nice), ...argv], {
        cwd: dirname(file),
        detached: true,
        stdio: ['ignore', log, log],
      })
      parent.unref()
      return parent
    },
    /** What its status socket answers; undefined while it does not. A process for the question would cost the lab a second. */
    get(path) {
      return new Promise(resolve => {
        const outgoing = request(
          { socketPath: join(run, 'status.sock'), path, headers: { host: 'lvskeeper' } },
          async response => {
            try {
              const text = Buffer.concat(await response.toArray()).toString()
              resolve(response.statusCode === 200 ? JSON.parse(text) : undefined)
            } catch {
              resolve(undefined)
            }
          },
        )
        outgoing.on('error', () => resolve(undefined))
        outgoing.end()
      })
    },
    /** The status object; undefined while it does not answer. */
    status() {
      return this.get('/v1/status')
    },
    /** Runs a command of the program against this director. Rejects with its standard error. */
    async cli(command, ...more) {
      const [program, ...first] = node
      const ask = ['check', 'table', 'plan'].includes(command)
        ? ['ip', 'netns', 'exec', net.ns(name), program]
        : [program]
      const tail = ['table', 'check', 'schema'].includes(command) ? [] : ['--run-dir', run]
      const argv = [...ask, ...first, command, ...more, ...tail]
      return (await execute(argv[0], argv.slice(1), { cwd: dirname(file), maxBuffer: 64 << 20 })).stdout
    },
    /** Changes something through the control socket, as the command line does, without starting a process for it. */
    ask(path, body) {
      return new Promise((resolve, reject) => {
        const text = JSON.stringify(body)
        const outgoing = request(
          {
            socketPath: join(run, 'control.sock'),
            method: 'POST',
            path,
            headers: { host: 'lvskeeper', 'content-type': 'application/json' },
          },
          response => {
            let answer = ''
            response.on('data', part => {
              answer += part
            })
            response.on('end', () => {
              const value = JSON.parse(answer)
              if (response.statusCode === 200) resolve(value.text)
              else reject(new Error(value.error?.text ?? answer))
            })
          },
        )
        outgoing.on('error', reject)
        outgoing.end(text)
      })
    },
    /** Resolves when the process answers on its socket and its table is complete. */
    up: limit => until(`${name} is up`, () => existsSync(join(run, 'status.sock')), limit, 20),
    pid: () => Number(readFileSync(join(run, 'lvskeeper.pid'), 'utf8')),
    /** Pids of its processes: { parent, vrrp, spare, checkers, spareCheckers, control }. */
    pids() {
      const pid = this.pid()
      const found = { parent: pid }
      for (const child of children(pid)) {
        const env = environment(child)
        const role = env.find(line => line.startsWith('LVSKEEPER_ROLE='))?.slice(15)
        if (!role) continue
        found[env.includes('LVSKEEPER_SPARE=1') && found[role] !== undefined ? spareOf[role] : role] = child
      }
      return found
    },
    /**
     * kill -9 to all of its processes in one breath, as far as one processor can: a parent that dies first leaves time for vrrp to tell
     * its peers of a restart, one that dies last would let a spare go on.
     */
    crash(pids = Object.values(this.pids())) {
      const [parent, ...others] = pids
      for (const [pid, signal] of [[parent, 'SIGSTOP'], ...[...others, parent].map(pid => [pid, 'SIGKILL'])]) {
        try {
          process.kill(pid, signal)
        } catch (error) {
          if (error.code !== 'ESRCH') throw error
        }
      }
    },
    async stop() {
      const pid = this.pid()
      process.kill(pid, 'SIGTERM')
      await until(
        `${name} ended`,
        () =>
          !existsSync(`/proc/${pid}/cmdline`) || readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] === 'Z',
        15_000,
        5,
      )
    },
    /** The kernel's table as it is now: [[service, [real servers]]]. One read of /proc, no process is started. */
    table: () => parseTable(readFileSync(`/proc/${anyPid(net, name)}/net/ip_vs`, 'utf8')),
    /** Whether its kernel holds the address on any interface. */
    holds: address => localAddress(anyPid(net, name), address),
    log: () => readFileSync(logFile, 'utf8'),
  }
}

/** Any process in the namespace opens the view on its /proc/net. One of our own is kept there for it. */
const keepers = new Map()
function anyPid(net, name) {
  const key = net.ns(name)
  if (!keepers.has(key)) {
    const keeper = spawn('ip', ['netns', 'exec', key, 'sleep', '100000'], { stdio: 'ignore' })
    keeper.unref()
    keepers.set(key, keeper.pid)
    // exec of ip keeps the pid; wait until it is inside.
    const inside = () =>
      execFileSync('ip', ['netns', 'identify', String(keeper.pid)], { encoding: 'utf8' }).trim() === key
    for (let tries = 0; tries < 200 && !inside(); tries++);
  }
  return keepers.get(key)
}

/** Ends what `table` and `holds` needed. */
export function endKeepers() {
  for (const pid of keepers.values()) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It went with its namespace.
    }
  }
  keepers.clear()
}

/** One that ended meanwhile has none. */
function environment(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}

function children(pid) {
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .filter(entry => {
      try {
        return readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(pid)
      } catch {
        return false
      }
    })
    .map(Number)
    .sort((a, b) => a - b)
}

/** Lines of /proc/net/ip_vs: addresses in hexadecimal for IPv4, in brackets for IPv6. */
function parseTable(text) {
  const services = []
  for (const line of text.split('\n').slice(3)) {
    const words = line.trim().split(/\s+/)
    if (words[0] === '->')
      services.at(-1)?.[1].push({
        address: endpoint(words[1]),
        forward: words[2],
        weight: Number(words[3]),
        active: Number(words[4]),
        inactive: Number(words[5]),
      })
    else if (words.length > 1) services.push([`${words[0]} ${endpoint(words[1])} ${words[2]}`, []])
  }
  return services
}

function endpoint(text) {
  const [, hex, port] = /^([0-9A-F]{8}):([0-9A-F]{4})$/.exec(text) ?? []
  if (!hex) return text
  return `${hex
    .match(/../g)
    .map(byte => Number.parseInt(byte, 16))
    .join('.')}:${Number.parseInt(port, 16)}`
}

/** The kernel lists its routes page by page while they change: an address counts as gone when three reads agree. */
function localAddress(pid, address) {
  const wanted = new RegExp(`\\|-- ${address.replaceAll('.', '\\.')}\\n\\s+/32 host LOCAL`)
  return [1, 2, 3].some(() => wanted.test(readFileSync(`/proc/${pid}/net/fib_trie`, 'utf8')))
}
