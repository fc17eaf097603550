import type { Config, RealServerConfig } from '../../config/config.js'
import { pathSettings } from '../checking/client-paths.js'
import { twoBoxSettings } from '../checking/two-box.js'
import type { VirtualServerInput } from '../ipvs/inputs.js'
import { type NeededSysctl, neededSysctls } from '../ipvs/sysctls.js'
import { checkerSettings } from './wanted.js'

/** The kernel settings of this machine, as a plan looks at them. */
export type KernelSettings = {
  /** As sysctl(8) spells them. */
  readonly interfaces: readonly string[]
  /** undefined: this kernel has no such setting. */
  read(name: string): string | undefined
  /** Addresses of this machine where clients find them: those on lo are not. */
  readonly addresses: readonly string[]
}

/** A kernel setting that applying a configuration would change. */
export type SettingChange = NeededSysctl & { readonly found: string }

/**
 * What virtual servers need of the kernel, and what the file names itself, where the kernel has something else. `backup_only`
 * of two boxes follows from who holds the VIP, so it is what would be set at this moment.
 */
export function settingChanges(
  config: Config,
  services: readonly VirtualServerInput[],
  servers: readonly RealServerConfig[],
  { interfaces, read, addresses }: KernelSettings,
): SettingChange[] {
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
  return [...new Map([...needed, ...moment, ...named].map(each => [each.name, each])).values()].flatMap(each => {
    const found = read(each.name)
    return found === undefined || found === each.value ? [] : [{ ...each, found }]
  })
}
