import type { Config, RealServerConfig } from '../../config/config.js'
import { pathSettings } from '../checking/client-paths.js'
import { twoBoxSettings } from '../checking/two-box.js'
import type { VirtualServerInput } from '../ipvs/inputs.js'
import { type NeededSysctl, neededSysctls } from '../ipvs/sysctls.js'
import type { Changed } from '../linux/sysctl.js'
import { checkerSettings } from './wanted.js'

/** The kernel settings of this machine, as a plan looks at them. */
export type KernelSettings = {
  /** As sysctl(8) spells them. */
  readonly interfaces: readonly string[]
  /** undefined: this kernel has no such setting. */
  read(name: string): string | undefined
  /** Addresses of this machine where clients find them: those on lo are not. */
  readonly addresses: readonly string[]
  /** What we have changed before, with the values found then. */
  readonly changed: readonly Changed[]
}

/** A kernel setting that applying a configuration would change. */
export type SettingChange = NeededSysctl & { readonly found: string }

/** What applying a configuration does to the kernel's settings. */
export type PlannedSettings = {
  readonly changes: readonly SettingChange[]
  /** Set before, needed by nothing any more, and left as they are until `lvskeeper stop --clear`. */
  readonly left: readonly Changed[]
}

/**
 * What virtual servers need of the kernel, and what the file names itself, where the kernel has something else. `backup_only`
 * of two boxes follows from who holds the VIP, so it is what would be set at this moment.
 */
export function settingChanges(
  config: Config,
  services: readonly VirtualServerInput[],
  servers: readonly RealServerConfig[],
  { interfaces, read, addresses, changed }: KernelSettings,
): PlannedSettings {
  const { sync, sysctls, loopback } = checkerSettings(config)
  const named = Object.entries(sysctls).map(([name, value]) => ({ name, value: `${value}`, why: 'in the file' }))
  const needed = neededSysctls({ services, interfaces, sync: sync !== undefined, conntrack: false })
  const moment = [
    ...twoBoxSettings(
      loopback,
      loopback.some(vip => addresses.includes(vip)),
    ),
    ...pathSettings(servers, interfaces),
  ]
  // As the checkers do it: the later one of a name counts.
  const wanted = new Map([...needed, ...moment, ...named].map(each => [each.name, each]))
  const set = [...wanted.values()].flatMap(each => {
    const found = read(each.name)
    return found === undefined || found === each.value ? [] : [{ ...each, found }]
  })
  // Where somebody has set it to something else meanwhile, it is ours no more.
  const rest = changed.filter(({ name, value }) => !wanted.has(name) && read(name) === value)
  const back = rest
    .filter(({ brief, value, previous }) => brief && value !== previous)
    .map(({ name, value, previous }) => ({ name, found: value, value: previous, why: 'nothing needs it any more' }))
  return { changes: [...set, ...back], left: rest.filter(({ brief, value, previous }) => !brief && value !== previous) }
}
