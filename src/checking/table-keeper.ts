import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../clock.js'
import type { CheckerSettings } from '../control/wanted.js'
import type { Context, Desired } from '../ipvs/desired.js'
import { fastKey } from '../ipvs/fast-key.js'
import { fileJournal } from '../ipvs/journal.js'
import { type Manager, type ManagerState, manager } from '../ipvs/manager.js'
import { openIpvs } from '../linux/ipvs.js'
import type { Event, TableReport } from '../messages.js'
import { firstVerdict } from './first-verdicts.js'
import type { Member, Pool } from './pool.js'
import { serviceEvent } from './table-events.js'

/** How long until a kernel without a table is asked again, ms. */
const retry = 2_000

/** What the table needs of the checkers process. */
export interface TablePorts {
  readonly pool: Pool
  settings(): CheckerSettings | undefined
  want(context: Context): Desired
  tell(event: Event): void
  /** A pass is done: the weight that is up of each service. */
  passed(services: Desired['services']): void
  /** Of the interface of this name; 0: there is none. */
  linkIndex(name: string): number
  /** Whether a service is one of our own probes, which nobody shall see. */
  hidden(service: string): boolean
}

/** The kernel's table: opened once, tried again where the kernel has none, its state and trouble as `status` shows them. */
export function createTableKeeper(stateFolder: string, ports: TablePorts) {
  const { pool, settings, tell } = ports
  const journal = fileJournal(join(stateFolder, 'table.json'))
  const since = new Map<string, { readonly state: string; readonly since: number }>()
  let table: Manager | undefined
  let opening: Promise<void> | undefined
  let failure: string | undefined
  /** What the kernel would be told, if it had a table: `status` shows drains and overrides all the same. */
  let supposed: Desired | undefined
  let supposing: NodeJS.Timeout | undefined
  let counted: { readonly actual?: unknown; readonly fast?: unknown; readonly foreign: number } = { foreign: 0 }
  let repairs = 0
  let lastRepair: TableReport['lastRepair']

  function globals() {
    const { timeouts, sync } = settings() ?? {}
    const daemon = sync && { ...sync, index: ports.linkIndex(sync.interface) }
    return {
      ...(timeouts ? { timeouts } : {}),
      ...(daemon ? { daemons: (['master', 'backup'] as const).map(role => ({ ...daemon, role })) } : {}),
    }
  }

  function start(kernel: Awaited<ReturnType<typeof openIpvs>>): Manager {
    return manager(
      { kernel, clock: systemClock, journal },
      {
        want: ports.want,
        globals,
        drift: () => settings()?.drift ?? 'repair',
        onEvent(event) {
          if (event.name === 'table.drift') {
            repairs++
            lastRepair = { at: Date.now(), text: event.text }
          }
          tell({ ...event, at: Date.now() })
        },
        onPass({ desired: { services } }) {
          remember(services)
          ports.passed(services)
        },
      },
    )
  }

  function suppose(): void {
    if (table || supposing) return
    supposing = setTimeout(() => {
      supposing = undefined
      if (table) return
      supposed = ports.want({ now: systemClock.now(), ...(supposed ? { before: supposed } : {}) })
      remember(supposed.services, false)
    }, 50)
  }

  function remember(services: Desired['services'], said = true): void {
    for (const [name, outcome] of services) {
      const known = since.get(name)
      if (outcome.pending || known?.state === outcome.state || ports.hidden(name)) continue
      since.set(name, { state: outcome.state, since: Date.now() })
      if (!said) continue
      const event = serviceEvent(name, known?.state, outcome, Date.now())
      if (event) tell(event)
    }
  }

  async function open(): Promise<void> {
    try {
      mkdirSync(stateFolder, { recursive: true })
      table = start(await openIpvs())
      failure = undefined
      await table.start()
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      const level = pool.services().size === 0 ? 'info' : 'alarm'
      if (failure === undefined) tell({ at: Date.now(), name: 'table.unavailable', level, subject: 'table', text })
      failure = text
      opening = undefined
      suppose()
      setTimeout(() => void keeper.open(), retry)
    }
  }

  /** Why the kernel holds not what it shall, where it does not. */
  function refusal(): string | undefined {
    const refused = table?.state().failed[0]
    return failure ?? (refused && `${refused.entry}: ${refused.errno}`)
  }

  /** Services in the kernel that are not ours: counted anew when what is known of it has changed, not at each look. */
  function foreign(state: ManagerState | undefined): number {
    if (counted.actual === state?.actual && counted.fast === state?.fast) return counted.foreign
    const ours = new Set([...(state?.actual.keys() ?? [])].map(fastKey))
    let count = 0
    for (const key of state?.fast?.keys() ?? []) if (!ours.has(key)) count++
    counted = { actual: state?.actual, fast: state?.fast, foreign: count }
    return count
  }

  const keeper = {
    /** Resolves when the kernel's table is open, or has been found to be missing. */
    async open(): Promise<void> {
      if (table) return
      opening ??= open()
      return opening
    },
    look: () => (table ? table.look() : suppose()),
    settled: async () => table?.settled(),
    /** What is wanted now has been carried out, or has failed. */
    answered: async () => table?.answered(),
    state: (): ManagerState | undefined => table?.state(),
    /** What is wanted of each service: of the last pass, or without a table as it would be. */
    services: (): Desired['services'] | undefined => (table ? table.state()?.desired : supposed)?.services,
    /** When a service got the state that it has. */
    since: (service: string): number | undefined => since.get(service)?.since,
    forget: (service: string) => since.delete(service),
    failure: refusal,
    /** Why connection sync does not run, where the kernel refuses it. */
    unsynced: (): string | undefined => table?.state().unsynced,
    report(complete: boolean): TableReport {
      const state = table?.state()
      const why = refusal()
      const seconds = Math.round((state?.comparedEvery ?? 0) / 1000)
      return {
        complete,
        repairs,
        foreign: foreign(state),
        ...(seconds > 1 ? { comparedEvery: seconds } : {}),
        ...(lastRepair ? { lastRepair } : {}),
        ...(why === undefined ? {} : { failure: why }),
        ...(state?.unsynced === undefined ? {} : { unsynced: state.unsynced }),
      }
    },
    /** What the process before this one left in the kernel: a dead real server must not come back because we are new. */
    async firstVerdicts(): Promise<(member: Member) => 'up' | 'down' | undefined> {
      try {
        const kernel = await openIpvs()
        try {
          const [held, kept] = await Promise.all([kernel.listFast(), journal.read()])
          return ({ service, server }) => firstVerdict(service, server, held, kept)
        } finally {
          kernel.close()
        }
      } catch {
        // No table to read: `open` tells it.
        return () => undefined
      }
    },
    async stop(how: { readonly clear: boolean }): Promise<void> {
      await table?.stop(how)
    },
  }
  return keeper
}

export type TableKeeper = ReturnType<typeof createTableKeeper>
