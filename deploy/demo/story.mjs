// The main job, on a real kernel: two directors, two nginx, one client that never stops asking. Each step is checked in the
// kernel's own table or by the client; the first that is not true ends the demo with exit code 1.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { director, endKeepers, lab, sleep, until } from '../lab/director.mjs'

const labFolder = join(import.meta.dirname, '../lab')
const colour = process.env.FORCE_COLOR === '1'
const paint = (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text)
const say = text => console.log(text)
const title = text => say(`\n${paint('bold', `── ${text} `)}${paint('dim', '─'.repeat(Math.max(0, 76 - text.length)))}`)
const good = text => say(`${paint('green', '✓')} ${text}`)
const ms = value => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`

const lost = seen => Object.values(seen.errors).reduce((sum, count) => sum + count, 0)
const failures = seen =>
  lost(seen) === 0
    ? 'none failed'
    : `${lost(seen)} failed (${Object.entries(seen.errors)
        .map(([why, count]) => `${count} ${why}`)
        .join(', ')})`
const servers = one => one.table()[0]?.[1].length ?? 0
const note = (what, value) => figures.push([what, value])
/** Lets start-up work end: one processor serves all machines of this lab. */
const quiet = () => sleep(2_500)

const vip = '10.9.0.100'
const figures = []

try {
  await pair('dr')
  await pair('nat')
  title('What was measured')
  for (const [what, value] of figures) say(`  ${what.padEnd(66)} ${value}`)
  say('\nEverything above was seen in the kernel or by the client. `npm run lab` opens a shell in the same lab.')
} catch (error) {
  console.error(`\n${paint('red', '✗')} ${error.message}`)
  process.exitCode = 1
} finally {
  endKeepers()
}

async function pair(mode) {
  const net = lab(`demo${mode}`)
  const config = join(import.meta.dirname, `pair-${mode}.yaml`)
  const full = mode === 'dr'
  const alerts = []
  net.up('--mode', mode)
  let receiver
  const d1 = director(net, 'd1', { config })
  const d2 = director(net, 'd2')
  try {
    title(`Two directors, one file (${mode === 'dr' ? 'direct routing' : 'NAT'})`)
    say(
      readFileSync(config, 'utf8')
        .split('\n')
        .slice(1)
        .filter(Boolean)
        .map(line => paint('dim', `  ${line}`))
        .join('\n'),
    )
    receiver = net.spawn('cl', [process.execPath, join(import.meta.dirname, 'receiver.mjs')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    receiver.stdout.on('data', part => {
      for (const line of String(part).split('\n').filter(Boolean)) {
        const alert = JSON.parse(line)
        if (alert.name) alerts.push(alert)
      }
    })
    d1.start()
    d2.start()
    const started = await until(
      'both directors are ready and d1 is master',
      () => d1.holds(vip) && servers(d1) === 2 && servers(d2) === 2,
      60_000,
    )
    await quiet()
    good(`d1 owns ${vip} and both kernels have their table, ${ms(started.ms)} after the start`)
    say((await d1.cli('table')).replace(/^/gm, '    ').trimEnd())
    assert(!d2.holds(vip), 'd2 holds the VIP as well')
    // The kernel lists real servers in the order in which they came up, which is each director's own.
    const sorted = one =>
      one.table().map(([name, all]) => [name, all.toSorted((a, b) => (a.address < b.address ? -1 : 1))])
    assert(JSON.stringify(sorted(d1)) === JSON.stringify(sorted(d2)), 'the two tables differ')
    good('d2 holds the same table and no VIP: a failover needs no programming')

    title('Clients are served by both real servers')
    const answers = []
    for (let i = 0; i < 10; i++) answers.push((await net.exec('cl', 'curl', '-sS', '-m', '2', `http://${vip}/`)).trim())
    assert(new Set(answers).size === 2, `the answers were ${answers}`)
    good(`ten requests were answered by ${answers.join(', ')}`)

    if (full) {
      await realServerDies(net, d1, d2)
      await checkersDie(d1, d2)
    }
    await crash(net, d1, d2, mode)
    await comesBack(net, d1, d2)
    if (full) await switchOver(net, d1, d2)
    await tellAlerts(alerts, full)
  } catch (error) {
    error.message += `\n--- d1's last lines\n${tail(d1)}\n--- d2's last lines\n${tail(d2)}`
    throw error
  } finally {
    receiver?.kill()
    for (const one of [d1, d2]) {
      try {
        one.crash()
      } catch {
        // It is down already.
      }
    }
    endKeepers()
    net.down()
  }
}

async function realServerDies(net, d1, d2) {
  title('nginx on rs1 is killed')
  const pid = Number(readFileSync(`/run/lvskeeper-lab/${net.prefix}/nginx-rs1/pid`, 'utf8'))
  const workers = (await net.exec('rs1', 'sh', '-c', `cat /proc/${pid}/task/${pid}/children`))
    .trim()
    .split(' ')
    .map(Number)
  const probe = client(net, 20)
  await sleep(300)
  for (const one of [pid, ...workers]) process.kill(one, 'SIGKILL')
  const gone = await until('rs1 has left both tables', () => servers(d1) === 1 && servers(d2) === 1)
  note('real server killed -> out of both kernel tables', ms(gone.ms))
  good(`both kernels dropped rs1 ${ms(gone.ms)} after the kill (the check runs once a second)`)
  say(`    ${paint('dim', `lvskeeper explain: ${(await d1.cli('explain', 'web/10.9.0.21:80')).split('\n')[0]}`)}`)
  net.topology('nginx', 'start', 'rs1')
  const back = await until('rs1 is back in both tables', () => servers(d1) === 2 && servers(d2) === 2)
  note('real server started -> back in both kernel tables', ms(back.ms))
  good(`rs1 came back ${ms(back.ms)} after its start (two good checks)`)
  const seen = await probe.end()
  good(`the client made ${seen.attempts} connections meanwhile; ${failures(seen)}`)
}

async function checkersDie(d1, d2) {
  title('Processes of the master are killed one by one')
  const { checkers, control, vrrp } = d1.pids()
  const before = JSON.stringify(d1.table())
  for (const [name, pid] of Object.entries({ checkers, control, vrrp })) {
    const health = name === 'checkers' ? nextCheck(d1) : undefined
    process.kill(pid, 'SIGKILL')
    const start = performance.now()
    while (performance.now() - start < 1_500) {
      assert(d1.holds(vip), `the VIP left d1 when ${name} was killed`)
      assert(!d2.holds(vip), `d2 took the VIP when ${name} was killed`)
      assert(
        JSON.stringify(d1.table().map(([service, all]) => [service, all.map(one => one.address)])) ===
          JSON.stringify(JSON.parse(before).map(([service, all]) => [service, all.map(one => one.address)])),
        `the table changed when ${name} was killed`,
      )
      await sleep(5)
    }
    const resumed = await health
    if (resumed) note('checkers killed -> the next check of a real server', ms(resumed.ms))
    const also = resumed ? `, and the next check of a real server ${ms(resumed.ms)} later` : ''
    good(`${name} killed: no failover, no change in the table${also}`)
  }
  await until(
    'the killed processes are back',
    async () => (await d1.status())?.processes.every(one => one.state === 'running'),
    30_000,
    200,
  )
  await quiet()
}

/** Resolves at the end of the first check from now on, of a process that has then taken the place of the one there is. */
function nextCheck(one) {
  const { checkers } = one.pids()
  const since = Date.now()
  return until(
    'health goes on',
    async () => {
      const status = await one.status()
      const other = status?.processes.some(({ role, pid }) => role === 'checkers' && pid !== checkers)
      return (
        other &&
        status.services.some(({ realServers }) => realServers.some(({ checks }) => checks[0]?.last?.at > since))
      )
    },
    10_000,
    20,
  )
}

async function crash(net, d1, d2, mode) {
  title('The master crashes: all its processes are killed and its cable is cut')
  const pids = Object.values(d1.pids())
  const probe = client(net)
  await sleep(1_000)
  // The cable first: a dead program whose kernel goes on serving would be no outage at all.
  const cut = net.cut('d1')
  d1.crash(pids)
  await cut
  await until('d2 owns the VIP', () => d2.holds(vip), 10_000)
  await sleep(1_500)
  const seen = await probe.end()
  const gap = Math.max(0, ...seen.gaps.map(one => one.ms))
  assert(gap > 0 && gap < 1_000, `the client saw a gap of ${gap} ms: ${JSON.stringify(seen)}`)
  note(`master crashed (${mode}), adverts every 100 ms: the client's gap`, ms(gap))
  good(`d2 took over; the client, asking every 5 ms, got no answer for ${ms(gap)}`)
  const vipGone = await until('the kernel of d1 withdrew the VIP', () => !d1.holds(vip), 10_000)
  good(
    `the kernel of d1 withdrew the VIP by itself, its lifetime over, ${ms(vipGone.ms)} later: no second holder is left`,
  )
}

async function comesBack(net, d1, d2) {
  title('The old master returns')
  // As patient as a browser: what counts as lost is a connection that fails, not one that had to send its SYN again.
  const probe = client(net, 5, 2_000)
  await net.heal('d1')
  // One processor serves all machines of this lab: the start of a program on d1 must not take it from the client.
  d1.start({ nice: 5 })
  const back = await until('d1 is master again', () => d1.holds(vip) && !d2.holds(vip), 60_000)
  await sleep(1_000)
  const seen = await probe.end()
  const gap = Math.max(0, ...seen.gaps.map(one => one.ms))
  note(
    "old master's return, preempting: the client's longest gap",
    gap === 0 ? `none above ${seen.threshold} ms` : ms(gap),
  )
  assert(gap < 1_000, `nobody answered for ${ms(gap)}`)
  assert(lost(seen) === 0, `the client lost connections: ${JSON.stringify(seen.errors)}`)
  good(
    `d1 pre-empted after its own first checks, ${ms(back.ms)} after its start; ${seen.attempts} connections, none lost`,
  )
  await quiet()
}

async function switchOver(net, d1, d2) {
  title('A planned switch-over: lvskeeper failover web')
  const probe = client(net, 5, 2_000)
  await sleep(500)
  say(paint('dim', `    ${await d1.ask('/v1/failover', { router: 'web', reason: 'demo' })}`))
  assert(d2.holds(vip) && !d1.holds(vip), 'd2 does not have the VIP')
  await sleep(500)
  say(paint('dim', `    ${await d1.ask('/v1/failover', { router: 'web', back: true })}`))
  await until('d1 has it back', () => d1.holds(vip) && !d2.holds(vip))
  await sleep(500)
  const seen = await probe.end()
  const gap = Math.max(0, ...seen.gaps.map(one => one.ms))
  note(
    "planned switch-over and back: the client's longest gap",
    gap === 0 ? `none above ${seen.threshold} ms` : ms(gap),
  )
  good(`there and back; ${seen.attempts} connections, ${failures(seen)}`)
}

async function tellAlerts(alerts, full) {
  title('The alerts, as a webhook receiver in the lab got them')
  const wanted = full ? ['vrrp.state', 'server.down', 'server.up'] : ['vrrp.state']
  await until('the alerts arrived', () => wanted.every(name => alerts.some(alert => alert.name === name)), 20_000, 50)
  for (const alert of alerts)
    say(`    ${new Date(alert.received).toISOString().slice(11, 23)} ${alert.node}  ${alert.text}`)
  good(`${alerts.length} alerts were received`)
}

/** The client: one new connection every few ms, never waiting for the one before. */
function client(net, every = 5, timeout = 250) {
  const process_ = net.spawn(
    'cl',
    [
      process.execPath,
      join(labFolder, 'probe.mjs'),
      '--target',
      `${vip}:80`,
      '--threshold',
      '20',
      '--every',
      String(every),
      '--timeout',
      String(timeout),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let out = ''
  process_.stdout.on('data', part => {
    out += part
  })
  return {
    end: () =>
      new Promise(resolve => {
        process_.on('close', () => resolve({ threshold: 20, ...JSON.parse(out) }))
        process_.kill('SIGTERM')
      }),
  }
}

function assert(condition, text) {
  if (!condition) throw new Error(text)
}

function tail(one) {
  try {
    return one
      .log()
      .trimEnd()
      .split('\n')
      .slice(-12)
      .map(line => line.slice(0, 300))
      .join('\n')
  } catch (error) {
    return error.message
  }
}
