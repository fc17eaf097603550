import type { CheckConfig } from '../check-config.js'
import type { TrackingConfig } from '../config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { File } from '../schema/file.js'
import { family } from '../schema/values.js'
import { keyOf } from './checks.js'
import { defined } from './defined.js'
import type { Secrets } from './secrets.js'
import { witnesses } from './witness.js'

/** What runs so that routers can track it: only what a router names. */
export function tracking(
  file: File,
  rename: (name: string) => string,
  secrets: Secrets,
  report: Reporter,
): TrackingConfig {
  const tracks = Object.values(file.virtual_routers ?? {}).map(({ track }) => track ?? {})
  const used = (key: 'scripts' | 'files' | 'processes' | 'virtual_servers') =>
    new Set(tracks.flatMap(({ [key]: value }) => (Array.isArray(value) ? value : Object.keys(value ?? {}))))

  function wanted<T>(key: 'scripts' | 'files' | 'processes'): [string, T][] {
    const names = used(key)
    const all = Object.entries(file[key] ?? {}) as [string, T][]
    for (const [name] of all)
      if (!names.has(name))
        report.warn('unused-tracked', [key, name], `no virtual router tracks ${name}`, { at: 'key' })
    return all.filter(([name]) => names.has(name))
  }

  return {
    scripts: wanted<Script>('scripts').map(([name, script]) => ({
      source: `script ${name}`,
      check: scriptCheck(['scripts', name], name, script, secrets, report),
    })),
    files: wanted<NonNullable<File['files']>[string]>('files').map(([name, { path, interval = 1000 }]) => ({
      source: `file ${name}`,
      path,
      interval,
    })),
    processes: wanted<NonNullable<File['processes']>[string]>('processes').map(([name, given]) => {
      const { minimum = 1, maximum = Number.MAX_SAFE_INTEGER, delay = 0 } = given
      if (minimum > maximum)
        report.error(
          'process-range',
          ['processes', name, 'minimum'],
          `minimum (${minimum}) is above maximum (${maximum})`,
        )
      return {
        source: `process ${name}`,
        command: given.command,
        arguments: given.arguments ?? [],
        minimum,
        maximum,
        delay,
      }
    }),
    gateways: [...gateways(file, rename, report), ...witnesses(file, rename, report)],
    virtualServers: [...used('virtual_servers')].sort(),
  }
}

type Script = NonNullable<File['scripts']>[string]

const timing = { downInterval: 0, jitter: 0, severity: 'fail' as const, watch: { enabled: false, final: false } }

function scriptCheck(path: Path, name: string, script: Script, secrets: Secrets, report: Reporter): CheckConfig {
  const [program = ''] = script.argv
  if (!program.startsWith('/'))
    report.error('relative-program', [...path, 'argv', 0], `${program} is no absolute path`, {
      suggestion: 'programs are named by their whole path',
    })
  // One that cannot run would count as failing, or as never heard of: either way not what the file means.
  else secrets.program([...path, 'argv', 0], program)
  const interval = script.interval ?? 1000
  const parameters = {
    probe: {
      kind: 'exec' as const,
      argv: script.argv,
      exit: 'plain' as const,
      ...defined({
        uid: secrets.user([...path, 'user'], script.user),
        gid: secrets.group([...path, 'group'], script.group, script.user),
        env: script.env,
        cwd: script.cwd,
      }),
    },
    ...timing,
    interval,
    fastInterval: interval,
    downInterval: interval,
    timeout: script.timeout ?? interval,
    rise: script.rise ?? 1,
    fall: script.fall ?? 1,
  }
  return { name, key: keyOf(parameters), ...parameters }
}

/** One check per gateway address; two routers that describe the same one differently cannot both be right. */
function gateways(file: File, rename: (name: string) => string, report: Reporter): TrackingConfig['gateways'] {
  const found = new Map<string, TrackingConfig['gateways'][number]>()
  for (const [name, router] of Object.entries(file.virtual_routers ?? {})) {
    const given = router.track?.gateway
    if (given === undefined) continue
    const interval = given.interval ?? 1000
    const out = given.interface === undefined ? router.interface : given.interface
    const probe =
      (given.by ?? 'arp') === 'arp'
        ? { kind: 'arp' as const, interface: rename(out) }
        : { kind: 'icmp' as const, count: 1, maxLoss: 0, size: 56 }
    const parameters = {
      probe,
      ...timing,
      interval,
      fastInterval: Math.min(200, interval),
      downInterval: interval,
      timeout: given.timeout ?? Math.min(500, interval),
      rise: given.rise ?? 2,
      fall: given.fall ?? 3,
    }
    const check = { name: `gateway ${given.address}`, key: keyOf(parameters), ...parameters }
    const earlier = found.get(given.address)
    if (earlier !== undefined && earlier.check.key !== check.key)
      report.error(
        'gateway-differs',
        ['virtual_routers', name, 'track', 'gateway'],
        `another virtual router asks the gateway ${given.address} in another way`,
        { suggestion: 'describe it in the same words in each', at: 'key' },
      )
    if (
      family(given.address) === 6 &&
      given.address.startsWith('fe80') &&
      given.interface === undefined &&
      probe.kind === 'icmp'
    )
      report.error(
        'key-needs',
        ['virtual_routers', name, 'track', 'gateway', 'address'],
        'a link-local gateway needs interface',
      )
    found.set(given.address, { source: check.name, address: given.address, check })
  }
  return [...found.values()]
}
