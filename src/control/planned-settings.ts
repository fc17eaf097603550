import type { Config } from '../../config/config.js'
import type { VirtualServerInput } from '../ipvs/inputs.js'
import { type NeededSysctl, neededSysctls } from '../ipvs/sysctls.js'
import { checkerSettings } from './wanted.js'

/** The kernel settings of this machine, as a plan looks at them. */
export type KernelSettings = {
  /** As sysctl(8) spells them. */
  readonly interfaces: readonly string[]
  /** undefined: this kernel has no such setting. */
  read(name: string): string | undefined
}

/** A kernel setting that applying a configuration would change. */
export type SettingChange = NeededSysctl & { readonly found: string }

/**
 * What virtual servers need of the kernel, and what the file names itself, where the kernel has something else. Without what
 * follows from the moment: who is master (`backup_only` of two boxes), and whose clients' paths are probed.
 */
export function settingChanges(
  config: Config,
  services: readonly VirtualServerInput[],
  { interfaces, read }: KernelSettings,
): SettingChange[] {
  const { sync, sysctls } = checkerSettings(config)
  const named = Object.entries(sysctls).map(([name, value]) => ({ name, value: `${value}`, why: 'in the file' }))
  const needed = neededSysctls({ services, interfaces, sync: sync !== undefined, conntrack: false })
  return [...new Map([...needed, ...named].map(each => [each.name, each])).values()].flatMap(each => {
    const found = read(each.name)
    return found === undefined || found === each.value ? [] : [{ ...each, found }]
  })
}
