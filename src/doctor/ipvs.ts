import type { Config } from '../../config/config.js'
import { type Facts, number } from './facts.js'
import type { Finding } from './finding.js'

/** IPVS itself: is it there, are its schedulers there, do its settings fit the file. */
export function ipvsFindings(facts: Facts, config: Config | undefined): Finding[] {
  if (config && config.services.length === 0) return []
  return [...presence(facts), ...schedulers(facts, config), ...settings(facts, config), ...table(facts)]
}

function presence({ ipvs, modules, loadable, release }: Facts): Finding[] {
  if (ipvs) return []
  if (modules.has('ip_vs'))
    return [
      {
        level: 'problem',
        code: 'ipvs-not-here',
        text: 'ip_vs is loaded, but this network namespace has no table (/proc/net/ip_vs).',
        fix: [],
      },
    ]
  const missing = loadable !== undefined && !loadable.has('ip_vs')
  return [
    {
      level: 'problem',
      code: 'ipvs-missing',
      text: missing
        ? `This kernel (${release}) has no IPVS: nothing can be balanced on this machine.`
        : 'The kernel module ip_vs is not loaded.',
      fix: missing ? [] : ['modprobe ip_vs', 'echo ip_vs > /etc/modules-load.d/lvskeeper.conf'],
    },
  ]
}

function schedulers({ modules, loadable, ipvs }: Facts, config: Config | undefined): Finding[] {
  const wanted = new Set((config?.services ?? []).map(service => `ip_vs_${service.settings.scheduler}`))
  if ((config?.services ?? []).some(service => service.settings.persistence?.engine === 'sip'))
    wanted.add('ip_vs_pe_sip')
  // The kernel loads a scheduler when a service asks for it, if it finds it.
  const absent = [...wanted].filter(name => !modules.has(name) && loadable !== undefined && !loadable.has(name))
  if (!ipvs && !modules.has('ip_vs')) return []
  return absent.map(name => ({
    level: 'problem' as const,
    code: 'scheduler-missing',
    text: `This kernel has no module ${name}: services that need it cannot be made.`,
    fix: [],
  }))
}

function settings(facts: Facts, config: Config | undefined): Finding[] {
  const services = config?.services ?? []
  const found: Finding[] = []
  const want = (name: string, value: number, applies: boolean, text: string) => {
    const key = `net.ipv4.vs.${name}`
    const now = number(facts, key)
    if (!applies || now === undefined || now === value) return
    found.push({
      level: 'note',
      code: `vs-${name.replaceAll('_', '-')}`,
      text: `${key} is ${now}: ${text} lvskeeper sets it when it starts, as long as the file needs it.`,
      fix: [`sysctl -w ${key}=${value}`],
    })
  }
  want(
    'expire_nodest_conn',
    1,
    services.length > 0,
    'connections to a real server that was removed hang until they time out.',
  )
  want(
    'expire_quiescent_template',
    1,
    services.some(({ settings: own }) => own.persistence !== undefined),
    'persistent clients keep going to a real server of weight 0.',
  )
  want(
    'sloppy_tcp',
    1,
    services.some(({ settings: own }) => own.scheduler === 'mh'),
    'connections that began on the other director are refused after a failover.',
  )
  return found
}

function table({ ipvs }: Facts): Finding[] {
  // A kernel that makes its table with the first service says 0 until then.
  if (!ipvs || ipvs.tableSize === 0 || ipvs.tableSize > 4096) return []
  return [
    {
      level: 'note',
      code: 'connection-table',
      text: `The connection table has ${ipvs.tableSize} buckets: fine for some ten thousand connections, slow for many more.`,
      fix: ['echo options ip_vs conn_tab_bits=18 > /etc/modprobe.d/ip_vs.conf'],
    },
  ]
}
