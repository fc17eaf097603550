// Bench: a reload with one change among 2,284 virtual and 37,298 real servers, through the whole program (lab)
//   npm run bench reload-big -- [services=2284] [servers=37298] [runs=3]
//   node deploy/bench/reload-big.mjs      natively, as root: every process, but no kernel table where the host has no IPVS
// One director. Every real server is checked (TCP) once in an hour; the bench begins when all have been. Wall: POST /v1/reload until it
// answers, and until the kernel's table shows it. Held up: the longest time that each process' loop did not turn, in the 10 s before and in
// those of the reload (lvskeeper_event_loop_lag_seconds). `npm run bench scale` has keepalived's reload of the same kind.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { director, endKeepers, lab, sleep, until } from '../lab/director.mjs'
import { inYaml, manyAddresses } from './large.mjs'
import { print, summary } from './pairs.mjs'

const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const services = Number(options.services ?? 2_284)
const servers = Number(options.servers ?? 37_298)
const runs = Number(options.runs ?? 3)
const roles = ['checkers', 'vrrp']
const withTable = existsSync('/proc/net/ip_vs')

const net = lab('reload')
try {
  net.up('--mode', 'dr')
  await manyAddresses(net)
  const home = `/tmp/${net.prefix}`
  mkdirSync(home, { recursive: true })
  const config = join(home, 'source.yaml')
  writeFileSync(config, fileOf())
  const d1 = director(net, 'd1', { config, home })
  const start = performance.now()
  d1.start()
  await until('the director answers', () => status(d1), 120_000, 200)
  await until(
    'every real server was checked',
    async () => {
      const found = (await status(d1)).services
      return found.length > services && found.every(one => one.realServers.every(server => server.state !== 'unknown'))
    },
    900_000,
    2_000,
  )
  console.error(`started and checked after ${((performance.now() - start) / 1000).toFixed(0)} s`)
  const rows = []
  for (let run = 1; run <= runs; run++) {
    await sleep(12_000)
    const before = await lags(d1)
    writeFileSync(
      d1.file,
      readFileSync(d1.file, 'utf8').replace(/s7:[\s\S]*?real_servers: \[[^\]]*\]/, part => weigh(part, run + 1)),
    )
    const began = performance.now()
    await d1.ask('/v1/reload', {})
    const answered = performance.now() - began
    const shown = withTable
      ? (await until('the kernel shows it', () => weightOf(d1) === run + 1, 60_000, 5)).ms + answered
      : Number.NaN
    await sleep(3_000)
    const after = await lags(d1)
    rows.push({ answered, shown, before, after })
    console.error(JSON.stringify(rows.at(-1)))
  }
  const held = (when, role) => summary(rows.map(row => row[when][role]))
  print(
    ['what', 'ms: min / median / max (n)'],
    [
      ['reload answered', summary(rows.map(row => row.answered))],
      ...(withTable ? [['the change is in the kernel', summary(rows.map(row => row.shown))]] : []),
      ...roles.map(role => [`${role} held up by it (before it)`, `${held('after', role)} (${held('before', role)})`]),
    ],
  )
  d1.crash()
} finally {
  endKeepers()
  net.down()
}

function fileOf() {
  const base = readFileSync(join(import.meta.dirname, '../lab/pair-dr.yaml'), 'utf8').replace(/alerts:[\s\S]*/, '')
  const each = servers / services
  const all = Array.from({ length: services }, (_, s) => [
    `10.30.${s >> 8}.${s & 255}`,
    range(Math.round(s * each), Math.round((s + 1) * each)).map(n => `10.20.${n >> 8}.${n & 255}`),
  ])
  return inYaml(base, all, '1h')
}

function range(from, to) {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

/** Another weight for one real server of the service s7. */
function weigh(part, weight) {
  return part.replace(
    /real_servers: \[(?:\{ address: )?([0-9.]+)(?:, weight: \d+ \})?/,
    `real_servers: [{ address: $1, weight: ${weight} }`,
  )
}

function weightOf(one) {
  return one
    .table()
    .find(([name]) => name.includes(' 10.30.0.7:'))?.[1]
    .find(({ weight }) => weight !== 1)?.weight
}

async function lags(one) {
  const text = await get(one, '/metrics')
  return Object.fromEntries(
    roles.map(role => {
      const found = new RegExp(`^lvskeeper_event_loop_lag_seconds\\{[^}]*role="${role}"[^}]*\\} (\\S+)`, 'm').exec(text)
      return [role, Number(found?.[1]) * 1_000]
    }),
  )
}

async function status(one) {
  const text = await get(one, '/v1/status').catch(() => undefined)
  return text && JSON.parse(text)
}

function get(one, path) {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { socketPath: join(one.run, 'status.sock'), path, headers: { host: 'lvskeeper' } },
      response => {
        let text = ''
        response.on('data', part => {
          text += part
        })
        response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))))
      },
    )
    outgoing.on('error', reject)
    outgoing.end()
  })
}
