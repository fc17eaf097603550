// Bench: a real server dies, vanishes, returns: until the kernel table says so, beside keepalived (lab)
//   npm run bench detection -- [runs=8] [only=http,TCP]     only: programs whose name has one of these
// lvskeeper: HTTP every second, with its watch connection; keepalived: HTTP_GET and TCP_CHECK, delay_loop 1, no retries. One pair at
// a time runs; the master's table is read every 5 ms. Moments are random within the check's interval.
import { readFileSync } from 'node:fs'
import { endKeepers, lab, sleep, until } from '../lab/director.mjs'
import { keepalived, kill9, lvskeeper, print, summary } from './pairs.mjs'

const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const runs = Number(options.runs ?? 8)

const net = lab('bench')
net.up('--mode', 'dr')
const events = {
  'process killed -> out': [killNginx, 1],
  'process started -> back': [() => net.topology('nginx', 'start', 'rs1'), 2],
  'host vanishes -> out': [() => net.cut('rs1'), 1],
  'host returns -> back': [() => net.heal('rs1'), 2],
}
const noRetry = text =>
  text.replaceAll('retry 1\n', 'retry 0\n').replaceAll(/TCP_CHECK \{\n/g, 'TCP_CHECK {\n      retry 0\n')
const rows = []
try {
  for (const [label, make] of [
    ['lvskeeper, http, fall: 3', () => lvskeeper(net)],
    ['lvskeeper, http, fall: 1', () => lvskeeper(net, { edit: text => text.replace('fall: 3', 'fall: 1') })],
    ['keepalived, HTTP_GET', () => keepalived(net, { edit: noRetry })],
    ['keepalived, TCP_CHECK', () => keepalived(net, { edit: noRetry, options: ['--check', 'tcp'] })],
  ].filter(([label]) => !options.only || options.only.split(',').some(part => label.includes(part)))) {
    const pair = make()
    const seen = Object.fromEntries(Object.keys(events).map(what => [what, []]))
    try {
      await pair.start()
      for (let run = 0; run < runs; run++)
        for (const [what, [act, servers]] of Object.entries(events)) {
          await sleep(2_500 + Math.random() * 1_000)
          const doing = act()
          const start = performance.now()
          await until(`${label}: ${what}`, () => pair.directors.d1.table()[0]?.[1].length === servers, 30_000, 5)
          seen[what].push(performance.now() - start)
          await doing
          console.error(`${label}: ${what}: ${seen[what].at(-1).toFixed(1)}`)
        }
    } catch (error) {
      console.error(error.message)
    } finally {
      await pair.end()
    }
    rows.push([label, ...Object.values(seen).map(summary)])
  }
} finally {
  endKeepers()
  net.down()
}
print(['program', ...Object.keys(events).map(what => `${what}, ms: min / median / max (n)`)], rows)

function killNginx() {
  const pid = Number(readFileSync(`/run/lvskeeper-lab/${net.prefix}/nginx-rs1/pid`, 'utf8'))
  const workers = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
  kill9([pid, ...workers])
}
