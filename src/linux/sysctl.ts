import { readFileSync, writeFileSync } from 'node:fs'
import { codeOf, KernelError } from './errno.js'

/** A setting that was changed: `previous` is what restores it; `brief` as whoever set it said. */
export type Changed = {
  readonly name: string
  readonly previous: string
  readonly value: string
  readonly brief?: true
}

/** `net.ipv4.ip_forward`; a dot inside an interface name is written as a slash, as sysctl(8) does: `net.ipv4.conf.eth0/100.arp_ignore`. Undefined: no such setting here. */
export function readSysctl(name: string): string | undefined {
  try {
    return readFileSync(path(name), 'utf8').trim()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined
    throw new KernelError(`read ${name}`, codeOf(error) ?? 'EIO')
  }
}

/** Sets it in this network namespace. Returns what it was, or undefined when it already had this value. Throws a KernelError. */
export function writeSysctl(name: string, value: string): Changed | undefined {
  const previous = readSysctl(name)
  if (previous === undefined) throw new KernelError(`set ${name}`, 'ENOENT')
  if (previous === value) return undefined
  try {
    writeFileSync(path(name), value)
  } catch (error) {
    throw new KernelError(`set ${name} to ${value}`, codeOf(error) ?? 'EIO')
  }
  return { name, previous, value }
}

/** Puts back what it was, unless somebody has set a third value meanwhile. Never throws: the interface may be gone. Returns whether it did. */
export function restoreSysctl({ name, previous, value }: Changed): boolean {
  try {
    if (readSysctl(name) !== value) return false
    writeFileSync(path(name), previous)
    return true
  } catch {
    return false
  }
}

/** The spelling for one interface's setting: `conf('ipv4', 'eth0.100', 'arp_ignore')`. */
export const interfaceSysctl = (family: 'ipv4' | 'ipv6', name: string, setting: string): string =>
  `net.${family}.conf.${name.replaceAll('.', '/')}.${setting}`

function path(name: string): string {
  if (!/^[A-Za-z0-9_./:@-]+$/.test(name) || name.includes('..')) throw new KernelError(`name ${name}`, 'EINVAL')
  return `/proc/sys/${name.replace(/[./]/g, character => (character === '.' ? '/' : '.'))}`
}
