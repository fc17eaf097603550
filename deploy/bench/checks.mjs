// What checks cost: CPU per 1,000 checks and scheduling lag, in a network namespace of its own, over the compiled program.
//   node deploy/bench/checks.mjs [kind=tcp|http|https] [servers=1000] [interval=1000] [seconds=10] [dial=batch|node] [watch=0|1]
import { fork, spawnSync } from 'node:child_process'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const self = fileURLToPath(import.meta.url)
const dist = process.env['LVSKEEPER_DIST'] ?? fileURLToPath(new URL('../../dist', import.meta.url))
const options = Object.fromEntries(process.argv.slice(2).map(word => word.split('=')))
const { kind = 'tcp', servers = '1000', interval = '1000', seconds = '10', dial = 'batch', watch = '0' } = options
const PORT = 8080

if (process.send) serve()
else if (!process.env['LVSKEEPER_BENCH']) enter()
else await measure()

/** The same again in a namespace whose only interface is lo. */
function enter() {
  const args = [
    '-n',
    'sh',
    '-c',
    'ip link set lo up && exec "$0" "$@"',
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

async function measure() {
  const { createMonitor } = await import(`${dist}/checkers/monitor.js`)
  const { probeFor } = await import(`${dist}/checkers/probe-for.js`)
  const { systemClock } = await import(`${dist}/src/clock.js`)
  const nodeDial = (await import(`${dist}/checkers/dial.js`)).dial
  const open = dial === 'node' ? nodeDial : (await import(`${dist}/src/linux/batch-dial.js`)).createBatchDial()
  const child = fork(self, process.argv.slice(2))
  await new Promise(resolve => child.once('message', resolve))

  let failures = 0
  const monitor = createMonitor({
    clock: systemClock,
    random: Math.random,
    probeFor: spec => probeFor(spec, { dial: open }),
    onVerdict() {},
    onResult(_, { outcome }) {
      if (!outcome.passed && failures++ < 3) console.error(outcome)
    },
    ...(watch === '1' ? { watch: { dial: open, budget: 100_000 } } : {}),
  })
  const probe =
    kind === 'tcp'
      ? { kind: 'tcp', steps: [] }
      : { kind: 'http', version: '1.1', method: 'GET', path: '/', headers: {}, status: [[200, 299]], maxBytes: 65536 }
  const period = Number(interval)
  const pace = {
    interval: period,
    fastInterval: 200,
    downInterval: period,
    timeout: 1000,
    rise: 2,
    fall: 3,
    jitter: 0.05,
  }
  const spec = {
    name: kind,
    key: kind,
    probe,
    ...pace,
    severity: 'fail',
    watch: { enabled: watch === '1', final: true },
  }
  const wanted = new Map()
  for (let at = 0; at < Number(servers); at++) {
    const address = `127.1.${at >> 8}.${at & 255}`
    wanted.set(address, { target: { address, port: PORT }, spec })
  }
  monitor.set(wanted)
  // First checks, and the compiler, are not what is measured.
  await new Promise(resolve => setTimeout(resolve, Math.max(3000, period + 1000)))
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
      interval: period,
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
