import { addressBytes } from '../../vrrp/address.js'
import type { VirtualRoute, VirtualRule } from '../../vrrp/virtual-router.js'
import { ignoreGone } from './addresses.js'
import { attribute, numberOf, parseAttributes } from './attributes.js'
import { codeOf, KernelError } from './errno.js'
import { addressText, familyNumber } from './ip-address.js'
import type { Links } from './links.js'
import { openNetlink, type Reply, type Request } from './netlink.js'
import { nlm, ownProtocol, rtm } from './rtnetlink.js'

export type Routes = {
  /** Adds what is missing, removes what this router no longer names. Level-triggered. Rejects with the first refusal. */
  claim(router: string, routes: readonly VirtualRoute[], rules: readonly VirtualRule[]): Promise<void>
  /** Removes them all. Never rejects for what is already gone. */
  release(router: string): Promise<void>
  /** Removes every route and rule with our protocol number that no router holds: what a crash left. Returns how many. */
  sweep(): Promise<number>
  /** The way to 0.0.0.0/0 or ::/0 in the main table: the one with the lowest metric. */
  defaultGateway(family: 4 | 6): Promise<{ readonly address?: string; readonly interface: string } | undefined>
  close(): void
}

/** struct rtmsg: family, destination length, source length, tos, table, protocol, scope, type, flags. struct fib_rule_hdr has the same size. */
const headerLength = 12
const rta = {
  destination: 1,
  oif: 4,
  gateway: 5,
  priority: 6,
  source: 7,
  metrics: 8,
  multipath: 9,
  table: 15,
  via: 18,
} as const
const fra = { destination: 1, source: 2, iifname: 3, priority: 6, mark: 10, table: 15, protocol: 21 } as const
const mainTable = 254
const scope = { universe: 0, link: 253 } as const
const unicast = 1
const toTable = 1

/** The routes and rules that move with a virtual router; each carries our protocol number, so that `ip route show proto 112` lists them. */
export function kernelRoutes(links: Links): Routes {
  const netlink = openNetlink()
  const holdings = new Map<string, Map<string, Request>>()

  return {
    async claim(router, routes, rules) {
      const before = holdings.get(router) ?? new Map<string, Request>()
      const wanted = new Map([...routes.map(route => routeRequest(links, route)), ...rules.map(ruleRequest)].map(keyed))
      holdings.set(router, wanted)
      for (const [name, request] of before) if (!wanted.has(name)) await remove(request)
      // A rule without preference gets a new one each time, so the kernel would take the same rule twice.
      const there = rules.length > 0 ? await list(rtm.getRule) : []
      for (const request of wanted.values()) if (!there.some(reply => describes(request, reply))) await add(request)
    },

    async release(router) {
      const held = holdings.get(router)
      holdings.delete(router)
      // One that the kernel refuses to remove must not keep the others; it is found again by the next sweep.
      await Promise.allSettled([...(held?.values() ?? [])].map(remove))
    },

    async sweep() {
      const found = [...(await list(rtm.getRoute)), ...(await list(rtm.getRule))].filter(isOurs)
      // What was claimed while the kernel listed is not left behind.
      const held = [...holdings.values()].flatMap(requests => [...requests.values()])
      const left = found.filter(reply => !held.some(request => describes(request, reply)))
      await Promise.all(left.map(reply => netlink.request(deletion(reply)).catch(ignoreGone)))
      return left.length
    },

    async defaultGateway(family) {
      const found = (await list(rtm.getRoute))
        .filter(({ data }) => data[0] === (family === 4 ? 2 : 10) && data[1] === 0 && data[7] === unicast)
        .map(({ data }) => parseAttributes(data, headerLength))
        .filter(attributes => numberOf(attributes, rta.table) === mainTable && attributes.has(rta.oif))
        .sort((a, b) => numberOf(a, rta.priority) - numberOf(b, rta.priority))
      for (const attributes of found) {
        const name = links.byIndex(numberOf(attributes, rta.oif))?.name
        const gateway = attributes.get(rta.gateway)
        if (name !== undefined) return { interface: name, ...(gateway && { address: addressText(gateway) }) }
      }
      return undefined
    },

    close: () => netlink.close(),
  }

  /** Never in the place of somebody else's; ours being there already is what is wanted. */
  async function add(request: Request): Promise<void> {
    await netlink.request({ ...request, flags: nlm.create | nlm.exclusive }).catch(async error => {
      if (codeOf(error) !== 'EEXIST') throw error
      const found = await list(request.type === rtm.newRule ? rtm.getRule : rtm.getRoute)
      if (!found.some(reply => isOurs(reply) && describes(request, reply))) throw error
    })
  }

  async function remove(request: Request): Promise<void> {
    const type = request.type === rtm.newRule ? rtm.delRule : rtm.delRoute
    await netlink.request({ ...request, type, what: request.what.replace('add', 'remove') }).catch(ignoreGone)
  }

  function list(type: number): Promise<readonly Reply[]> {
    return netlink.dump({ type, data: Buffer.alloc(headerLength), what: 'list routes and rules' })
  }
}

const keyed = (request: Request): [string, Request] => [`${request.type} ${request.data.toString('hex')}`, request]

function isOurs({ type, data }: Reply): boolean {
  if (type === rtm.newRoute) return data[5] === ownProtocol
  return parseAttributes(data, headerLength).get(fra.protocol)?.[0] === ownProtocol
}

/** The kernel's own description of an object deletes it; lifetimes and counters in it are ignored. */
function deletion({ type, data }: Reply): Request {
  return { type: type === rtm.newRule ? rtm.delRule : rtm.delRoute, data, what: 'remove what a crash left' }
}

/** Whether what the kernel lists is what was requested: same family, lengths, and every attribute that we set. */
function describes({ type, data }: Request, reply: Reply): boolean {
  if (type !== reply.type || !data.subarray(0, 3).equals(reply.data.subarray(0, 3))) return false
  const found = parseAttributes(reply.data, headerLength)
  return [...parseAttributes(data, headerLength)].every(([key, value]) => found.get(key)?.equals(value) ?? false)
}

function routeRequest(links: Links, route: VirtualRoute): Request {
  const [network, length] = subnet(route.destination, route.via ?? route.source)
  const what = `add route ${route.destination}`
  const index = route.interface === undefined ? undefined : links.byName(route.interface)?.index
  if (route.interface !== undefined && index === undefined) throw new KernelError(what, 'ENODEV')
  const table = route.table ?? mainTable
  const header = Buffer.alloc(headerLength)
  header.writeUInt8(familyNumber(network), 0)
  header.writeUInt8(length, 1)
  header.writeUInt8(table > 255 ? 0 : table, 4)
  header.writeUInt8(ownProtocol, 5)
  header.writeUInt8(route.via === undefined && familyNumber(network) === 2 ? scope.link : scope.universe, 6)
  header.writeUInt8(unicast, 7)
  const sameFamily = route.via === undefined || familyNumber(route.via) === familyNumber(network)
  const data = Buffer.concat([
    header,
    ...(length > 0 ? [attribute(rta.destination, addressBytes(network))] : []),
    ...(route.via === undefined
      ? []
      : sameFamily
        ? [attribute(rta.gateway, addressBytes(route.via))]
        : [viaOther(route.via)]),
    ...(index === undefined ? [] : [attribute(rta.oif, index)]),
    ...(route.source === undefined ? [] : [attribute(rta.source, addressBytes(route.source))]),
    ...(route.metric === undefined ? [] : [attribute(rta.priority, route.metric)]),
    attribute(rta.table, table),
  ])
  return { type: rtm.newRoute, data, what }
}

/** An IPv4 route through an IPv6 gateway (RFC 8950): struct rtvia, family and address. */
function viaOther(address: string): Buffer {
  const family = Buffer.alloc(2)
  family.writeUInt16LE(familyNumber(address))
  return attribute(rta.via, Buffer.concat([family, addressBytes(address)]))
}

function ruleRequest(rule: VirtualRule): Request {
  const any = rule.family === 4 ? '0.0.0.0/0' : '::/0'
  const [from, fromLength] = subnet(rule.from ?? any)
  const [to, toLength] = subnet(rule.to ?? any)
  const header = Buffer.alloc(headerLength)
  header.writeUInt8(rule.family === 4 ? 2 : 10, 0)
  header.writeUInt8(toLength, 1)
  header.writeUInt8(fromLength, 2)
  header.writeUInt8(rule.table > 255 ? 0 : rule.table, 4)
  header.writeUInt8(toTable, 7)
  const data = Buffer.concat([
    header,
    ...(fromLength > 0 ? [attribute(fra.source, addressBytes(from))] : []),
    ...(toLength > 0 ? [attribute(fra.destination, addressBytes(to))] : []),
    ...(rule.interface === undefined ? [] : [attribute(fra.iifname, rule.interface)]),
    ...(rule.mark === undefined ? [] : [attribute(fra.mark, rule.mark)]),
    ...(rule.preference === undefined ? [] : [attribute(fra.priority, rule.preference)]),
    attribute(fra.table, rule.table),
    attribute(fra.protocol, Buffer.from([ownProtocol])),
  ])
  return { type: rtm.newRule, data, what: `add rule for table ${rule.table}` }
}

/** `10.1.0.0/16` -> address and length; `default` is /0 of the family of `like`. */
function subnet(text: string, like = '0.0.0.0'): [address: string, length: number] {
  if (text === 'default') return [familyNumber(like) === 2 ? '0.0.0.0' : '::', 0]
  const [address = '', length] = text.split('/')
  return [address, length === undefined ? addressBytes(address).length * 8 : Number(length)]
}
