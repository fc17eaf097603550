// What checks cost: CPU per 1,000 checks and scheduling lag, in a network namespace of its own, over the compiled program.
//   npm run bench checks -- [kind=tcp|http|both] [servers=1000] [interval=1000] [seconds=10] [dial=batch|node] [watch=0|1] [cpu=N]
// kind=both asks each server by TCP every 2 s and by HTTP every 5 s; cpu=0 keeps the checkers on that processor and the server off it:
//   npm run bench checks -- kind=both servers=10000 cpu=0
// engine=keepalived measures keepalived's checker instead, at whole seconds; it needs IPVS: npm run bench check-cost does both, in turn.
import { fork, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const self = fileURLToPath(import.meta.url)
const dist = process.env['LVSKEEPER_DIST'] ?? fileURLToPath(new URL('../../dist', import.meta.url))
const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const {
  kind = 'tcp',
  servers = '1000',
  interval = '1000',
  seconds = '10',
  dial = 'batch',
  watch = '0',
  engine = 'lvskeeper',
  cpu,
} = options
const PORT = 8080
/** All of the machine's, also where this process is kept on one. */
const availableProcessors = cpus().length

if (process.send) serve()
else if (!process.env['LVSKEEPER_BENCH']) enter()
else if (engine === 'keepalived') await measureKeepalived()
else await measure()

/** The same again in a namespace whose only interface is lo. */
function enter() {
  const args = [
    '-n',
    'sh',
    '-c',
    'ip link set lo up && exec "$0" "$@"',
    ...(cpu === undefined ? [] : ['taskset', '-c', cpu]),
    process.execPath,
    self,
    ...process.argv.slice(2),
  ]
  const { status } = spawnSync('unshare', args, { stdio: 'inherit', env: { ...process.env, LVSKEEPER_BENCH: '1' } })
  process.exit(status ?? 1)
}

function serve() {
  const server =
    kind === 'tcp'
      ? createServer(socket => socket.on('error', () => {}).resume())
      : createHttpServer((_, response) => response.writeHead(200, { 'content-length': 2 }).end('ok'))
  server.listen({ port: PORT, host: '0.0.0.0', backlog: 4096 }, () => process.send?.('ready'))
}

/** nginx where it is installed: a server that costs more than its checks would be what is measured. */
async function startServer() {
  const folder = mkdtempSync('/tmp/lvskeeper-bench-')
  const log = join(folder, 'error')
  const conf = `daemon off; master_process off; pid ${folder}/pid; error_log ${log};
events { worker_connections 16384; }
http { access_log off; server { listen ${PORT} backlog=4096; location / { return 200 ok; } } }`
  writeFileSync(join(folder, 'conf'), conf)
  const others = Array.from({ length: availableProcessors }, (_, at) => at).filter(at => String(at) !== cpu)
  const pinned = cpu === undefined || others.length === 0 ? [] : ['taskset', '-c', others.join()]
  const [program, ...args] = [...pinned, 'nginx', '-c', join(folder, 'conf'), '-e', log]
  const nginx = spawn(program, args, { stdio: 'ignore' })
  const server = await Promise.race([
    new Promise(resolve => nginx.once('error', () => resolve(undefined))),
    new Promise(resolve => setTimeout(resolve, 1000, nginx)),
  ])
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  if (server) return server
  const child = fork(self, process.argv.slice(2))
  await new Promise(resolve => child.once('message', resolve))
  return child
}

function addressOf(at) {
  return `127.1.${at >> 8}.${at & 255}`
}

async function measureKeepalived() {
  const folder = mkdtempSync('/tmp/lvskeeper-bench-')
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const check = kind === 'tcp' ? ['TCP_CHECK {'] : ['HTTP_GET {', 'url {', 'path /', 'status_code 200', '}']
  const realServers = Array.from({ length: Number(servers) }, (_, at) => [
    `real_server ${addressOf(at)} ${PORT} {`,
    'weight 1',
    ...check,
    'connect_timeout 1',
    'retry 0',
    '}',
    '}',
  ])
  const service = [
    `virtual_server 10.9.9.9 ${PORT} {`,
    'lvs_sched rr',
    'lvs_method DR',
    'protocol TCP',
    `delay_loop ${Number(interval) / 1000}`,
  ]
  writeFileSync(join(folder, 'conf'), [...service, ...realServers.flat(), '}', ''].join('\n'))
  const child = await startServer()
  const args = ['-n', '-C', '-f', join(folder, 'conf'), '-p', join(folder, 'p'), '-c', join(folder, 'c')]
  const keepalived = spawn('keepalived', args, { stdio: 'ignore' })
  await new Promise(resolve => setTimeout(resolve, 4000 + Number(interval)))
  const checker = readdirSync('/proc').find(
    pid =>
      /^\d+$/.test(pid) &&
      stat(pid)?.[1] === String(keepalived.pid) &&
      readFileSync(`/proc/${pid}/comm`, 'latin1').startsWith('keepalived'),
  )
  const before = cpuOf(checker)
  const began = performance.now()
  await new Promise(resolve => setTimeout(resolve, Number(seconds) * 1000))
  const spent = cpuOf(checker) - before
  const elapsed = (performance.now() - began) / 1000
  // It does not count its checks: one per server and interval, as it is told to.
  const checks = (elapsed / (Number(interval) / 1000)) * Number(servers)
  const table = spawnSync('sh', ['-c', 'wc -l </proc/net/ip_vs']).stdout?.toString().trim()
  console.log(
    JSON.stringify({
      engine,
      kind,
      servers: Number(servers),
      interval: Number(interval),
      cpuPer1000: Number(((spent / checks) * 1000).toFixed(4)),
      load: Number((spent / elapsed).toFixed(3)),
      tableLines: Number(table),
    }),
  )
  keepalived.kill()
  child.kill()
  await new Promise(resolve => keepalived.once('exit', resolve))
  process.exit(0)
}

/** Fields 3 and following of /proc/PID/stat. */
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** Seconds of processor time, user and system (proc(5): 14 and 15, in hundredths). */
function cpuOf(pid) {
  const fields = stat(pid)
  return (Number(fields?.[11]) + Number(fields?.[12])) / 100
}

async function measure() {
  const { createMonitor } = await import(`${dist}/checkers/monitor.js`)
  const { probeFor } = await import(`${dist}/checkers/probe-for.js`)
  const { systemClock } = await import(`${dist}/src/clock.js`)
  const nodeDial = (await import(`${dist}/checkers/dial.js`)).dial
  const open = dial === 'node' ? nodeDial : (await import(`${dist}/src/linux/batch-dial.js`)).createBatchDial()
  const child = await startServer()

  let failures = 0
  const monitor = createMonitor({
    clock: systemClock,
    random: Math.random,
    probeFor: spec => probeFor(spec, { dial: open }),
    onVerdict() {},
    onResult(_key, _spec, outcome) {
      if (!outcome.passed && failures++ < 3) console.error(outcome)
    },
    ...(watch === '1' ? { watch: { dial: open, budget: 100_000 } } : {}),
  })
  const probes = {
    tcp: { kind: 'tcp', steps: [] },
    http: {
      kind: 'http',
      version: '1.1',
      method: 'GET',
      path: '/',
      headers: {},
      status: [[200, 299]],
      maxBytes: 65536,
    },
  }
  const periods = kind === 'both' ? { tcp: 2000, http: 5000 } : { [kind]: Number(interval) }
  const wanted = new Map()
  for (const [name, period] of Object.entries(periods)) {
    const spec = {
      name,
      key: name,
      probe: probes[name],
      interval: period,
      fastInterval: 200,
      downInterval: period,
      timeout: 1000,
      rise: 2,
      fall: 3,
      jitter: 0.05,
      severity: 'fail',
      watch: { enabled: watch === '1', final: true },
    }
    for (let at = 0; at < Number(servers); at++) {
      const address = addressOf(at)
      wanted.set(`${name} ${address}`, { target: { address, port: PORT }, spec })
    }
  }
  monitor.set(wanted)
  // First checks, and the compiler, are not what is measured.
  await new Promise(resolve => setTimeout(resolve, Math.max(3000, Math.max(...Object.values(periods)) + 1000)))
  const before = monitor.metrics()
  monitor.resetLag()
  const cpu = process.cpuUsage()
  const began = performance.now()
  await new Promise(resolve => setTimeout(resolve, Number(seconds) * 1000))
  const used = process.cpuUsage(cpu)
  const elapsed = (performance.now() - began) / 1000
  const after = monitor.metrics()
  const checks = after.attempts - before.attempts
  const spent = (used.user + used.system) / 1e6
  console.log(
    JSON.stringify({
      kind,
      dial,
      servers: Number(servers),
      intervals: periods,
      perSecond: Math.round(checks / elapsed),
      cpuPer1000: Number(((spent / checks) * 1000).toFixed(4)),
      user: Number((used.user / checks / 1000).toFixed(4)),
      system: Number((used.system / checks / 1000).toFixed(4)),
      load: Number((spent / elapsed).toFixed(3)),
      lag: Object.fromEntries(Object.entries(after.lag).map(([name, ms]) => [name, Number(ms.toFixed(2))])),
      failures,
      inFlight: after.inFlight,
      queued: after.queued,
      watch: after.watch.held,
      memoryMB: Math.round(process.memoryUsage().rss / 2 ** 20),
    }),
  )
  monitor.stop()
  child.kill()
  process.exit(0)
}
