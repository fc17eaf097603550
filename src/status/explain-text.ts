import { serverKey, serviceKey } from '../ipvs/table.js'
import type { CheckStatus, RouterStatus } from '../messages.js'
import { age } from './age.js'
import { causeText } from './causes.js'
import { columns } from './columns.js'
import { endText } from './end-text.js'
import { eventLine, stamp } from './events-text.js'
import type { ExplainedRouter, ExplainedServer, Explanation } from './explain.js'
import { directorText, readiness, trackedText } from './explain-director.js'
import { oneLine } from './one-line.js'
import { type Paint, plain } from './paint.js'

/** Why something is as it is, in the order in which a person asks. */
export function explainText(explanation: Explanation, paint: Paint = plain): string {
  const { routers, servers, directors, tracked, subject, at, node } = explanation
  const parts = [
    ...routers.map(router => routerText(router, node, at, paint)),
    ...servers.map(server => serverText(server, at, paint, servers.length + routers.length > 1)),
    ...directors.map(director => join(directorText(director, at, paint))),
    ...tracked.map(one => join([trackedText(one)])),
  ]
  return parts.length === 0
    ? `${subject}: no such virtual router, service, real server, director or tracked thing\n`
    : parts.join('\n')
}

function routerText({ router, peers, events }: ExplainedRouter, node: string, now: number, paint: Paint): string {
  const { name, vrid, interface: link, state, since, priority, faults, behind } = router
  return join([
    paint('bold', `virtual router ${name} (vrid ${vrid} on ${link}): ${node} is ${state} for ${age(now - since)}`),
    `  because ${oneLine(causeText({ ...router, faults: [] }))}`,
    ...faults.map(fault => `  fault: ${oneLine(fault)}`),
    ...(behind ? [`  stays behind: left by order of ${behind.author} ${age(now - behind.at)} ago`] : []),
    `  priority ${priority.effective} = ${[priority.base, ...priority.contributions.map(contribution)].join(' ')}`,
    `  ${masterLine(router, now)}`,
    ...(router.senders ?? []).map(senderLine),
    ...peers.map(peer => {
      const other = peer.report?.routers.find(each => each.name === name)
      const what = peer.state === 'fresh' && other ? `${other.state}, priority ${other.priority}` : 'unknown'
      return `  ${peer.name}: ${what}, ${readiness(peer)}`
    }),
    ...titled(
      '  the last transition',
      [...router.timeline].sort((a, b) => a.at - b.at).map(({ at, what }) => `${stamp(at)} ${oneLine(what)}`),
    ),
    ...titled(
      '  events',
      events.map(event => eventLine(event, paint)),
    ),
  ])
}

function contribution({ source, value, reason }: RouterStatus['priority']['contributions'][number]): string {
  return `${value < 0 ? '-' : '+'} ${Math.abs(value)} ${source} (${oneLine(reason)})`
}

function masterLine({ state, master, lastAdvert }: RouterStatus, now: number): string {
  if (state === 'master') return 'this director is master'
  if (master === undefined) return 'no master is heard'
  return `master is ${master}${lastAdvert === undefined ? '' : `, last heard ${age(now - lastAdvert)} ago`}`
}

/** The form of the checksum is what two programs may disagree on without a word (profile). */
function senderLine({ address, plain, 'pseudo-header': pseudo }: NonNullable<RouterStatus['senders']>[number]): string {
  const forms = [
    pseudo > 0 ? `${pseudo} with pseudo-header` : '',
    plain > 0 ? `${plain} without pseudo-header` : '',
  ].filter(Boolean)
  return `  adverts of ${address}: ${forms.join(', ')}`
}

const stuck = 'clients got no answer, or do not take it: their connections are stuck in SYN_RECV'

/** @param beside others are explained too: the last results do, and none where all is well */
function serverText(
  { service, server, overrides, ...more }: ExplainedServer,
  now: number,
  paint: Paint,
  beside: boolean,
): string {
  const last = !beside ? Number.POSITIVE_INFINITY : server.state === 'up' ? 0 : 5
  const [results, events] = [newest(more.results, last), newest(more.events, last)]
  const kernel =
    server.kernelWeight === undefined ? 'not in the kernel table' : `weight ${server.kernelWeight} in the kernel table`
  return join([
    paint('bold', `real server ${service.name}/${serverKey(server)}: ${server.state} for ${age(now - server.since)}`),
    `  ${service.ids.map(serviceKey).join(', ')}, ${server.forward}, ${kernel}, ${server.weight} in the file`,
    ...overrides.map(override => {
      const { verb, author, reason, at } = override
      const why = reason === undefined ? '' : ` ("${reason}")`
      return `  ${verb} by ${author} ${age(now - at)} ago${why}, ${endText(override, now)}`
    }),
    ...server.checks.map(check => `  ${oneLine(checkLine(check, now))}`),
    ...(server.stuckHandshakes === undefined ? [] : [`  ${server.stuckHandshakes} ${stuck}`]),
    ...(more.unanswered ? ['  results: the checkers process does not answer; what it said before stands above'] : []),
    ...titled(
      '  results',
      columns(
        results.map(({ at, layer, latency, reason, detail }) => [
          stamp(at),
          layer,
          `${latency.toFixed(1)}ms`,
          oneLine([reason, detail].filter(Boolean).join(' ')),
        ]),
      ),
    ),
    ...titled(
      '  events',
      events.map(event => eventLine(event, paint)),
    ),
  ])
}

function newest<T>(list: readonly T[], count: number): readonly T[] {
  return count === 0 ? [] : list.slice(-count)
}

function checkLine({ name, kind, verdict, streak, since, last, held, knocks }: CheckStatus, now: number): string {
  const turning = streak > 0 ? `, ${streak} result${streak === 1 ? '' : 's'} against it` : ''
  const result = last
    ? `last ${age(now - last.at)} ago: ${last.layer} in ${last.latency.toFixed(1)}ms ${[last.reason, last.detail].filter(Boolean).join(' ')}`
    : 'no result yet'
  const answer = last?.answer === undefined ? '' : `; it answered ${JSON.stringify(last.answer)}`
  return [
    `check ${name} (${kind}): ${verdict} for ${age(now - since)}${turning}`,
    `${result.trim()}${answer}`,
    ...waits(held, knocks, now),
  ].join('; ')
}

/** What keeps it down, and what is done meanwhile. */
function waits(held: CheckStatus['held'], knocks: CheckStatus['knocks'], now: number): string[] {
  const since = knocks && `knocked at every ${Math.round(knocks.every)}ms, ${knocks.made} times so far`
  const why =
    held === 'manual-resume'
      ? 'held down until `lvskeeper ready` (manual_resume)'
      : held && held.until > now
        ? `held down for ${age(held.until - now)} more after ${held.falls} falls (damping)`
        : undefined
  return [since, why].filter(line => line !== undefined)
}

function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map(line => `    ${line}`)]
}

function join(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}
