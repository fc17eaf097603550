import type { Report } from './finding.js'
import type { Rename } from './keepalived-router-entry.js'
import type { Side } from './keepalived-side.js'
import { type Entries, entries, items, mapOf, put } from './yaml-writer.js'

/** What the importer knows about one director. */
export type Director = {
  readonly name: string
  readonly side: Side
  /** By family; placeholders where no file names one. */
  readonly addresses: readonly string[]
  /** Name in the YAML -> name on this director. */
  readonly interfaces: ReadonlyMap<string, string>
  /** Name on this director -> name in the YAML. */
  readonly rename: Rename
}

export type Given = { readonly name?: string | undefined; readonly addresses?: readonly string[] | undefined }

/** Names and addresses: as given, else router_id, else d1 and d2 with the higher priority first. */
export function nameDirectors(sides: readonly Side[], given: readonly Given[], report: Report): readonly Director[] {
  const names = namesOf(sides, given)
  const ordered = sides.map((side, index) => ({ side, name: names[index] ?? `d${index + 1}`, given: given[index] }))
  const [first] = ordered
  return ordered.map(({ side, name, given: own }, index) => {
    const interfaces = index === 0 || !first ? new Map<string, string>() : differences(first.side, side, report)
    const back = new Map([...interfaces].map(([here, there]) => [there, here]))
    const addresses = own?.addresses ?? addressesOf(side, sides, index)
    if (!own?.addresses && addresses.length === 0 && side.routers.length > 0)
      reportPlaceholder(side, name, index, report)
    return {
      ...{ name, side, interfaces },
      addresses: addresses.length > 0 ? addresses : [placeholder(index)],
      rename: (nic: string) => back.get(nic) ?? nic,
    }
  })
}

/** RFC 5737: no machine has it, so a director that keeps it refuses to start. */
function placeholder(index: number): string {
  return `192.0.2.${index + 1}`
}

function namesOf(sides: readonly Side[], given: readonly Given[]): readonly string[] {
  if (given.length > 0 && given.every(({ name }) => name !== undefined)) return given.map(({ name }) => name ?? '')
  const ids = sides.map(side => side.globals.routerId ?? '')
  const usable = ids.every(id => /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/.test(id)) && new Set(ids).size === ids.length
  if (usable && sides.length > 1) return ids
  const highest = sides.map(side => Math.max(0, ...side.routers.map(router => router.priority)))
  const order = sides.map((_, index) => index).sort((a, b) => (highest[b] ?? 0) - (highest[a] ?? 0) || a - b)
  return sides.map((_, index) => `d${order.indexOf(index) + 1}`)
}

/** Own source addresses; in a pair of unicast peers also what the other one sends to. */
function addressesOf(side: Side, sides: readonly Side[], index: number): readonly string[] {
  const taken = new Set(sides.slice(0, index).flatMap(one => one.routers.flatMap(router => router.source ?? [])))
  // The other director holds a VIP, too: it names nobody, but for an owner.
  const shared = new Set(
    sides
      .flatMap(one => one.routers.filter(router => router.priority < 255))
      .flatMap(router => router.vips.map(vip => vip.address)),
  )
  const own = new Map<number, string>()
  for (const router of side.routers)
    if (router.source !== undefined && !taken.has(router.source) && !shared.has(router.source))
      own.set(router.family, own.get(router.family) ?? router.source)
  const [other] = sides.filter((_, at) => at !== index)
  if (sides.length === 2 && other)
    for (const router of other.routers) {
      const [peer, more] = router.peers
      if (peer && !more && !own.has(router.family) && peer.address !== router.source && !shared.has(peer.address))
        own.set(router.family, peer.address)
    }
  return [...own.values()]
}

function reportPlaceholder(side: Side, name: string, index: number, report: Report): void {
  const node = side.routers[0]?.node ?? { file: side.file, line: 1, statement: '' }
  report(
    node,
    'lost',
    'director-address',
    `The file does not say which address this director (${name}) has.`,
    `The YAML has ${placeholder(index)} in its place: write the director's own address there.`,
  )
}

/** Interfaces that have another name on this side than on the first: of the same instance, or under the same VIP. */
function differences(first: Side, side: Side, report: Report): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const router of side.routers) {
    const twin =
      first.routers.find(other => other.name === router.name) ??
      first.routers.find(other => other.vrid === router.vrid && other.family === router.family)
    if (!twin) continue
    const pairs: [string | undefined, string | undefined][] = [[twin.interface, router.interface]]
    for (const vip of [...router.vips, ...router.excluded]) {
      const same = [...twin.vips, ...twin.excluded].find(other => other.address === vip.address)
      pairs.push([same?.interface, vip.interface])
    }
    for (const [here, there] of pairs) {
      if (here === undefined || there === undefined || (found.get(here) ?? here) === there) continue
      if (found.has(here))
        report(
          router.node,
          'lost',
          'interface-names',
          `${here} would be ${found.get(here)} and ${there} on this director.`,
          'Correct `interfaces` of the director by hand.',
        )
      else found.set(here, there)
    }
  }
  return found
}

/** `directors:`; a priority of its own where all of its routers have the same one. */
export function directorEntries(directors: readonly Director[], common: readonly (number | undefined)[]): Entries {
  const result = entries()
  directors.forEach(({ name, addresses, interfaces }, index) => {
    const [only = ''] = addresses
    const entry = mapOf({ address: addresses.length === 1 ? only : items(addresses), priority: common[index] })
    if (interfaces.size > 0) put(entry, 'interfaces', mapOf(Object.fromEntries(interfaces)))
    const open = addresses[0]?.startsWith('192.0.2.')
    put(result, name, entry, open ? { after: "write this director's own address here" } : {})
  })
  return result
}
