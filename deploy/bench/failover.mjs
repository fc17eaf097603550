// Bench: crash of the master, on the wire and at the client, beside keepalived (lab)
//   npm run bench failover -- [runs=5] [intervals=10,20,50,100,1000]
// The master's cable is cut and all its processes are frozen, at a random moment of the advert interval: a machine that is gone takes
// no time of the lab's one processor, as ending processes would. Two pairs on equal networks take turns; the other one is frozen.
// Wire: last advert of the old master -> first gratuitous ARP of the new one, kernel times at the switch.
import { endKeepers, lab, sleep, until } from '../lab/director.mjs'
import { capture, client, freeze, keepalived, longestGap, lvskeeper, now, print, summary, thaw, vip } from './pairs.mjs'

const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const runs = Number(options.runs ?? 5)
const intervals = (options.intervals ?? '10,20,50,100,1000').split(',').map(Number)
const head = [
  'adverts every',
  'program',
  'last advert -> first ARP, ms: min / median / max (n)',
  "client's gap, ms",
  'lost',
]
const rows = []

const nets = [lab('benchl'), lab('benchk')]
try {
  for (const net of nets) net.up('--mode', 'dr')
  const pairs = [lvskeeper(nets[0], { interval: intervals[0] }), keepalived(nets[1], { interval: intervals[0] })]
  for (const pair of pairs) {
    await pair.start()
    freeze(pair)
  }
  for (const interval of intervals) await measure(pairs, interval)
  for (const pair of pairs) await pair.end()
} finally {
  endKeepers()
  for (const net of nets) net.down()
}
print(head, rows)

async function measure(pairs, interval) {
  const seen = new Map(pairs.map(pair => [pair, { wire: [], gap: [], lost: 0 }]))
  for (const pair of pairs) {
    await thaw(pair)
    await pair.change(interval)
    freeze(pair)
  }
  for (let run = 0; run < runs; run++)
    for (const pair of pairs) {
      await thaw(pair)
      try {
        const { wire, gap, lost } = await crash(pair, interval)
        seen.get(pair).wire.push(wire)
        seen.get(pair).gap.push(gap)
        seen.get(pair).lost += lost
        if (gap > 2 * wire + 100) console.error(tail(pair, 25))
        console.error(`${interval} ms ${pair.name}: wire ${wire.toFixed(1)}, client ${gap.toFixed(1)}, lost ${lost}`)
      } catch (error) {
        console.error(`${interval} ms ${pair.name}: not measured: ${error.message}`)
      }
      freeze(pair)
    }
  for (const [{ name }, { wire, gap, lost }] of seen)
    rows.push([`${interval} ms`, name, summary(wire), summary(gap), String(lost)])
  // What was measured so far is not lost with a later failure.
  console.error(
    rows
      .slice(-2)
      .map(row => row.join(' | '))
      .join('\n'),
  )
}

async function crash({ net, directors, pids }, interval) {
  const wire = await capture(net)
  const probe = await client(net)
  await sleep(1_000 + Math.random() * interval)
  const frozen = pids('d1')
  const cut = net.cut('d1')
  const at = now()
  for (const pid of frozen) process.kill(pid, 'SIGSTOP')
  await cut
  await until('d2 has the VIP', () => directors.d2.holds(vip), 15_000, 5)
  await sleep(500)
  const report = await probe.end()
  const { adverts, announcements } = await wire.end()
  const last = adverts('d1').at(-1)
  const first = last && announcements('d2').find(one => one.at > last.at)
  if (!first) throw new Error('nothing on the wire')
  // Who was not served before the crash tells nothing about it.
  const before = report.gaps.find(gap => gap.start < at && gap.end > at)
  if (before && before.start < at - 200)
    throw new Error(`the client was not served ${Math.round(at - before.start)} ms before the crash`)
  const lost = Object.values(report.errors).reduce((sum, count) => sum + count, 0)
  return { wire: first.at - last.at, gap: longestGap(report, at), lost }
}

/** What the new master said, when the client waited for longer than the wire explains. */
function tail({ directors }, lines) {
  try {
    return directors.d2.log().trimEnd().split('\n').slice(-lines).join('\n')
  } catch (error) {
    return error.message
  }
}
