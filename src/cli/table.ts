import { save } from '../ipvs/ipvsadm.js'
import { serverKey, serviceKey, type Table } from '../ipvs/table.js'
import { GenlError } from '../linux/genl.js'
import { type Ipvs, IpvsMissing, type ListedService, openIpvs } from '../linux/ipvs.js'
import { readConnections } from '../linux/ipvs-proc.js'
import { type Call, exit, type Options, type Run } from './command.js'
import { connectionHeading, connectionText } from './table-connections.js'
import { daemonText, sorted, tableText, timeoutText, type View } from './table-text.js'

/** The kernel's own table, whoever wrote it, in the lines of `ipvsadm -Ln`; needs no running director. */
export const table: Run = async call => {
  if (call.options['connections']) return connections(call)
  let ipvs: Ipvs
  try {
    ipvs = await openIpvs()
  } catch (error) {
    if (!(error instanceof IpvsMissing)) throw error
    return failed(call, 'unavailable', error.message, exit.unavailable)
  }
  try {
    call.out(await rendered(ipvs, call.options))
    return exit.ok
  } catch (error) {
    if (!(error instanceof GenlError)) throw error
    return error.code === 'EPERM'
      ? failed(call, 'permission', 'the kernel shows its table to root only (CAP_NET_ADMIN)', exit.permission)
      : failed(call, 'failed', error.message, exit.failed)
  } finally {
    ipvs.close()
  }
}

function failed({ options, out, err }: Call, code: string, text: string, status: number): number {
  if (options['json']) out(line({ error: { code, text } }))
  else err(`${text}\n`)
  return status
}

async function rendered(ipvs: Ipvs, options: Options): Promise<string> {
  const { json } = options
  if (options['timeout']) {
    const { timeouts } = await ipvs.globals()
    return json ? line(timeouts) : timeoutText(timeouts)
  }
  if (options['daemon']) {
    const { daemons } = await ipvs.globals()
    return json ? line(daemons) : daemonText(daemons)
  }
  // The kernel sets the size of its connection table with the first service: ask for it last.
  const found = await ipvs.listed()
  const services = options['nosort'] ? found : sorted(found)
  if (options['save'])
    return save(asTable(services), options['thresholds'] === true)
      .map(rule => `${rule}\n`)
      .join('')
  const info = await ipvs.info()
  return json ? line({ ...info, services }) : tableText(services, info, viewOf(options), options['exact'] === true)
}

const views: readonly (readonly [string, View])[] = [
  ['stats', 'stats'],
  ['rate', 'rate'],
  ['thresholds', 'thresholds'],
  ['persistentConn', 'persistent'],
  ['tunInfo', 'tunnels'],
]

function viewOf(options: Options): View {
  return views.find(([option]) => options[option])?.[1] ?? 'connections'
}

function asTable(services: readonly ListedService[]): Table {
  return new Map(
    services.map(({ service, servers }) => [
      serviceKey(service.id),
      { service, servers: new Map(servers.map(({ server }) => [serverKey(server), server])) },
    ]),
  )
}

/** Line by line: there may be hundreds of thousands. */
async function connections({ options, out }: Call): Promise<number> {
  let first = true
  for await (const connection of readConnections()) {
    if (options['json']) out(line(connection))
    else out((first ? connectionHeading(connection.engine !== undefined) : '') + connectionText(connection))
    first = false
  }
  if (first && !options['json']) out(connectionHeading(false))
  return exit.ok
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}
