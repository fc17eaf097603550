import type { ApiConfig, Config, SyncConfig } from '../config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { File } from '../schema/file.js'
import { canonicalAddress } from '../schema/values.js'
import { defined } from './defined.js'

/** What the file says once: stop, drift, sync, limits, control, metrics. */
export function settings(file: File, rename: (name: string) => string, report: Reporter) {
  const { mass_failure_guard: guard, check_limits: limits } = file
  return {
    peerPort: file.peer_port ?? 9432,
    onStop: file.on_stop ?? ('keep' as const),
    drift: file.drift ?? ('repair' as const),
    massFailureGuard: { hold: guard?.hold ?? 30_000, weight: guard?.weight ?? 0 },
    checkLimits: {
      inFlight: limits?.in_flight ?? 512,
      programs: limits?.programs ?? 16,
      watchShare: limits?.watch_share ?? 0.25,
    },
    overrideLimit: file.override_limit ?? 86_400_000,
    api: api(file, report),
    sysctls: file.sysctls ?? {},
    eventsMaxSize: file.events?.max_size ?? 16 * 1024 ** 2,
    logLevel: file.log?.level ?? ('info' as const),
    ...defined({
      peerKeyFile: file.peer_key_file,
      timeouts: timeouts(file, report),
      sync: sync(file, rename),
      metrics: metrics(file, report),
      stateFolder: file.state_folder,
    }),
  } satisfies Partial<Config>
}

function timeouts(file: File, report: Reporter): Config['timeouts'] {
  if (file.timeouts === undefined) return undefined
  const seconds = (key: 'tcp' | 'tcp_fin' | 'udp'): number => {
    const ms = file.timeouts?.[key] ?? 0
    if (ms % 1000 !== 0) report.error('whole-seconds', ['timeouts', key], `the kernel counts ${key} in whole seconds`)
    return Math.round(ms / 1000)
  }
  return { tcp: seconds('tcp'), tcpFin: seconds('tcp_fin'), udp: seconds('udp') }
}

function sync({ sync: given }: File, rename: (name: string) => string): SyncConfig | undefined {
  if (given === undefined) return undefined
  return {
    interface: rename(given.interface),
    syncid: given.id ?? 0,
    maxlen: given.max_length ?? 0,
    port: given.port ?? 0,
    ttl: given.ttl ?? 0,
    ...defined({ group: given.group }),
  }
}

function api({ api: given = {} }: File, report: Reporter): ApiConfig {
  const { listen, cert_file: certFile, key_file: keyFile } = given
  if (listen === undefined)
    for (const key of ['cert_file', 'key_file', 'client_ca_file', 'read_token_file', 'admin_token_file'] as const)
      if (given[key] !== undefined) report.error('key-needs', ['api', key], `${key} needs listen`, { at: 'key' })
  const unsafe = listen !== undefined && (certFile === undefined || keyFile === undefined)
  if (unsafe)
    report.error('api-tls', ['api', 'listen'], 'control over TCP needs TLS', {
      suggestion: 'add cert_file and key_file',
    })
  if (
    listen !== undefined &&
    given.client_ca_file === undefined &&
    given.read_token_file === undefined &&
    given.admin_token_file === undefined
  )
    report.error('api-open', ['api', 'listen'], 'control over TCP needs to know its clients', {
      suggestion: 'add read_token_file, admin_token_file or client_ca_file',
    })
  return {
    group: given.group ?? 'lvskeeper',
    ...defined({
      socket: given.socket,
      statusSocket: given.status_socket,
      listen:
        listen === undefined
          ? undefined
          : {
              ...listener(['api', 'listen'], listen, report),
              certFile: certFile ?? '',
              keyFile: keyFile ?? '',
              ...defined({
                clientCaFile: given.client_ca_file,
                readTokenFile: given.read_token_file,
                adminTokenFile: given.admin_token_file,
              }),
            },
    }),
  }
}

function metrics({ metrics: given }: File, report: Reporter): Config['metrics'] {
  if (given === undefined) return undefined
  return {
    ...listener(['metrics', 'listen'], given.listen, report),
    page: given.page ?? true,
    ...defined({ tokenFile: given.token_file }),
  }
}

function listener(path: Path, text: string, report: Reporter): { address?: string; port: number } {
  const [, host = '', digits] = /^\[?([^\]]*)\]?:(\d+)$/.exec(text) ?? []
  const address = host === '' ? undefined : canonicalAddress(host)
  const port = Number(digits)
  if ((host !== '' && address === undefined) || port < 1 || port > 65_535)
    report.error('bad-endpoint', path, `listen: expected :PORT or ADDRESS:PORT, found ${JSON.stringify(text)}`)
  return { port, ...defined({ address }) }
}
