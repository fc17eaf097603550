// Bench: planned switch-over and back at the client, beside a stop of keepalived, natively
//   npm run bench switchover-native -- [runs=20] [intervals=1000,100] [every=2]
// In network namespaces, without IPVS: both directors answer HTTP themselves. One client opens a connection every 2 ms. lvskeeper: `failover web`
// on the master, then `--back`. keepalived has no such command: its master is stopped (SIGTERM) and started. "nothing": the longest gap of
// the same length of time in which nothing happens. Client and servers run before all others (SCHED_RR), so that other work on the
// machine is not what is measured; the directors run as they always do.
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { endKeepers, lab, sleep, until } from '../lab/director.mjs'
import { keepalived, lvskeeper } from './native-pairs.mjs'
import { kill9, longestGap, now, print, summary } from './pairs.mjs'

const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const runs = Number(options.runs ?? 20)
const intervals = (options.intervals ?? '1000,100').split(',').map(Number)
const every = Number(options.every ?? 2)
const only = (options.programs ?? 'lvskeeper,keepalived').split(',')
const vip = '10.9.0.100'
/** What is longer than the pauses of a client that asks every 2 ms is a gap; ms. */
const threshold = every + 0.5
/** How long after an order a gap is looked for, ms; keepalived's skew is 610 ms at an interval of 1 s. */
const span = 1_500

const programs = {
  lvskeeper: {
    make: lvskeeper,
    // The kernel of these namespaces may lack IPVS: no table, so nobody is ready and it must be forced.
    away: ({ directors }) => directors.d1.ask('/v1/failover', { router: 'web', force: true }),
    back: ({ directors }) => directors.d1.ask('/v1/failover', { router: 'web', back: true }),
  },
  keepalived: {
    make: keepalived,
    away: pair => pair.parent('d1').kill('SIGTERM'),
    back: pair => pair.startOne('d1'),
  },
}

const rows = []
for (const interval of intervals)
  for (const program of only) {
    const net = lab(`switchover${process.pid}`)
    net.up('--no-nginx', '--real-servers', '0')
    const { make, away, back } = programs[program]
    const pair = make(net, { interval, routers: [{ name: 'web', vrid: 51, vip }] })
    const servers = ['d1', 'd2'].map(name => answer(net, name))
    const seen = { nothing: [], away: [], back: [] }
    let probe
    try {
      await pair.start()
      probe = await ask(net)
      const moments = []
      for (let run = 0; run < runs; run++)
        for (const [what, act, place] of [
          ['nothing', () => {}, 'd1'],
          ['away', away, 'd2'],
          ['back', back, 'd1'],
        ]) {
          // At any moment between two adverts.
          await sleep(300 + Math.random() * interval)
          const at = now()
          await act(pair)
          const other = place === 'd1' ? 'd2' : 'd1'
          const moved = async () => (await pair.held(place)) === 1 && (await pair.held(other)) === 0
          await until(`${program}: ${what}`, moved, 20_000, 50)
          // What keepalived does on its return ends later than `span`.
          await sleep(Math.max(300, at + span - now()))
          moments.push([what, at, now()])
        }
      const report = await probe.end()
      for (const [what, from, to] of moments) seen[what].push(longestGap(report, from, to))
      console.error(`${interval} ms ${program}: ${JSON.stringify(seen)}, ${JSON.stringify(report.errors)}`)
    } catch (error) {
      console.error(`${interval} ms ${program}: ${error.message}`)
    } finally {
      probe?.kill()
      kill9(servers.filter(child => child.exitCode === null).map(({ pid }) => pid))
      pair.end()
      rmSync(serversHome(net), { recursive: true, force: true, maxRetries: 5 })
      endKeepers()
      net.down()
    }
    rows.push([`${interval} ms`, program, ...['nothing', 'away', 'back'].map(what => summary(seen[what]))])
  }
print(
  ['adverts every', 'program', "nothing: client's longest gap, ms: min / median / max (n)", 'switch-over', 'and back'],
  rows,
)

/** A web server on every address of a director, those that come later included. */
function answer(net, name) {
  const home = join(serversHome(net), name)
  mkdirSync(home, { recursive: true })
  writeFileSync(
    join(home, 'nginx.conf'),
    `daemon off; master_process off; user root; pid ${home}/pid; error_log ${home}/error;
events { worker_connections 4096; }
http { access_log off; server { listen 80; location / { return 200 "${name}\\n"; } } }`,
  )
  const argv = ['chrt', '--rr', '10', 'nginx', '-p', home, '-c', 'nginx.conf', '-e', 'error']
  return net.spawn(name, argv, { stdio: 'ignore' })
}

async function ask(net) {
  const argv = ['--target', `${vip}:80`, '--threshold', String(threshold), '--every', String(every), '--tell']
  const program = [process.execPath, '--single-threaded-gc', join(import.meta.dirname, '../lab/probe.mjs')]
  const child = net.spawn('cl', ['chrt', '--rr', '10', ...program, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  child.stdout.on('data', part => {
    out += part
  })
  await once(child.stderr, 'data')
  return {
    kill: () => child.kill('SIGKILL'),
    end: () =>
      new Promise(resolve => {
        child.on('close', () => resolve(JSON.parse(out)))
        child.kill('SIGTERM')
      }),
  }
}

function serversHome(net) {
  return join('/tmp', `${net.prefix}-nginx`)
}
