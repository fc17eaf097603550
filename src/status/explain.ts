import type { StoredEvent } from '../events/store.js'
import { serverKey } from '../ipvs/table.js'
import type { CheckResult, Override, RealServerStatus, RouterStatus, ServiceStatus } from '../messages.js'
import type { PeerView } from '../peer/view.js'
import { type ExplainedDirector, type ExplainedTracked, findDirector, findTracked } from './explain-director.js'
import type { Status } from './status.js'

export type ExplainedServer = {
  readonly service: Omit<ServiceStatus, 'realServers'>
  readonly server: RealServerStatus
  readonly overrides: readonly Override[]
  /** Newest last; empty where only the last one of each check is known. */
  readonly results: readonly CheckResult[]
  /** The checkers process was asked for the results and did not answer. */
  readonly unanswered?: true
  readonly events: readonly StoredEvent[]
}

export type ExplainedRouter = {
  readonly router: RouterStatus
  readonly peers: readonly PeerView[]
  readonly events: readonly StoredEvent[]
}

/** Everything that bears on one subject: a virtual router, the real servers that a name fits, a director, or something that is tracked. */
export type Explanation = {
  readonly subject: string
  readonly node: string
  readonly at: number
  readonly routers: readonly ExplainedRouter[]
  readonly servers: readonly ExplainedServer[]
  readonly directors: readonly ExplainedDirector[]
  readonly tracked: readonly ExplainedTracked[]
}

/**
 * Finds what `subject` names: `ROUTER`, `SERVICE`, `SERVICE/ADDRESS[:PORT]`, a bare `ADDRESS[:PORT]`, `DIRECTOR`, or what
 * virtual routers track. All lists are empty when it names nothing.
 * @param recent the events of one subject, oldest first
 * @param known the directors of the file
 */
export function explain(
  status: Status,
  subject: string,
  recent: (subject: string) => readonly StoredEvent[],
  known: readonly { readonly name: string; readonly addresses: readonly string[] }[] = [],
): Explanation {
  const wanted = target(subject)
  // 10.9.0.2:80 is also the beginning of 10.9.0.2:8080.
  const about = (exactly: string) => recent(exactly).filter(event => event.subject === exactly)
  const servers = status.services
    .filter(({ name }) => wanted.service === undefined || wanted.service === name)
    .flatMap(service => {
      const { realServers, ...rest } = service
      return realServers
        .filter(server => wanted.server === undefined || same(server, wanted.server))
        .map(server => {
          const key = serverKey(server)
          const overrides = status.overrides.filter(override => applies(override, service.name, server))
          return { service: rest, server, overrides, results: [], events: about(`server ${service.name}/${key}`) }
        })
    })
  const routers = status.routers
    .filter(({ name }) => name === subject)
    .map(router => ({ router, peers: status.peers, events: about(`router ${router.name}`) }))
  // Its quorum may be tracked as well: that is told with the router.
  const tracked = routers.length + servers.length > 0 ? [] : findTracked(status.routers, subject)
  const directors = findDirector(status, subject, known, about)
  return { subject, node: status.node, at: status.at, routers, servers, directors, tracked }
}

function applies({ service, address, port }: Override, name: string, server: RealServerStatus): boolean {
  return (service === '*' || service === name) && address === server.address && (port === 0 || port === server.port)
}

/** A bare word is a service unless it looks like an address. */
function target(subject: string): { service?: string; server?: string } {
  const slash = subject.indexOf('/')
  if (slash >= 0) return { service: subject.slice(0, slash), server: subject.slice(slash + 1) }
  return /^\[|^[\d.]+(:\d+)?$|:.*:/.test(subject) ? { server: subject } : { service: subject }
}

function same(server: RealServerStatus, wanted: string): boolean {
  return [server.address, `[${server.address}]`, serverKey(server)].includes(wanted)
}
