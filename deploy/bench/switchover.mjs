// Bench: planned switch-over and back, beside a stop of keepalived (lab)
//   npm run bench switchover -- [runs=10] [intervals=100,1000]
// lvskeeper: `failover web` on the master, then `--back`. keepalived has no such command: its master is stopped (SIGTERM) and started.
// "nothing": the same length of time in which nothing happens: what the one processor of the lab does to the client. Two ask, all the time:
// - a probe: a SYN every 2 ms, sent and answered by kernels (lab/served.mjs): whether the VIP is served.
// - clients: a new HTTP connection every few ms, by processes that wait for their turn on the lab's one processor.
import { endKeepers, lab, sleep, until } from '../lab/director.mjs'
import { judge, watchServed } from '../lab/served.mjs'
import { client, keepalived, longestGap, lvskeeper, now, print, summary, vip } from './pairs.mjs'

const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const runs = Number(options.runs ?? 10)
const intervals = (options.intervals ?? '100,1000').split(',').map(Number)
const span = 1_500

const net = lab('bench')
net.up('--mode', 'dr')
const probed = []
const asked = []
try {
  for (const interval of intervals)
    for (const [make, away, back] of [
      [
        lvskeeper,
        ({ d1 }) => d1.ask('/v1/failover', { router: 'web' }),
        ({ d1 }) => d1.ask('/v1/failover', { router: 'web', back: true }),
      ],
      [keepalived, (_, pair) => process.kill(pair.pids('d1')[0], 'SIGTERM'), (_, pair) => pair.startOne('d1')],
    ]) {
      const pair = make(net, { interval })
      const { d1, d2 } = pair.directors
      const seen = { nothing: [], away: [], back: [] }
      const lost = { nothing: 0, away: 0, back: 0 }
      const windows = { nothing: [], away: [], back: [] }
      let probes = []
      try {
        await pair.start()
        const watch = await watchServed(net)
        for (let run = 0; run < runs; run++)
          for (const [what, act, done] of [
            ['nothing', () => {}, () => true],
            ['away', () => away(pair.directors, pair), () => d2.holds(vip) && !d1.holds(vip)],
            ['back', () => back(pair.directors, pair), () => d1.holds(vip) && !d2.holds(vip)],
          ]) {
            const probe = await client(net)
            await sleep(1_000 + Math.random() * interval)
            const at = now()
            await act()
            await until(`${pair.name}: ${what}`, done, 20_000, 10)
            await sleep(Math.max(500, at + span - now()))
            windows[what].push([at, now()])
            const report = await probe.end()
            seen[what].push(longestGap(report, at))
            lost[what] += Object.values(report.errors).reduce((sum, count) => sum + count, 0)
            console.error(`${interval} ms ${pair.name} ${what}: ${seen[what].at(-1).toFixed(1)}`)
          }
        probes = await watch.end()
      } catch (error) {
        console.error(`${interval} ms ${pair.name}: ${error.message}`)
      } finally {
        await pair.end()
      }
      for (const what of ['nothing', 'away', 'back']) {
        const served = windows[what].map(([from, to]) => judge(probes, from, to))
        const total = of => served.reduce((sum, one) => sum + of(one), 0)
        probed.push([
          `${interval} ms`,
          pair.name,
          what,
          `${total(one => one.refused + one.unanswered + one.late)} of ${total(one => one.probes)}`,
          ...['gap', 'apart', 'pause'].map(of => summary(served.map(one => one[of]))),
        ])
      }
      asked.push([
        `${interval} ms`,
        pair.name,
        ...['nothing', 'away', 'back'].map(what => `${summary(seen[what])}, lost ${lost[what]}`),
      ])
    }
} finally {
  endKeepers()
  net.down()
}
const head = ['adverts every', 'program']
print(
  [
    ...head,
    'when',
    'probes not served',
    'gap, ms: min / median / max (n)',
    'two served probes apart, ms',
    'pause of the probe, ms',
  ],
  probed,
)
console.log('')
print([...head, "nothing: client's longest gap, ms: min / median / max (n)", 'switch-over', 'and back'], asked)
