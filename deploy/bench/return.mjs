// Bench: the old master comes back to a pair with thousands of real servers and pre-empts, beside keepalived (lab)
//   npm run bench return -- [servers=5000,10000] [runs=1] [only=lvskeeper] [mode=dr|nat] [scheduler=mh|rr] [every=2] [nice=10]
// Each run on a network of its own, so that the returning kernel has never had a table. d2 serves, d1 starts from nothing and takes the VIP back. The
// service that is asked stands last in the file. Two ask, all the time:
// - a probe: a SYN every 2 ms, sent in realtime, answered by the real server's kernel; both as the client's kernel stamped them (lab/served.mjs). No process
//   that waits for its turn on the lab's one processor is in that, but for the pauses of the probe itself, which are printed.
// - clients: a new HTTP connection every 20 ms, 3 s of patience each. Any error is counted.
// Rows: "nothing" is 5 s before; "busy" the same while a process that only counts runs beside it with the nice value of the programs; "start" from the
// start of d1 to 50 ms before its first gratuitous ARP; "move" from there to 3 s after its table is complete. Checks are TCP, once a minute; both
// programs start with a nice value of 10. With mh (and sloppy_tcp, which the bench sets for keepalived) a connection that is being made when the VIP moves
// goes on; with rr the kernel resets it, whoever moves the VIP.
import { spawn } from 'node:child_process'
import { endKeepers, lab, sleep, until } from '../lab/director.mjs'
import { judge, watchServed } from '../lab/served.mjs'
import { inKeepalived, inYaml, manyAddresses, manyServices } from './large.mjs'
import { capture, client, keepalived, lvskeeper, now, print, summary, vip } from './pairs.mjs'

const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const counts = (options.servers ?? '5000,10000').split(',').map(Number)
const runs = Number(options.runs ?? 1)
const { only, mode = 'dr', scheduler = 'mh' } = options
const every = Number(options.every ?? 2)
const nice = Number(options.nice ?? 10)
const windows = ['nothing', 'busy', 'start', 'move']
const probed = []
const asked = []

for (const count of counts) {
  const services = manyServices(count)
  const programs = [
    ['lvskeeper', net => lvskeeper(net, { mode, edit: text => inYaml(spreadYaml(text), services) })],
    [
      'keepalived',
      net =>
        keepalived(net, {
          options: ['--mode', mode, '--scheduler', scheduler],
          edit: text => inKeepalived(spreadKeepalived(text), services),
        }),
    ],
  ]
  for (const [name, make] of programs) {
    if (only !== undefined && only !== name) continue
    const seen = []
    for (let run = 0; run < runs; run++) {
      const net = lab(`ret${count}${name[0]}${run}`)
      try {
        net.up('--mode', mode)
        await manyAddresses(net, mode === 'nat' ? '10.9.1.21' : undefined)
        if (name === 'keepalived') await prepare(net)
        seen.push(await comeBack(make(net), services.length + 1))
        console.error(`${count} ${name}: ${JSON.stringify(seen.at(-1))}`)
      } catch (error) {
        console.error(`${count} ${name}: not measured: ${error.message}`)
      } finally {
        endKeepers()
        net.down()
      }
    }
    for (const window of windows) probed.push([String(count), name, window, ...probeRow(seen.map(one => one[window]))])
    asked.push([String(count), name, ...clientRow(seen)])
  }
}
print(
  [
    'real servers',
    'program',
    'when',
    'probes not served',
    'gap, ms',
    'two served probes apart, ms',
    'pause of the probe, ms',
    'wait for an answer, ms',
  ],
  probed,
)
console.log('')
print(['real servers', 'program', 'clients that failed', 'how', 'd1 started -> has the VIP, s'], asked)

function probeRow(seen) {
  const lost = ({ refused, unanswered, late }) => refused + unanswered + late
  const figures = ['gap', 'apart', 'pause', 'wait'].map(what => summary(seen.map(one => one[what])))
  return [seen.map(one => `${lost(one)} of ${one.probes}`).join(', '), ...figures]
}

function clientRow(seen) {
  const how = seen.flatMap(({ errors }) => Object.entries(errors).map(([code, times]) => `${times} ${code}`))
  return [
    seen.map(one => `${sum(one.errors)} of ${one.attempts}`).join(', '),
    how.join(', ') || '-',
    summary(seen.map(one => one.taken / 1000)),
  ]
}

function sum(errors) {
  return Object.values(errors).reduce((total, times) => total + times, 0)
}

async function comeBack(pair, services) {
  const { d1, d2 } = pair.directors
  const full = one => {
    const table = one.table()
    return table.length === services && table.every(([, servers]) => servers.length > 0)
  }
  pair.startOne('d2', { nice })
  await until('d2 serves', () => d2.holds(vip) && full(d2), 300_000, 200)
  await sleep(5_000)
  const watch = await watchServed(pair.net, { every })
  const clients = await client(pair.net, 20, 3_000)
  await sleep(1_000)
  const quiet = now()
  await sleep(5_000)
  const busy = now()
  await burn(5_000)
  await sleep(1_000)
  const wire = await capture(pair.net)
  const start = now()
  pair.startOne('d1', { nice })
  await until('d1 has the VIP back', () => d1.holds(vip) && !d2.holds(vip), 300_000, 50)
  const taken = now() - start
  // keepalived's table is still being written now.
  await until('its table is complete', () => full(d1), 120_000, 200)
  await sleep(3_000)
  const report = await clients.end()
  const probes = await watch.end()
  const { announcements } = await wire.end()
  const move = announcements('d1')[0]?.at
  if (move === undefined) throw new Error('nothing on the wire')
  for (const name of ['d1', 'd2']) for (const pid of pair.pids(name)) process.kill(pid, 'SIGKILL')
  if (process.env.LVSKEEPER_BENCH_LOGS) for (const one of [d1, d2]) console.error(one.name, one.log().slice(-200_000))
  return {
    nothing: judge(probes, quiet, busy),
    busy: judge(probes, busy, busy + 5_000),
    start: judge(probes, start, move - 50),
    move: judge(probes, move - 50),
    errors: report.errors,
    attempts: report.attempts,
    taken,
  }
}

/** The service that is asked, on both programs: the same real server for the same client and port, whoever serves. */
function spreadYaml(text) {
  const flags = scheduler === 'mh' ? '\n    scheduler_flags: [mh-port]' : ''
  return text.replace('scheduler: rr', `scheduler: ${scheduler}${flags}`)
}

function spreadKeepalived(text) {
  return scheduler === 'mh' ? text.replace('lvs_sched mh\n', 'lvs_sched mh\n  mh-port\n') : text
}

/** What lvskeeper sets by itself where the file needs it. */
async function prepare(net) {
  const settings = [...(scheduler === 'mh' ? ['vs/sloppy_tcp'] : []), ...(mode === 'nat' ? ['ip_forward'] : [])]
  for (const name of ['d1', 'd2'])
    for (const setting of settings) await net.exec(name, 'sh', '-c', `echo 1 > /proc/sys/net/ipv4/${setting}`)
}

/** Somebody who wants the whole processor for so long, with the nice value of the programs. */
async function burn(ms) {
  const child = spawn('nice', ['-n', String(nice), process.execPath, '-e', 'for (;;);'], { stdio: 'ignore' })
  await sleep(ms)
  child.kill('SIGKILL')
}
