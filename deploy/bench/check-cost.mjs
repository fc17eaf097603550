// Bench: processor time of 1,000 TCP and HTTP checks, beside keepalived, and how late they start (lab)
//   npm run bench check-cost -- [servers=1000] [seconds=20] [rounds=3]
// Every real server once a second, nginx on the same processor; the two programs take turns. `lag` is lvskeeper's own: from due to start.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { print, summary } from './pairs.mjs'

const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const { servers = '1000', seconds = '20', rounds = '3' } = options
const rows = []
for (const kind of ['tcp', 'http']) {
  const cost = { lvskeeper: [], keepalived: [] }
  const lag = []
  for (let round = 0; round < Number(rounds); round++)
    for (const engine of Object.keys(cost)) {
      const result = measure(kind, engine)
      if (!result) continue
      cost[engine].push(result.cpuPer1000 * 1000)
      if (result.lag) lag.push(result.lag.p99)
      console.error(JSON.stringify(result))
    }
  const ratio = middle(cost.lvskeeper) / middle(cost.keepalived)
  rows.push([kind, summary(cost.lvskeeper), summary(cost.keepalived), ratio.toFixed(2), summary(lag)])
}
const head = ['check', 'lvskeeper, CPU ms per 1,000', 'keepalived, CPU ms per 1,000', 'ratio of medians', 'lag p99, ms']
print(head, rows)

function measure(kind, engine) {
  const argv = [`kind=${kind}`, `engine=${engine}`, `servers=${servers}`, `seconds=${seconds}`]
  const run = spawnSync(process.execPath, [join(import.meta.dirname, 'checks.mjs'), ...argv], { encoding: 'utf8' })
  const line = run.stdout.trim().split('\n').at(-1)
  if (run.status === 0 && line?.startsWith('{')) return JSON.parse(line)
  console.error(`${kind}, ${engine}: ${run.stderr || run.stdout}`)
  return undefined
}

function middle(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2
}
