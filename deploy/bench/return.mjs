// Bench: the old master comes back to a pair with thousands of real servers and pre-empts, beside keepalived (lab)
//   npm run bench return -- [servers=5000,10000] [runs=1] [only=lvskeeper] [nice=10]
// Each run on a network of its own, so that the returning kernel has never had a table. The other director serves; the client asks
// every 5 ms; d1 starts from nothing and takes the VIP back. The service that the client uses stands last in the file. "nothing" is the
// client's longest gap in 5 s before; "busy" is the same while one process that does nothing but count runs beside it, with the nice value of the
// programs: what the lab's one processor costs the client by itself. "start" is the longest gap from the start of d1 to 50 ms before its first
// gratuitous ARP, "move" the longest of those that touch the second from there on. Checks are TCP, once a minute; both programs start with a nice
// value of 10, the client does not.
import { spawn } from 'node:child_process'
import { endKeepers, lab, sleep, until } from '../lab/director.mjs'
import { inKeepalived, inYaml, manyAddresses, manyServices } from './large.mjs'
import { capture, client, keepalived, longestGap, lvskeeper, now, print, summary, vip } from './pairs.mjs'

const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const counts = (options.servers ?? '5000,10000').split(',').map(Number)
const runs = Number(options.runs ?? 1)
const only = options.only
const nice = Number(options.nice ?? 10)
const rows = []

for (const count of counts) {
  const services = manyServices(count)
  const programs = [
    ['lvskeeper', net => lvskeeper(net, { edit: text => inYaml(text, services) })],
    ['keepalived', net => keepalived(net, { edit: text => inKeepalived(text, services) })],
  ]
  for (const [name, make] of programs) {
    if (only !== undefined && only !== name) continue
    const seen = []
    for (let run = 0; run < runs; run++) {
      const net = lab(`ret${count}${name[0]}${run}`)
      try {
        net.up('--mode', 'dr')
        await manyAddresses(net)
        seen.push(await comeBack(make(net), services.length + 1))
        console.error(`${count} ${name}: ${JSON.stringify(seen.at(-1))}`)
      } catch (error) {
        console.error(`${count} ${name}: not measured: ${error.message}`)
      } finally {
        endKeepers()
        net.down()
      }
    }
    rows.push([
      String(count),
      name,
      summary(seen.map(one => one.nothing)),
      summary(seen.map(one => one.busy)),
      summary(seen.map(one => one.starting)),
      summary(seen.map(one => one.move)),
      seen.map(one => `${one.lost} of ${one.attempts}`).join(', '),
      summary(seen.map(one => one.taken / 1000)),
    ])
  }
}
print(
  [
    'real servers',
    'program',
    "client's longest gap, ms: nothing",
    'busy',
    'start',
    'move',
    'connections lost',
    'start to VIP, s',
  ],
  rows,
)

async function comeBack(pair, services) {
  const { d1, d2 } = pair.directors
  const full = one => {
    const table = one.table()
    return table.length === services && table.every(([, servers]) => servers.length > 0)
  }
  pair.startOne('d2', { nice })
  await until('d2 serves', () => d2.holds(vip) && full(d2), 300_000, 200)
  await sleep(5_000)
  const probe = await client(pair.net)
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
  const report = await probe.end()
  const { announcements } = await wire.end()
  const move = announcements('d1')[0]?.at
  if (move === undefined) throw new Error('nothing on the wire')
  for (const name of ['d1', 'd2']) for (const pid of pair.pids(name)) process.kill(pid, 'SIGKILL')
  if (process.env.LVSKEEPER_BENCH_LOGS) for (const one of [d1, d2]) console.error(one.name, one.log().slice(-200_000))
  return {
    nothing: longestGap(report, quiet, busy),
    busy: longestGap(report, busy, busy + 5_000),
    starting: longestGap(report, start, move - 50),
    move: longestGap(report, move - 50, move + 1_000),
    lost: Object.values(report.errors).reduce((sum, errors) => sum + errors, 0),
    errors: report.errors,
    attempts: report.attempts,
    taken,
  }
}

/** Somebody who wants the whole processor for so long, with the nice value of the programs. */
async function burn(ms) {
  const child = spawn('nice', ['-n', String(nice), process.execPath, '-e', 'for (;;);'], { stdio: 'ignore' })
  await sleep(ms)
  child.kill('SIGKILL')
}
