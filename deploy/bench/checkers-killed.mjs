// Bench: checkers killed while a real server dies: until health goes on, with a spare process and without (lab)
//   npm run bench checkers-killed -- [runs=8]
// On the master. HTTP every second, with a watch connection, which dies with the process that held it. Without a spare: that is killed
// first, so that a process has to start. The kernel's table is read every 5 ms.
import { readFileSync } from 'node:fs'
import { endKeepers, lab, sleep, until } from '../lab/director.mjs'
import { kill9, lvskeeper, print, summary } from './pairs.mjs'

const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const runs = Number(options.runs ?? 8)

const net = lab('bench')
net.up('--mode', 'dr')
const pair = lvskeeper(net)
const { d1 } = pair.directors
const servers = () => d1.table()[0]?.[1].length
const seen = { 'with a spare': [], without: [] }
try {
  await pair.start()
  for (let run = 0; run < runs; run++)
    for (const how of Object.keys(seen)) {
      const standsReady = () => d1.log().includes(`"spare":true,"pid":${d1.pids().spareCheckers},`)
      await until('the spare stands ready', standsReady, 30_000, 50)
      await sleep(3_000)
      const { checkers, spareCheckers } = d1.pids()
      kill9([...(how === 'without' ? [spareCheckers] : []), checkers, ...nginxPids()])
      const { ms } = await until('the dead real server has left', () => servers() === 1, 30_000, 5)
      seen[how].push(ms)
      console.error(`${how}: ${ms.toFixed(0)} ms`)
      // What it waited for.
      if (how === 'with a spare' && ms > 800) console.error(d1.log().split('\n').slice(-12).join('\n'))
      net.topology('nginx', 'start', 'rs2')
      await until('it is back', () => servers() === 2, 30_000, 50)
      // Two deaths in a minute are followed at once, the third after a pause.
      await sleep(27_000)
    }
} finally {
  await pair.end()
  endKeepers()
  net.down()
}
print(
  ['checkers killed, real server dead -> out', 'ms: min / median / max (n)'],
  Object.entries(seen).map(([how, ms]) => [how, summary(ms)]),
)

function nginxPids() {
  const pid = Number(readFileSync(`/run/lvskeeper-lab/${net.prefix}/nginx-rs2/pid`, 'utf8'))
  return [pid, ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)]
}
