import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { expect } from 'vitest'
import { groupId } from '../../src/api/author.js'
import { ApiError } from '../../src/api/client.js'
import { loadText } from '../../src/cli/load-file.js'
import type { Status } from '../../src/status/status.js'
import { type Namespace, type Segment, segment, sleep, until } from '../linux/namespaces.js'
import { director } from './director.js'
import { edit, firstFile, random } from './edits.js'
import { heardAdverts } from './heard-adverts.js'
import { kernelTold, overrideLasts } from './kernel-told.js'

type Config = Extract<ReturnType<typeof loadText>, { ok: true }>['config']

/** Real servers 10.9.0.21 to .26: port 8001 accepts, any other port refuses. */
async function realServers(namespace: Namespace) {
  for (let n = 21; n <= 26; n++) namespace.run('ip', 'addr', 'add', `10.9.0.${n}/24`, 'dev', 'eth0')
  const child = namespace.start(process.execPath, '-e', "require('net').createServer(s=>s.end()).listen(8001)")
  await until('the real servers', () => namespace.run('ss', '-ltn').includes(':8001'))
  return child
}

/** What runs, as the status says: comparable with what the file says. */
function runs(status: Status) {
  return {
    routers: status.routers
      .map(({ name, vrid, advertInterval, priority, vips }) => ({
        name,
        vrid,
        advertInterval,
        base: priority.base,
        vips,
      }))
      .sort(byName),
    alerts: status.alerts.map(({ name }) => name).sort(),
    services: status.services
      .map(({ name, ids, scheduler, realServers }) => ({
        name,
        ids,
        scheduler,
        realServers: realServers.map(({ address, port, weight, forward, checks }) => ({
          ...{ address, port, weight, forward },
          checks: checks.map(check => `${check.kind} ${check.name}`),
        })),
      }))
      .sort(byName),
  }
}

function says(config: Config): ReturnType<typeof runs> {
  return {
    routers: config.routers
      .map(({ name, vrid, advertInterval, priority, vips }) => ({
        ...{ name, vrid, advertInterval, base: priority },
        vips: vips.map(vip => `${vip.address}/${vip.prefix}`),
      }))
      .sort(byName),
    alerts: config.alerts.map(({ name }) => name).sort(),
    services: config.services
      .map(({ name, ids, settings, realServers }) => ({
        ...{ name, ids, scheduler: settings.scheduler },
        realServers: realServers.map(({ address, port, weight, forward, checks }) => ({
          ...{ address, port, weight, forward },
          checks: checks.map(check => `${check.probe.kind} ${check.name}`),
        })),
      }))
      .sort(byName),
  }
}

/** What the control process itself does as the file says: whose its socket is, and where it serves metrics, with the page or without. */
async function serves(one: ReturnType<typeof director>, { a }: Segment) {
  const sockets = a.run('ss', '-ltnH').trim().split('\n')
  const open = sockets.map(line => line.split(/\s+/)[3] ?? '').filter(address => /:94\d\d$/.test(address))
  const metrics = await Promise.all(
    open.map(async where => ({
      where,
      metrics: await a.stay(() => statusCode(`http://${where}/metrics`)),
      page: (await a.stay(() => statusCode(`http://${where}/`))) === 200,
    })),
  )
  return { group: statSync(join(one.run, 'control.sock')).gid, metrics }
}

function mustServe({ api, metrics }: Config): Awaited<ReturnType<typeof serves>> {
  const where = metrics && `${metrics.address}:${metrics.port}`
  return {
    group: groupId(api.group) ?? 0,
    metrics: where === undefined ? [] : [{ where, metrics: 200, page: metrics?.page ?? true }],
  }
}

function statusCode(url: string): Promise<number | undefined> {
  return new Promise((done, fail) => {
    get(url, { agent: false }, response => {
      response.resume()
      done(response.statusCode)
    }).on('error', fail)
  })
}

/** The files that alerts append to, each its own, that hold what was told of this reload; a delivery that a reload cut off comes again. */
function told(folder: string, reason: string): string[] {
  return readdirSync(folder)
    .filter(name => readFileSync(join(folder, name), 'utf8').includes(`${reason}\\")`))
    .sort()
}

/** Those that are for everything, and hear notices. */
function mustTell({ alerts }: Config): string[] {
  return alerts
    .filter(({ level, subjects }) => level === 'notice' && subjects === undefined)
    .map(({ exec }) => exec?.argv.at(-1)?.split('/').at(-1) ?? '')
    .sort()
}

/** What feeds each router's priority, and what comes of it. */
function tracks(status: Status) {
  return status.routers
    .map(({ name, priority }) => ({
      name,
      effective: priority.effective,
      contributions: priority.contributions.map(({ source, value }) => `${source} ${value}`).sort(),
    }))
    .sort(byName)
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)

/** Each check of each real server with a verdict, by everything that it is: what may not start anew. */
function health(status: Status, config: Config): Map<string, { verdict: string; since: number }> {
  const found = new Map<string, { verdict: string; since: number }>()
  for (const service of status.services) {
    const said = config.services.find(({ name }) => name === service.name)
    for (const server of service.realServers) {
      const specs = said?.realServers.find(one => one.address === server.address && one.port === server.port)?.checks
      for (const [at, check] of server.checks.entries())
        if (check.verdict !== 'unknown' && specs)
          found.set(JSON.stringify([service.name, server.address, server.port, specs[at]]), {
            verdict: check.verdict,
            since: check.since,
          })
    }
  }
  return found
}

/** Random edits of a running director, each reloaded and compared. Answers how many were applied and refused, and what was compared. */
export async function reloadStory(seed: number, rounds: number) {
  const net = segment()
  const answering = await realServers(net.b)
  const one = director(net.a)
  const wire = await heardAdverts(net.b)
  const kernel = kernelTold(net.a)
  const reloads: { readonly at: number; readonly what: string }[] = []
  const rng = random(seed)
  const folder = join(one.folder, 'told')
  mkdirSync(folder)
  let file = firstFile(folder)
  const wasTold = new Map<string, string[]>()
  let config = loaded(JSON.stringify(file), one.file)
  let [applied, refused, compared] = [0, 0, 0]
  try {
    one.write(JSON.stringify(file))
    await one.start()
    let before = await one.until('all masters and verdicts', settled, 15_000)
    for (let round = 0; round < rounds; round++) {
      const candidate = structuredClone(file)
      const what = `seed ${seed}, edit ${round}: ${edit(candidate, rng, folder)}`
      const text = JSON.stringify(candidate)
      const next = load(text, one.file)
      one.write(text)
      reloads.push({ at: Date.now(), what })
      const reason = `edit #${round}`
      const answer = await one.post('/v1/reload', { reason }).catch((error: unknown) => error)
      expect(answer instanceof ApiError ? answer.code : 'applied', what).toBe(next.ok ? 'applied' : 'config')
      const old = config
      if (next.ok) [file, config, applied] = [candidate, next.config, applied + 1]
      else refused++
      const expected = JSON.stringify(says(config))
      const status = await one.until(what, now => JSON.stringify(runs(now)) === expected, 5_000)
      if (next.ok) {
        wasTold.set(reason, mustTell(config))
        await until(`${what}: what was told`, () => told(folder, reason).length >= mustTell(config).length, 5_000)
      }
      expect(await serves(one, net), what).toEqual(mustServe(config))
      const settings = what.endsWith(': change a setting')
      if (settings) expect(await overrideLasts(one), what).toBe(config.overrideLimit / 1000)
      for (const router of before.routers.filter(({ state }) => state === 'master')) {
        const same = status.routers.find(({ name, vrid }) => name === router.name && vrid === router.vrid)
        if (same)
          expect({ state: same.state, since: same.since }, what).toEqual({ state: 'master', since: router.since })
      }
      const [had, has] = [health(before, old), health(status, config)]
      const asked = new Set(health(status, config).keys())
      const kept = new Set(config.services.flatMap(service => checksOf(service)))
      for (const [key, value] of had)
        if (kept.has(key)) {
          compared++
          expect({ key, ...has.get(key) }, what).toEqual({ key, ...value })
        }
      expect(asked.size, what).toBeGreaterThan(0)
      before = await one.until(`${what}: settled`, settled, 15_000)
      kernel.compare(config)
    }
    // Of routers that went on over a reload; the last reload before the silence ended is named.
    const late = wire.late().map(gap => ({ ...gap, what: reloads.findLast(({ at }) => at < gap.at)?.what }))
    expect(late).toEqual([])
    const adverts = wire.count()
    // Tracking settles by itself: the slowest script runs every 700 ms.
    await sleep(2_500)
    const end = runs(before)
    const tracked = JSON.stringify(tracks(await one.status()))
    const { pid } = before.processes.find(({ role }) => role === 'control') ?? {}
    // The last edit may have been refused, and no process starts from such a file.
    one.write(JSON.stringify(file))
    await one.post('/v1/restart')
    const again = await one.until(
      'the next process',
      now => {
        const control = now.processes.find(({ role }) => role === 'control')
        return (
          control?.pid !== pid &&
          settled(now) &&
          now.services.length === end.services.length &&
          JSON.stringify(tracks(now)) === tracked
        )
      },
      20_000,
    )
    expect(runs(again)).toEqual(end)
    expect(await serves(one, net)).toEqual(mustServe(config))
    for (const [reason, names] of wasTold) expect(told(folder, reason), reason).toEqual(names)

    // Nothing is left that the fresh one could find.
    await one.post('/v1/stop', { clear: true })
    await one.stop()
    await one.start()
    const fresh = await one.until(
      'a fresh start',
      now => settled(now) && JSON.stringify(tracks(now)) === tracked,
      20_000,
    )
    expect(runs(fresh)).toEqual(end)
    expect(await serves(one, net)).toEqual(mustServe(config))
    expect(await overrideLasts(one)).toBe(config.overrideLimit / 1000)
    return { applied, refused, compared, adverts }
  } finally {
    wire.end()
    await one.stop()
    answering.kill()
    one.remove()
    net.remove()
  }
}

function checksOf({ name, realServers }: Config['services'][number]): string[] {
  return realServers.flatMap(({ address, port, checks }) =>
    checks.map(check => JSON.stringify([name, address, port, check])),
  )
}

/** Everybody is master, every check has a verdict. */
function settled({ routers, services }: Status): boolean {
  const checks = services.flatMap(({ realServers }) => realServers.flatMap(server => server.checks))
  return (
    routers.length > 0 &&
    routers.every(({ state }) => state === 'master') &&
    checks.every(({ verdict }) => verdict !== 'unknown')
  )
}

function load(text: string, file: string) {
  return loadText(text, file, { node: 'd1', static: true })
}

function loaded(text: string, file: string): Config {
  const result = load(text, file)
  if (!result.ok) throw new Error(JSON.stringify(result.errors))
  return result.config
}
