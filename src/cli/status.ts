import { paintFor } from '../status/paint.js'
import type { Status } from '../status/status.js'
import { statusText } from '../status/text.js'
import { exit, type Run } from './command.js'
import { statusClient, withDaemon } from './daemon.js'

/** One screen: who is master and why, what is down and why, what differs from normal. */
export const status: Run = call =>
  withDaemon(call, async () => {
    const { options, out } = call
    const now = await statusClient(options).get<Status>('/v1/status')
    if (options['nagios']) return nagios(now, out)
    if (options['json']) out(`${JSON.stringify(now)}\n`)
    else
      out(
        statusText(now, {
          paint: paintFor(process.stdout, process.env),
          ...(process.stdout.columns ? { width: process.stdout.columns } : {}),
        }),
      )
    return exit.ok
  })

/** Plug-in guidelines of Nagios: 0 OK, 1 WARNING, 2 CRITICAL; one line, performance data behind the bar. */
function nagios(now: Status, out: (text: string) => void): number {
  const worst = now.notices[0]
  const code = worst?.level === 'alarm' ? 2 : worst?.level === 'warning' ? 1 : 0
  const word = ['OK', 'WARNING', 'CRITICAL'][code]
  const masters = now.routers.filter(router => router.state === 'master').length
  const servers = now.services.flatMap(service => service.realServers)
  const up = servers.filter(server => server.state === 'up').length
  const words =
    code === 0
      ? `master of ${masters} of ${now.routers.length}, ${up} of ${servers.length} real servers up`
      : worst?.text
  out(`LVSKEEPER ${word} - ${words} | masters=${masters} real_servers_up=${up};;;0;${servers.length}\n`)
  return code
}
