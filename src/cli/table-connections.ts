import { endpoint } from '../ipvs/table.js'
import type { Connection } from '../linux/ipvs-proc.js'

/** The two heading lines of `ipvsadm -Lnc`. */
export const connectionHeading = (engines: boolean): string =>
  `IPVS connection entries\npro expire ${row('state', 'source', 'virtual', 'destination', engines ? ['pe name', 'pe_data'] : [])}\n`

/** One line of `ipvsadm -Lnc`. */
export function connectionText({ protocol, client, virtual, server, state, expires, ...more }: Connection): string {
  const time = [Math.floor(expires / 60), expires % 60].map(part => `${part}`.padStart(2, '0')).join(':')
  const [from, to, via] = [client, virtual, server].map(({ address, port }) => endpoint(address, port))
  const engine = more.engine ? [more.engine, more.engineData ?? ''] : []
  return `${protocol.padEnd(3)} ${time.padEnd(6)} ${row(state, from ?? '', to ?? '', via ?? '', engine)}\n`
}

function row(state: string, source: string, virtual: string, destination: string, engine: readonly string[]): string {
  const start = `${state.padEnd(11)} ${source.padEnd(18)} ${virtual.padEnd(18)}`
  const [name, data] = engine
  return name === undefined
    ? `${start} ${destination}`
    : `${start} ${destination.padEnd(16)} ${name.padEnd(18)} ${data}`
}
