// Bench: processor, memory and takeover of many virtual routers, beside keepalived
//   npm run bench routers -- [seconds=20] [runs=2] [sets=255x1000,50x100]
// Natively, in network namespaces: so many virtual routers, an advert of each every so many ms. Processor: what the processes of a director
// used of one processor (proc(5), schedstat), RSS and PSS: their sums. Then the master's cable is cut and its processes are killed: from there to the
// first gratuitous ARP on the wire, and to the moment when every VIP has been announced by the other one.
import { readdirSync, readFileSync } from 'node:fs'
import { endKeepers, lab, sleep, until } from '../lab/director.mjs'
import { capture, keepalived, lvskeeper, macOf } from './native-pairs.mjs'
import { kill9, now, print, summary } from './pairs.mjs'

const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const seconds = Number(options.seconds ?? 20)
const runs = Number(options.runs ?? 2)
const sets = (options.sets ?? '255x1000,50x100').split(',').map(set => set.split('x').map(Number))
const programs = { lvskeeper, keepalived }
const only = (options.programs ?? 'lvskeeper,keepalived').split(',')

const costs = []
const takeovers = []
for (const [count, interval] of sets)
  for (const program of only) {
    const seen = { d1: [], d2: [], first: [], all: [], each: [] }
    let memory
    for (let run = 0; run < runs; run++) {
      const net = lab(`routers${process.pid}`)
      const routers = Array.from({ length: count }, (_, at) => ({
        name: `r${at + 1}`,
        vrid: at + 1,
        vip: `10.9.100.${at + 1}`,
      }))
      net.up('--no-nginx', '--real-servers', '0')
      const pair = programs[program](net, { interval, routers })
      try {
        await pair.start(10_000)
        const used = await load(pair)
        for (const name of ['d1', 'd2']) seen[name].push(used[name])
        memory = { d1: memoryOf(pair.parts('d1')), d2: memoryOf(pair.parts('d2')) }
        const { first, all, each } = await crash(pair, routers)
        seen.first.push(first)
        seen.all.push(all)
        seen.each.push(...each)
        console.error(`${count} x ${interval} ms ${program}: ${JSON.stringify({ used, memory, first, all })}`)
      } catch (error) {
        console.error(`${count} x ${interval} ms ${program}: ${error.message}\n${pair.log('d2').slice(-2000)}`)
      } finally {
        pair.end()
        endKeepers()
        net.down()
      }
    }
    const what = [`${count}, every ${interval} ms`, program]
    const mib = ({ rss, pss }) => `${rss} / ${pss}`
    costs.push([
      ...what,
      ...['d1', 'd2'].map(name => summary(seen[name])),
      ...(memory ? [mib(memory.d1), mib(memory.d2)] : []),
    ])
    takeovers.push([...what, summary(seen.first), summary(seen.all), summary(seen.each)])
  }
const head = ['virtual routers', 'program']
print(
  [...head, 'master: % of a processor, min / median / max (runs)', 'backup', 'master: RSS / PSS, MiB', 'backup'],
  costs,
)
console.log()
print(
  [
    ...head,
    'crash to first gratuitous ARP, ms',
    'to the last VIP announced',
    "each router's last advert to first ARP (routers)",
  ],
  takeovers,
)

/** % of a processor that each director used, and in LVSKEEPER_BENCH_PARTS which of its processes. */
async function load(pair) {
  const before = { d1: ran(pair.parts('d1')), d2: ran(pair.parts('d2')) }
  const began = performance.now()
  await sleep(seconds * 1000)
  const elapsed = (performance.now() - began) / 1000
  const result = {}
  for (const name of ['d1', 'd2']) {
    const after = ran(pair.parts(name))
    const parts = Object.keys(after).map(part => [part, (after[part] - before[name][part]) / elapsed / 10])
    if (process.env.LVSKEEPER_BENCH_PARTS)
      console.error(name, Object.fromEntries(parts.map(([part, share]) => [part, share.toFixed(1)])))
    result[name] = parts.reduce((sum, [, share]) => sum + share, 0)
  }
  return result
}

/** Milliseconds on a processor, exact: those of proc(5), stat, are guessed from who runs when the clock ticks. Of all threads. */
function ran(parts) {
  return Object.fromEntries(
    Object.entries(parts).map(([part, pid]) => {
      const threads = readdirSync(`/proc/${pid}/task`)
      const each = threads.map(id => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'latin1').split(' ')[0]))
      return [part, each.reduce((sum, ns) => sum + ns, 0) / 1e6]
    }),
  )
}

function memoryOf(parts) {
  const sum = what =>
    Object.values(parts).reduce((total, pid) => {
      const [, kib] = new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
      return total + Number(kib)
    }, 0)
  return { rss: Math.round(sum('Rss') / 1024), pss: Math.round(sum('Pss') / 1024) }
}

async function crash(pair, routers) {
  const { net } = pair
  const macs = { d1: await macOf(net, 'd1'), d2: await macOf(net, 'd2') }
  const wire = await capture(net)
  await sleep(1_500)
  const pids = pair.pids('d1')
  const at = now()
  const cut = net.cut('d1')
  kill9(pids)
  await cut
  await until('d2 has every VIP', async () => (await pair.held('d2')) === routers.length, 30_000, 100)
  await sleep(1_000)
  const lines = await wire.end()
  const each = routers.map(({ vrid, vip }) => {
    const last = lines.findLast(line => line.mac === macs.d1 && line.vrid === vrid)
    const first = lines.find(line => line.mac === macs.d2 && line.vip === vip && line.at > at)
    return { last: last?.at, first: first?.at }
  })
  if (each.some(({ last, first }) => last === undefined || first === undefined))
    throw new Error(`not on the wire: ${JSON.stringify(each.find(({ last, first }) => !last || !first))}`)
  return {
    first: Math.min(...each.map(one => one.first)) - at,
    all: Math.max(...each.map(one => one.first)) - at,
    each: each.map(({ last, first }) => first - last),
  }
}
