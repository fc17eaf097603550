import type { Wanted } from '../../checkers/monitor-ports.js'
import type { CheckerSettings } from '../control/wanted.js'
import type { NeededSysctl } from '../ipvs/sysctls.js'
import type { Links } from '../linux/links.js'
import type { createClientPaths } from './client-paths.js'
import type { createKernelSettings } from './kernel-settings.js'
import type { Member, Pool } from './pool.js'
import type { Silence } from './silence.js'
import type { TableKeeper } from './table-keeper.js'
import type { createTracking } from './tracking.js'
import type { createTwoBox } from './two-box.js'
import type { Ways } from './ways.js'

/** What carries out the configuration. */
export interface SettlementPorts {
  readonly pool: Pool
  readonly tracking: Pick<ReturnType<typeof createTracking>, 'changes'>
  readonly silence: Pick<Silence, 'forget'>
  readonly ways: Pick<Ways, 'learn'>
  readonly links: Pick<Links, 'all'>
  readonly clientPaths: Pick<ReturnType<typeof createClientPaths>, 'sysctls'>
  readonly kernelSettings: Pick<ReturnType<typeof createKernelSettings>, 'converge'>
  readonly twoBox: Pick<ReturnType<typeof createTwoBox>, 'settings' | 'converge'>
  readonly table: Pick<TableKeeper, 'firstVerdicts' | 'open' | 'look' | 'answered'>
  settings(): CheckerSettings | undefined
  /** Checks that end and checks that begin. */
  change(gone: Iterable<string>, wanted: ReadonlyMap<string, Wanted>): void
  /** Before verdicts are judged by what the clients' paths say. */
  doubt(): void
  publish(services: Iterable<string>): void
  /** It takes its time, and gets on. */
  working(): void
}

/** Carries out what was told of the virtual servers: checks, kernel settings, table. */
export function createSettlement(ports: SettlementPorts) {
  const { pool, table } = ports
  /** Virtual servers that were told, or found real servers, since the last time. */
  const touched = new Set<string>()
  let servers: ReadonlySet<string> = new Set()
  let seeded: Promise<(member: Member) => 'up' | 'down' | undefined> | undefined
  let begun = false

  function changeChecks(first: (member: Member) => 'up' | 'down' | undefined): void {
    const { gone, wanted, moved } = pool.changes(first)
    if (moved) {
      servers = pool.addresses()
      ports.ways.learn(servers)
    }
    ports.silence.forget(gone)
    ports.working()
    const tracked = ports.tracking.changes()
    ports.change([...gone, ...tracked.gone], new Map([...wanted, ...tracked.wanted]))
    ports.working()
  }

  function changeKernel(): void {
    const { sync, sysctls = {}, loopback = [] } = ports.settings() ?? {}
    const interfaces = ports.links.all().flatMap(({ name }) => (name === 'lo' ? [] : [name]))
    ports.kernelSettings.converge({ services: pool.configured(), sync: sync !== undefined, conntrack: false }, [
      ...ports.twoBox.settings(loopback),
      ...ports.clientPaths.sysctls(pool, interfaces),
      ...Object.entries(sysctls).map(
        ([name, value]): NeededSysctl => ({ name, value: `${value}`, why: 'in the file' }),
      ),
    ])
  }

  /** Resolves when the kernel has it, or has refused it. */
  async function settle(): Promise<void> {
    begun = true
    seeded ??= table.firstVerdicts()
    const first = await seeded
    // What is added later is new: the kernel's table says nothing of it.
    seeded = Promise.resolve(() => undefined)
    ports.working()
    changeChecks(first)
    ports.doubt()
    pool.judgeServices(touched)
    const told = [...touched]
    touched.clear()
    ports.working()
    changeKernel()
    await ports.twoBox.converge()
    await table.open()
    table.look()
    await table.answered()
    ports.publish(told)
  }

  return {
    settle,
    /** Counts with the next settlement. */
    touch: (service: string): void => void touched.add(service),
    /** Whether all that is to run at first has been told. */
    begun: (): boolean => begun,
    /** Addresses of the real servers. */
    servers: (): ReadonlySet<string> => servers,
  }
}
