import { ApiError } from '../api/client.js'
import { oneLine } from '../status/one-line.js'
import { paintFor } from '../status/paint.js'
import type { Status } from '../status/status.js'
import { statusText } from '../status/text.js'
import { type Call, exit, type Run } from './command.js'
import { inContext, statusClient, withDaemon } from './daemon.js'

/** One screen: who is master and why, what is down and why, what differs from normal. */
export const status: Run = call =>
  call.options['nagios']
    ? nagios(call)
    : withDaemon(call, async () => {
        const { options, out } = call
        const now = await statusClient(options).get<Status>('/v1/status')
        if (options['json']) out(`${JSON.stringify(now)}\n`)
        else
          out(
            statusText(now, {
              paint: paintFor(process.stdout, process.env),
              ...(process.stdout.isTTY ? { width: process.stdout.columns, rows: process.stdout.rows } : {}),
            }),
          )
        const abnormal = now.notices.some(({ level }) => level === 'warning' || level === 'alarm')
        return options['check'] && abnormal ? exit.changes : exit.ok
      })

/** Plug-in guidelines of Nagios: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN; one line, performance data behind the bar. */
async function nagios({ options, out }: Call): Promise<number> {
  let now: Status
  try {
    now = await statusClient(options).get<Status>('/v1/status')
  } catch (raised) {
    if (!(raised instanceof ApiError)) throw raised
    const error = inContext(raised, options)
    const stopped = error.code === 'not-running' || error.code === 'no-control'
    out(`LVSKEEPER ${stopped ? 'CRITICAL' : 'UNKNOWN'} - ${error.message}\n`)
    return stopped ? 2 : 3
  }
  const worst = now.notices[0]
  const code = worst?.level === 'alarm' ? 2 : worst?.level === 'warning' ? 1 : 0
  const word = ['OK', 'WARNING', 'CRITICAL'][code]
  const troubles = now.notices.filter(({ level }) => level === 'alarm' || level === 'warning').length
  const masters = now.routers.filter(router => router.state === 'master').length
  const servers = now.services.flatMap(service => service.realServers)
  const up = servers.filter(server => server.state === 'up' || server.state === 'unchecked').length
  const words =
    code === 0
      ? `master of ${masters} of ${now.routers.length}, ${up} of ${servers.length} real servers up`
      : `${worst?.subject} ${worst?.text}${troubles > 1 ? ` (and ${troubles - 1} more)` : ''}`
  // The bar begins the performance data.
  const said = oneLine(words).replaceAll('|', '/')
  out(`LVSKEEPER ${word} - ${said} | masters=${masters} real_servers_up=${up};;;0;${servers.length}\n`)
  return code
}
