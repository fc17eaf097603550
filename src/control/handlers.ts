import type { Config } from '../../config/config.js'
import type { Problem } from '../../config/problem.js'
import type { ApiHandlers, Change, PushReport, RefusalCode, Reply } from '../api/handlers.js'
import type { ServiceId, Table } from '../ipvs/table.js'
import type { Behind, CheckResult, Event, Leave, Override } from '../messages.js'
import { ready, unreadiness } from '../peer/view.js'
import { explain } from '../status/explain.js'
import { current } from './behind.js'
import { active, end } from './overrides.js'
import { planChanges } from './plan.js'
import type { KernelSettings } from './planned-settings.js'
import { restartNeeded } from './restart-needed.js'
import { about, label, listed, noSuchServer, parseServerName, type ServerName, touched } from './servers.js'
import { shortOfQuorum } from './short-of-quorum.js'
import { type State, statusOf } from './state.js'

/** What the handlers set in motion. */
export interface Actions {
  /** Reads the file and applies it; answers what keeps it from being applied. */
  reload(confirm: number | undefined): Promise<
    | {
        readonly ok: true
        readonly lacking: readonly string[]
        /** Overrides that fit no real server any more, by name. */
        readonly unmatched: readonly string[]
      }
    | { readonly ok: false; readonly errors: readonly Problem[] }
  >
  /** What is wrong with the file as it is now: the next process could not start from it. */
  problems(): readonly Problem[]
  confirm(): boolean
  setOverrides(add: readonly Override[]): void
  setOrders(orders: Readonly<Record<string, Behind>>): void
  leave(how: Leave): void
  record(event: Event): void
  kernelTable(ids: readonly ServiceId[]): Promise<Table>
  kernelSettings(): KernelSettings
  /** The last results of a real server's checks, oldest first. */
  results(service: string, address: string, port: number): Promise<readonly CheckResult[]>
  /** Lets checks with manual resume come up again; answers how many waited for it. */
  resume(service: string, address: string, port: number): Promise<number>
  /** Hands a report to the checks of kind `push`; rejects when none has this id. */
  push(report: PushReport): Promise<void>
}

/** How long a planned switch-over may take before it is called failed, ms. */
const switchLimit = 5_000

/** How long the checkers process may take to do what an order says, ms. */
const orderLimit = 2_000

/** Answers the API from the state, and sets in motion what was asked. */
export function createHandlers(state: State, actions: Actions): ApiHandlers {
  let busy: string | undefined

  /** One change of the whole at a time: two reloads at once would answer for each other. */
  async function alone<T>(what: string, act: () => Promise<Reply<T>>): Promise<Reply<T>> {
    if (busy) return no('busy', `${busy} is under way`)
    busy = what
    try {
      return await act()
    } finally {
      busy = undefined
    }
  }

  function routersLeft(): boolean {
    return [...state.routers.values()].some(router => router.state === 'master')
  }

  /** Why nobody could take over; undefined when somebody can, or when it is forced. */
  function nobodyReady(force: boolean): string | undefined {
    if (force) return undefined
    const { config } = state
    if (config.directors.length < 2) return 'the file names no other director (--force does it anyway)'
    if (config.peerKeyFile === undefined) {
      return 'whether another director is ready is unknown without peer_key_file (--force does it anyway)'
    }
    const others = state.peers()
    if (others.some(ready)) return undefined
    const why = others.map(peer => `${peer.name}: ${unreadiness(peer)}`).join('; ')
    return `no other director is ready${why === '' ? '' : ` (${why})`}; --force does it anyway`
  }

  async function comes(done: () => boolean, patience = switchLimit): Promise<boolean> {
    const limit = performance.now() + patience
    while (!done() && performance.now() < limit) await new Promise(resolve => setTimeout(resolve, 5))
    return done()
  }

  async function left(names: readonly string[], order: Behind): Promise<string | undefined> {
    const masters = names.filter(name => state.routers.get(name)?.state === 'master')
    const gone = (name: string) => state.routers.get(name)?.state !== 'master'
    const followed = (name: string) => state.routers.get(name)?.behind?.at === order.at
    if (await comes(() => names.every(followed) && masters.every(gone))) return undefined
    const held = names.filter(name => !gone(name))
    return held.length > 0 ? `nobody took ${held.join(', ')}: still master here` : 'the vrrp process did not answer'
  }

  /** What the checkers process carries out of what a person said of this real server. */
  function carriedOut({ service, address, port }: Pick<Override, 'service' | 'address' | 'port'>) {
    const servers = state.services.get(service)?.realServers ?? []
    return servers.find(server => server.address === address && server.port === port)?.override
  }

  function nothingCalled(subject: string): string {
    const services = [...state.services.values()]
    if (parseServerName(subject)) return noSuchServer(services, subject)
    const routers = listed(state.config.routers.map(({ name }) => name))
    return `nothing here is called ${subject}: of virtual routers ${routers}, of virtual servers ${listed(services.map(({ name }) => name))}, of directors ${listed(state.config.directors.map(({ name }) => name))}`
  }

  /** An answer to what must outlive a restart: it says so if the disk did not take it (control/keep.ts). */
  function kept(what: 'overrides' | 'orders' | 'confirm', value: Change): Reply<Change> {
    const trouble = state.storage.get(what)
    return done(trouble === undefined ? value : { ...value, warnings: [trouble] })
  }

  return {
    status: () => statusOf(state),
    overrideLimit: () => state.config.overrideLimit,
    events: state.events,

    async explain(subject) {
      const events = (wanted: string) => state.events.recent(20, { subject: wanted })
      const found = explain(statusOf(state), subject, events, state.config.directors)
      const { servers: some, routers, directors, tracked } = found
      if (some.length + routers.length + directors.length + tracked.length === 0)
        return no('not-found', nothingCalled(subject))
      const servers = await Promise.all(
        found.servers.map(async entry => {
          const { service, server } = entry
          const results = await actions.results(service.name, server.address, server.port).catch(() => undefined)
          return results === undefined ? { ...entry, unanswered: true as const } : { ...entry, results }
        }),
      )
      return { value: { ...found, servers } }
    },

    async plan(candidate) {
      // The candidate was loaded and validated by the caller's own lvskeeper; here it is only compared, never applied.
      const next = candidate === undefined ? state.config : (candidate as Config)
      if (!Array.isArray(next.routers) || !Array.isArray(next.services))
        return no('invalid', 'that is not a configuration')
      try {
        const ids = [...state.config.services, ...next.services].flatMap(service => service.ids)
        // The candidate came as JSON, which knows no bytes: compared as JSON, keys of authentication are equal again.
        const now = candidate === undefined ? state.config : (JSON.parse(JSON.stringify(state.config)) as Config)
        // Two directors of virtual routers alone need no table; without one (no module, no right) the rest of the plan is as good as ever.
        const table: Table | string =
          ids.length === 0
            ? new Map()
            : await actions
                .kernelTable(ids)
                .catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
        const known = new Set(state.peers().flatMap(peer => (peer.state === 'fresh' ? [peer.name] : [])))
        const services = [...state.services.values()]
        return { value: planChanges(now, next, services, table, actions.kernelSettings(), known) }
      } catch (error) {
        return no('unavailable', error instanceof Error ? error.message : String(error))
      }
    },

    reload: ({ confirm }) =>
      alone('a reload', async () => {
        const old = state.config
        const before = old.hash
        const { generation } = state
        const result = await actions.reload(confirm)
        if (!result.ok) {
          const { errors } = result
          const text = `${errors.length} error${errors.length === 1 ? '' : 's'} in ${state.file}`
          return { error: { code: 'config', text, details: { errors } } }
        }
        if (result.lacking.length > 0)
          return no('unavailable', `applied, but not confirmed by ${result.lacking.join(' and ')}`)
        const same = generation === state.generation
        const ends = state.confirm ? Math.round((state.confirm.until - Date.now()) / 1000) : undefined
        const text = [
          same ? 'nothing has changed' : `generation ${state.generation} runs (${state.config.hash.slice(0, 12)})`,
          ...(ends === undefined ? [] : [`rolls back in ${ends} s unless confirmed`]),
          ...result.unmatched.map(name => `${name} fits no real server any more`),
          ...restartNeeded(old, state.config),
        ].join('; ')
        return kept('confirm', { text, before, after: state.config.hash })
      }),

    async confirm() {
      const ends = state.confirm?.until
      return actions.confirm()
        ? kept('confirm', {
            text: `generation ${state.generation} is confirmed`,
            before: { rollsBack: ends },
            after: null,
          })
        : no('refused', 'nothing waits for a confirmation')
    },

    async override(request, by) {
      const name = parseServerName(request.server)
      if (!name) return no('invalid', `${request.server}: expected SERVICE/ADDRESS[:PORT] or ADDRESS[:PORT]`)
      const services = [...state.services.values()]
      const found = touched(services, name)
      if (found.length === 0) return no('not-found', noSuchServer(services, request.server))
      const { verb, weight, until, deadline, activeOnly } = request
      const at = Date.now()
      const fresh = found.map(
        (server): Override => ({
          ...server,
          verb,
          at,
          ...by,
          ...(weight === undefined ? {} : { weight }),
          ...(until === undefined ? {} : { until }),
          ...(deadline === undefined ? {} : { deadline }),
          ...(activeOnly ? { activeOnly } : {}),
        }),
      )
      const before = active(state.overrides, at).filter(old => about(old, name))
      // One verb at a time: what was said of it before ends with this.
      const ended = end(state.overrides, old => old.verb !== verb && about(old, name), { ...by, at })
      actions.setOverrides([...ended, ...fresh])
      const count = found.length === 1 ? '1 real server' : `${found.length} real servers`
      const short = verb === 'force-up' ? [] : shortOfQuorum(services, found, weight ?? 0)
      const others = before.filter(old => said(old.verb, old.weight) !== said(verb, weight))
      const words = [...new Set(others.map(old => `${said(old.verb, old.weight)} by ${old.author}`))]
      const instead = words.length === 0 ? [] : [`instead of ${words.join(', ')}`]
      const taken = await comes(() => fresh.every(one => carriedOut(one)?.verb === verb), orderLimit)
      const late = taken ? [] : [notYet]
      const text = [`${said(verb, weight)}: ${count}`, ...instead, ...short, ...late].join('; ')
      return kept('overrides', { text, before, after: fresh, touched: found.map(label) })
    },

    async endOverride({ server }, by) {
      const name = parseServerName(server)
      if (!name) return no('invalid', `${server}: expected SERVICE/ADDRESS[:PORT] or ADDRESS[:PORT]`)
      const at = Date.now()
      const before = active(state.overrides, at).filter(old => about(old, name))
      const ended = end(state.overrides, old => about(old, name), { ...by, at })
      const resumed = await resume(actions, state, name)
      if (resumed.length > 0 && ended.length === 0)
        return done({ text: 'it may come up again once its checks pass', touched: resumed })
      if (ended.length === 0) {
        const known = touched([...state.services.values()], name).length > 0
        return known
          ? done({ text: 'no override to end: the checks decide already' })
          : no('not-found', noSuchServer([...state.services.values()], server))
      }
      actions.setOverrides(ended)
      const taken = await comes(() => ended.every(one => (carriedOut(one)?.at ?? one.at) >= one.at), orderLimit)
      const text = ['the checks decide again', ...(taken ? [] : [notYet])].join('; ')
      return kept('overrides', { text, before, after: [], touched: ended.map(label) })
    },

    failover: ({ router, back, force }, by) =>
      alone('a failover', async () => {
        const status = state.routers.get(router)
        if (!state.config.routers.some(known => known.name === router)) {
          const names = listed(state.config.routers.map(known => known.name))
          return no('not-found', `no virtual router is called ${router} (${names})`)
        }
        if (!status) return no('unavailable', 'the vrrp process is starting: try again')
        const { [router]: order, ...rest } = current(state.orders, Date.now())
        if (back) {
          if (!order) return done({ text: `${router} does not stay behind` })
          actions.setOrders(rest)
          return kept('orders', {
            text: `${router}: the priorities decide again`,
            before: order,
            after: null,
            touched: [router],
          })
        }
        if (status.state !== 'master')
          return no('refused', `${router} is ${status.state} here: there is nothing to give away`)
        const obstacle = nobodyReady(force)
        if (obstacle) return no('refused', obstacle)
        const fresh: Behind = { ...by, at: Date.now() }
        actions.setOrders({ ...rest, [router]: fresh })
        const failure = await left([router], fresh)
        if (failure) {
          actions.setOrders(rest)
          return no('refused', failure)
        }
        const text = status.state === 'master' ? `${router} was given away` : `${router} was not master here`
        return kept('orders', {
          text: `${text}; it stays behind until \`lvskeeper failover ${router} --back\``,
          before: order ?? null,
          after: fresh,
          touched: [router],
        })
      }),

    maintenance: ({ on, force, until: ends }, by) =>
      alone('maintenance', async () => {
        const { '*': order, ...rest } = current(state.orders, Date.now())
        if (!on) {
          if (!order) return done({ text: 'this director is not in maintenance' })
          actions.setOrders(rest)
          return kept('orders', { text: 'the director takes part again', before: order, after: null })
        }
        const obstacle = routersLeft() ? nobodyReady(force) : undefined
        if (obstacle) return no('refused', obstacle)
        const fresh: Behind = { ...by, at: Date.now(), ...(ends === undefined ? {} : { until: ends }) }
        actions.setOrders({ ...rest, '*': fresh })
        const failure = await left(
          state.config.routers.map(({ name }) => name),
          fresh,
        )
        if (failure && !force) {
          actions.setOrders(rest)
          return no('refused', failure)
        }
        return kept('orders', {
          text: 'the director is in maintenance; it holds no VIP until `lvskeeper maintenance off`',
          before: order ?? null,
          after: fresh,
        })
      }),

    async restart() {
      const errors = actions.problems()
      if (errors.length > 0) {
        const text = `the next process could not start: ${state.file} is not valid (see \`lvskeeper check ${state.file}\`)`
        return { error: { code: 'config', text, details: { errors } } }
      }
      // The answer leaves before the process that carries it.
      setTimeout(() => actions.leave('restart'), 50)
      return done({ text: 'restarting: VIPs, adverts and table stay', before: 'runs', after: 'runs' })
    },

    async stop({ clear }) {
      setTimeout(() => actions.leave(clear ? 'clear' : 'stop'), 50)
      return done({
        text: clear ? 'stopping; our services leave the kernel table' : 'stopping; the kernel table stays',
        before: 'runs',
        after: 'stopped',
      })
    },

    async push(report) {
      try {
        await actions.push(report)
        return { value: { text: 'noted' } }
      } catch (error) {
        return no('not-found', error instanceof Error ? error.message : String(error))
      }
    },

    audit: record => actions.record(record),
  }
}

/** The real servers that stayed down until somebody says `ready` (manual resume), by name. */
async function resume(actions: Actions, state: State, name: ServerName): Promise<string[]> {
  const found = touched([...state.services.values()], name)
  const counts = await Promise.all(
    found.map(({ service, address, port }) => actions.resume(service, address, port).catch(() => 0)),
  )
  return found.filter((_, at) => (counts[at] ?? 0) > 0).map(label)
}

function done(value: Change): Reply<Change> {
  return { value }
}

function no(
  code: RefusalCode,
  text: string,
): { readonly error: { readonly code: RefusalCode; readonly text: string } } {
  return { error: { code, text } }
}

const notYet = 'the checkers process has not carried it out yet (lvskeeper status shows when it has)'

function said(verb: Override['verb'], weight: number | undefined): string {
  const words: Readonly<Record<Override['verb'], string>> = {
    drain: 'draining',
    maint: 'in maintenance',
    weight: `weight ${weight}`,
    'force-up': 'forced up',
    'force-down': 'forced down',
  }
  return words[verb]
}
