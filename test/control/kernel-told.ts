import { expect } from 'vitest'
import type { Config } from '../../config/config.js'
import type { Namespace } from '../linux/namespaces.js'
import type { director } from './director.js'

/** The kernel's settings that the file names, read back. */
export function kernelTold({ run }: Namespace) {
  const names = ['net.ipv4.ip_default_ttl', 'net.ipv4.tcp_keepalive_time']
  const read = () => Object.fromEntries(names.map(name => [name, run('sysctl', '-n', name).trim()]))
  /** What a file does not name stays as it was said last, in a process that starts with that file, too. */
  const said = read()

  return {
    compare({ sysctls }: Config): void {
      for (const [name, value] of Object.entries(sysctls)) said[name] = `${value}`
      expect(read()).toEqual(said)
    },
  }
}

/** How long an override holds that does not say how long: of the first real server that has a place in the table, ms. */
export async function overrideLasts(one: ReturnType<typeof director>): Promise<number> {
  const { services } = await one.status()
  const service = services[0]
  const server = service?.realServers[0]
  const name = `${service?.name}/${server?.address}:${server?.port}`
  await one.post('/v1/overrides', { server: name, verb: 'weight', weight: server?.weight })
  const [override] = (await one.status()).overrides
  await one.delete(`/v1/overrides?server=${encodeURIComponent(name)}`)
  return Math.round(((override?.until ?? 0) - (override?.at ?? 0)) / 1000)
}
