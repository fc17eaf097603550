// Two programs that can be a pair of directors in the lab, one at a time on the same network, asked the same questions.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { director, sleep, until } from '../lab/director.mjs'

export const vip = '10.9.0.100'
const labFolder = join(import.meta.dirname, '../lab')

/** lvskeeper on d1 and d2, from the lab's file of a pair (`mode`: dr or nat) with another interval; `edit` may change that text. */
export function lvskeeper(net, { interval = 100, mode = 'dr', edit = text => text } = {}) {
  const home = `/tmp/${net.prefix}-bench`
  mkdirSync(home, { recursive: true })
  const config = join(home, 'source.yaml')
  writeFileSync(
    config,
    edit(
      readFileSync(join(labFolder, `pair-${mode}.yaml`), 'utf8')
        .replace('advert_interval: 100ms', `advert_interval: ${interval}ms`)
        .replace(/alerts:[\s\S]*/, ''),
    ),
  )
  const directors = { d1: director(net, 'd1', { config, home }), d2: director(net, 'd2', { home }) }
  const all = Object.values(directors)
  return {
    name: 'lvskeeper',
    directors,
    net,
    pids: name => Object.values(directors[name].pids()),
    startOne: (name, options) => void directors[name].start(options),
    /** Master and backup with full tables, both told of each other, and quiet: one processor serves both. */
    async start() {
      for (const one of all) one.start()
      const { d1, d2 } = directors
      await until('lvskeeper runs', () => d1.holds(vip) && !d2.holds(vip) && full(d1) && full(d2), 90_000, 50)
      await until(
        'lvskeeper is complete',
        async () => (await Promise.all(all.map(complete))).every(Boolean),
        60_000,
        500,
      )
      await sleep(3_000)
    },
    /** The same pair with another interval, by a reload: a start takes many seconds of the lab's processor. */
    async change(next) {
      const { file } = directors.d1
      writeFileSync(file, readFileSync(file, 'utf8').replace(/advert_interval: \d+ms/, `advert_interval: ${next}ms`))
      await Promise.all(all.map(one => one.ask('/v1/reload', {})))
    },
    /** Ends all that is left of it, and what it left in the kernel. */
    async end() {
      for (const name of ['d1', 'd2']) {
        try {
          directors[name].crash()
        } catch {
          // Crashed before.
        }
        await net.heal(name)
        clean(net, name)
      }
      await until('the VIP is gone', () => !all.some(one => one.holds(vip)), 10_000, 50)
    },
  }
}

/** The peer is known to the election, so that it waits no longer than it has to. */
async function complete(one) {
  const status = await one.status()
  return status?.processes.length >= 3 && status.processes.every(part => part.state === 'running')
}

const full = one => one.table()[0]?.[1].length === 2

/** keepalived on both, as `deploy/lab/keepalived-conf` configures it; `edit` may change that text. */
export function keepalived(net, { interval = 100, edit = text => text, options = [] } = {}) {
  const home = `/tmp/${net.prefix}-bench-keepalived`
  const views = { d1: director(net, 'd1', { home }), d2: director(net, 'd2', { home }) }
  const pidFiles = name => ['pid', 'vrrp.pid', 'checkers.pid'].map(file => join(home, name, file))
  const readPids = name =>
    pidFiles(name)
      .filter(existsSync)
      .map(file => Number(readFileSync(file, 'utf8')))
  const pids = name => readPids(name).filter(alive)
  function startOne(name, { nice = 0 } = {}) {
    const folder = join(home, name)
    mkdirSync(folder, { recursive: true })
    const conf = join(folder, 'keepalived.conf')
    const text = execFileSync(join(labFolder, 'keepalived-conf'), [
      name,
      '--interval',
      String(interval / 1000),
      ...options,
    ])
    writeFileSync(conf, edit(String(text)))
    const log = openSync(join(folder, 'log'), 'a')
    const [pid, vrrp, checkers] = pidFiles(name)
    const argv = ['--dont-fork', '--log-console', '--use-file', conf]
    const child = net.spawn(
      name,
      [
        ...(nice === 0 ? [] : ['nice', '-n', String(nice)]),
        'keepalived',
        ...argv,
        '--pid',
        pid,
        '--vrrp_pid',
        vrrp,
        '--checkers_pid',
        checkers,
      ],
      { detached: true, stdio: ['ignore', log, log] },
    )
    child.unref()
  }
  return {
    name: 'keepalived',
    net,
    directors: views,
    pids,
    startOne,
    async start() {
      for (const name of ['d1', 'd2']) startOne(name)
      const { d1, d2 } = views
      await until('keepalived runs', () => d1.holds(vip) && !d2.holds(vip) && full(d1) && full(d2), 60_000, 50)
      await sleep(3_000)
    },
    async change(next) {
      interval = next
      await this.end()
      await this.start()
    },
    async end() {
      for (const name of ['d1', 'd2']) {
        kill9(pids(name))
        await net.heal(name)
        clean(net, name)
        await until('keepalived is gone', () => pids(name).length === 0, 5_000, 20)
      }
    },
  }
}

/** Stops every process of the pair: it takes no processor time and is silent until it goes on. */
export function freeze(pair) {
  for (const name of ['d1', 'd2']) for (const pid of pair.pids(name)) process.kill(pid, 'SIGSTOP')
}

/** Lets it go on, its cables plugged in, and waits until it is as it was: d1 master, both tables full. */
export async function thaw(pair) {
  const { d1, d2 } = pair.directors
  await pair.net.heal('d1')
  for (const name of ['d1', 'd2']) for (const pid of pair.pids(name).reverse()) process.kill(pid, 'SIGCONT')
  await sleep(1_000)
  const normal = () => d1.holds(vip) && !d2.holds(vip) && full(d1) && full(d2)
  await until(`${pair.name} is as it was`, normal, 60_000, 50)
  await sleep(2_500)
}

/** All in one breath; one that has gone already is none the less gone. */
export function kill9(pids) {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (error.code !== 'ESRCH') throw error
    }
  }
}

function alive(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] !== 'Z'
  } catch {
    return false
  }
}

function clean(net, name) {
  for (const argv of [
    ['ip', 'address', 'del', `${vip}/32`, 'dev', 'eth0'],
    ['ipvsadm', '-C'],
  ]) {
    try {
      execFileSync('ip', ['netns', 'exec', net.ns(name), ...argv], { stdio: 'ignore' })
    } catch {
      // Not there: just as well.
    }
  }
}

/** Adverts and announcements as the switch hands them to the client, with the kernel's times (epoch ms), by director. */
export async function capture(net) {
  const argv = ['tcpdump', '-i', 'cl', '-n', '-e', '-tt', '-l', '--immediate-mode', 'ip proto 112 or arp']
  const child = net.spawn('sw', argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let ready = ''
  child.stdout.on('data', part => {
    out += part
  })
  child.stderr.on('data', part => {
    ready += part
  })
  await until('tcpdump listens', () => ready.includes('listening on'))
  return {
    async end() {
      const closed = new Promise(resolve => child.once('close', resolve))
      child.kill('SIGTERM')
      await closed
      const lines = out.split('\n').map(line => ({ at: Number(line.split(' ')[0]) * 1000, line }))
      const from = name => lines.filter(({ line }) => line.split(' ')[1] === mac(net, name))
      return {
        adverts: name => from(name).filter(({ line }) => line.includes('VRRP')),
        announcements: name => from(name).filter(({ line }) => announcement.test(line)),
      }
    },
  }
}

const announcement = new RegExp(`who-has ${vip.replaceAll('.', '\\.')}\\b.* tell ${vip},|Reply ${vip} is-at`)

const mac = (net, name) =>
  JSON.parse(execFileSync('ip', ['-n', net.ns(name), '-j', 'link', 'show', 'eth0'], { encoding: 'utf8' }))[0].address

/** The client that never stops asking, once it asks; `end` tells what it saw. */
export async function client(net, every = 5, timeout = 250) {
  const rhythm = ['--every', String(every), '--timeout', String(timeout)]
  const argv = ['--target', `${vip}:80`, '--threshold', '1', ...rhythm, '--tell']
  const child = net.spawn('cl', [process.execPath, join(labFolder, 'probe.mjs'), ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  child.stdout.on('data', part => {
    out += part
  })
  await once(child.stderr, 'data')
  return {
    end: () =>
      new Promise(resolve => {
        child.on('close', () => resolve(JSON.parse(out)))
        child.kill('SIGTERM')
      }),
  }
}

/** The longest gap that touches the time between `from` and `to` (epoch ms). */
export const longestGap = (report, from, to = Number.POSITIVE_INFINITY) =>
  Math.max(0, ...report.gaps.filter(gap => gap.end > from && gap.start < to).map(gap => gap.ms))

export const now = () => performance.timeOrigin + performance.now()

/** min / median / max and how many; numbers in ms. */
export function summary(values) {
  if (values.length === 0) return 'none'
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2
  return `${[sorted[0], middle, sorted.at(-1)].map(value => value.toFixed(1)).join(' / ')} (${values.length})`
}

/** A table in Markdown. */
export function print(head, rows) {
  console.log(`| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|`)
  for (const row of rows) console.log(`| ${row.join(' | ')} |`)
}
