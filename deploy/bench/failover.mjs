// Bench: crash of the master, on the wire and at the client, beside keepalived (lab)
//   npm run bench failover -- [runs=5] [intervals=10,20,50,100,1000] [how=stop|kill]
// The master's cable is cut and all its processes are frozen (or killed), at a random moment of the advert interval. The programs take
// turns on one network, only one of them running. Wire: last advert of the old master -> first gratuitous ARP, kernel times at the switch.
import { endKeepers, lab, sleep, until } from '../lab/director.mjs'
import { capture, client, keepalived, kill9, longestGap, lvskeeper, now, print, summary, vip } from './pairs.mjs'

const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const runs = Number(options.runs ?? 5)
const how = options.how ?? 'stop'
const intervals = (options.intervals ?? '10,20,50,100,1000').split(',').map(Number)

const net = lab('bench')
net.up('--mode', 'dr')
const rows = []
try {
  for (const interval of intervals) {
    const seen = { lvskeeper: { wire: [], gap: [] }, keepalived: { wire: [], gap: [] } }
    for (let run = 0; run < runs; run++)
      for (const make of [lvskeeper, keepalived]) {
        const pair = make(net, { interval })
        try {
          const { wire, gap, lost } = await crash(pair, interval)
          seen[pair.name].wire.push(wire)
          seen[pair.name].gap.push(gap)
          console.error(`${interval} ms ${pair.name}: wire ${wire.toFixed(1)}, client ${gap.toFixed(1)}, lost ${lost}`)
        } catch (error) {
          console.error(`${interval} ms ${pair.name}: ${error.message}`)
        } finally {
          await pair.end()
        }
      }
    for (const [name, { wire, gap }] of Object.entries(seen))
      rows.push([`${interval} ms`, name, summary(wire), summary(gap)])
  }
} finally {
  endKeepers()
  net.down()
}
print(['adverts every', 'program', 'last advert -> first ARP, ms: min / median / max (n)', "client's gap, ms"], rows)

async function crash(pair, interval) {
  await pair.start()
  const wire = await capture(net)
  const probe = await client(net)
  await sleep(1_000 + Math.random() * interval)
  const pids = pair.pids('d1')
  const cut = net.cut('d1')
  const at = now()
  // A machine that is gone takes no processor time: the end of a process (its memory is given back) takes the lab's only one.
  if (how === 'stop') for (const pid of pids) process.kill(pid, 'SIGSTOP')
  else kill9(pids)
  await cut
  await until('d2 has the VIP', () => pair.directors.d2.holds(vip), 15_000, 5)
  await sleep(500)
  const report = await probe.end()
  const { adverts, announcements } = await wire.end()
  const last = adverts('d1').at(-1)
  const first = announcements('d2').find(one => one.at > last.at)
  const lost = Object.values(report.errors).reduce((sum, count) => sum + count, 0)
  return { wire: first.at - last.at, gap: longestGap(report, at), lost }
}
