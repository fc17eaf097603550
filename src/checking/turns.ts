import { serverKey } from '../ipvs/table.js'
import type { CheckResult, Event } from '../messages.js'
import type { Checks, Turn } from './pool.js'
import { checkResult } from './service-status.js'

/** The event of a real server that turned; undefined for the first verdict of all when it is the one hoped for. */
export function turnEvent({ member, from, to }: Turn, checks: Checks, at: number): Event | undefined {
  if (to === 'unknown') return undefined
  const subject = `server ${member.service.name}/${serverKey(member.server)}`
  const judged = member.checkKeys.flatMap(key => checks.report(key) ?? [])
  const wrong = judged.find(report => report.health.verdict === to) ?? judged[0]
  const last = wrong?.last
  const result = last ? checkResult(last) : undefined
  const said = result ? `${wrong?.name}: ${resultText(result)} in ${result.latency.toFixed(1)} ms` : 'no result'
  const data = {
    from,
    to,
    service: member.service.name,
    address: member.server.address,
    port: member.server.port,
    check: wrong?.name,
    ...(result?.reason ? { reason: result.reason } : {}),
    ...(result ? { latency: result.latency, layer: result.layer } : {}),
  }
  if (to === 'down')
    return { at, name: 'server.down', level: 'warning', subject, text: `${subject} is down: ${said}`, data }
  return {
    at,
    name: 'server.up',
    level: from === 'unknown' ? 'info' : 'notice',
    subject,
    text: `${subject} is up: ${said}`,
    data,
  }
}

/** `tcp refused`, `http status 503`: where it ended, why, and what there was to see. */
function resultText({ layer, reason, detail }: CheckResult): string {
  const told = reason !== undefined && detail?.includes(reason)
  return [layer, told ? undefined : reason, detail].filter(Boolean).join(' ')
}
