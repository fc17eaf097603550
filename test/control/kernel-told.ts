import { expect } from 'vitest'
import type { Config } from '../../config/config.js'
import type { PlanAnswer } from '../../src/api/handlers.js'
import { type Namespace, sleep, until } from '../linux/namespaces.js'
import type { director } from './director.js'

/** What the file tells the kernel besides the services, read back from it; of a kernel with IPVS its table as well. */
export function kernelTold({ run }: Namespace, one: ReturnType<typeof director>, hasTable: boolean) {
  const sysctl = (name: string) => run('sysctl', '-n', name).trim()
  const names = ['net.ipv4.ip_default_ttl', 'net.ipv4.tcp_keepalive_time']
  /** What a file does not name stays as it was said last, in a process that starts with that file, too. */
  const sysctls = new Map(names.map(name => [name, sysctl(name)]))
  const timeouts = { tcp: 900, tcpFin: 120, udp: 300 }

  function readTimeouts(): number[] {
    return run('ipvsadm', '-l', '--timeout').match(/\d+/g)?.map(Number) ?? []
  }

  /** Somebody else changes a weight: repaired, or left and then put back by that somebody. */
  async function drifts({ drift }: Config): Promise<'repair' | 'report'> {
    const rules = () => run('ipvsadm', '-Sn').split('\n')
    const rule = rules().find(line => line.startsWith('-a ') && !line.endsWith('-w 0'))
    if (rule === undefined) return drift
    const [, what] = /^-a (.*) -w \d+$/.exec(rule) ?? []
    const edit = `-e ${what} -w 77`
    const changed = () => rules().includes(edit.replace('-e', '-a'))
    run('ipvsadm', ...edit.split(' '))
    try {
      await (drift === 'repair' ? until('the repair', () => !changed(), 5_000) : sleep(2_500))
      return changed() ? 'report' : 'repair'
    } finally {
      if (changed()) run('ipvsadm', ...rule.replace('-a', '-e').split(' '))
    }
  }

  return {
    /** All of it now, beside what it shall be: `toEqual`. */
    async compare(config: Config, settings: boolean): Promise<void> {
      for (const [name, value] of Object.entries(config.sysctls)) sysctls.set(name, `${value}`)
      for (const key of ['tcp', 'tcpFin', 'udp'] as const) timeouts[key] = config.timeouts?.[key] || timeouts[key]
      expect(Object.fromEntries(names.map(name => [name, sysctl(name)]))).toEqual(Object.fromEntries(sysctls))
      if (!hasTable) return
      await until('the timeouts', () => `${readTimeouts()}` === `${Object.values(timeouts)}`, 5_000)
      if (settings) expect(await drifts(config)).toBe(config.drift)
      let plan: PlanAnswer | undefined
      const end = performance.now() + 10_000
      // What is new comes once its check has passed.
      do plan = (await one.post('/v1/plan')) as unknown as PlanAnswer
      while (plan.ipvsadm.length > 0 && performance.now() < end)
      expect(plan).toMatchObject({ changes: false, ipvsadm: [], sysctls: [] })
    },
    /** The table as ipvsadm saves it. */
    rules: (): string[] => (hasTable ? run('ipvsadm', '-Sn').trim().split('\n').sort() : []),
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
