import type { Report } from './finding.js'
import { same, show } from './keepalived-compare.js'
import type { Director } from './keepalived-directors.js'
import type { Router } from './keepalived-router.js'
import { routerEntry } from './keepalived-router-entry.js'
import { safeName } from './keepalived-values.js'
import { type Entries, entries, get, items, plain, put } from './yaml-writer.js'

type Pair = readonly (Router | undefined)[]

/** Instances that are one virtual router, by director: same name, else same vrid and family. */
export function matchRouters(directors: readonly Director[], report: Report): Pair[] {
  const rows: (Router | undefined)[][] = []
  directors.forEach(({ side }, index) => {
    const open = new Set(rows)
    const added = side.routers.map(router => {
      const first = (row: Pair) => row.find(other => other !== undefined)
      const twin =
        [...open].find(row => first(row)?.name === router.name && first(row)?.vrid === router.vrid) ??
        [...open].find(row => first(row)?.vrid === router.vrid && first(row)?.family === router.family)
      if (twin) open.delete(twin)
      const row = twin ?? Array.from<Router | undefined>({ length: directors.length })
      row[index] = router
      return row
    })
    rows.push(...added.filter(row => !rows.includes(row)))
  })
  for (const row of rows) {
    const router = row.find(one => one !== undefined)
    directors.forEach((director, index) => {
      if (router && row[index] === undefined) notThere(router, director)
    })
  }
  return rows

  function notThere(router: Router, missing: Director): void {
    report(
      router.node,
      'lost',
      'only-one-director',
      `${missing.name} has no instance with vrid ${router.vrid}: it takes no part.`,
      'In the YAML all take part. Give the one that shall not a priority of 1, or add it to the other file first.',
    )
  }
}

export function commonPriority(routers: readonly (Router | undefined)[]): number | undefined {
  const all = new Set(routers.flatMap(router => router?.priority ?? []))
  const [only] = all
  return all.size === 1 ? only : all.size === 0 ? 100 : undefined
}

export function routerOf(pair: Pair, directors: readonly Director[], withPriorities: boolean, report: Report): Entries {
  const present = pair.flatMap((router, index) => {
    const director = directors[index]
    return router && director ? [{ router, director }] : []
  })
  const [first, ...others] = present
  if (!first) return entries()
  const entry = entryOf(first)
  const highest = present.reduce((best, one) => (one.router.priority > best.router.priority ? one : best))
  for (const other of others) compareRouters(entry, first, other, highest, report)
  const priorities = entries()
  for (const { router, director } of present) put(priorities, director.name, router.priority)
  const owners = present.filter(({ router }) => router.priority === 255)
  const [, extra] = owners
  if (extra) {
    report(
      extra.router.node,
      'lost',
      'two-owners',
      'Both directors have priority 255: both would be master for good.',
      `The YAML has 254 for ${extra.director.name}.`,
    )
    put(priorities, extra.director.name, 254)
  }
  if (withPriorities || extra) put(entry, 'priorities', priorities, first.router.keyComments['priorities'])
  putTransport(entry, present, directors, report)
  if (owners.length > 0) dropWeights(entry, owners[0]?.router, report)
  return entry
}

function entryOf({ router, director: { side, rename } }: Present): Entries {
  const group = side.groupOf.get(router.name)
  return routerEntry(router, rename, group === undefined ? undefined : safeName(group))
}

type Present = { readonly router: Router; readonly director: Director }

/** What another director says differently from the first. */
function compareRouters(entry: Entries, first: Present, second: Present, highest: Present, report: Report): void {
  const said = entryOf(first)

  const other = entryOf(second)
  for (const key of new Set([...said.pairs, ...other.pairs].map(pair => pair.key))) {
    const [mine, theirs] = [said, other].map(map => map.pairs.find(pair => pair.key === key)?.value)
    if (same(mine, theirs)) continue
    // Only a director of higher priority than the master ever has the choice.
    if (key === 'preempt') {
      put(entry, key, get(entryOf(highest), key))
      report(
        second.router.node,
        'note',
        'preempt-differs',
        'The two directors differ in whether they pre-empt; only the one of higher priority ever can.',
        `The YAML does as ${highest.director.name}.`,
      )
    } else
      report(
        second.router.node,
        'lost',
        'directors-differ',
        `${key}: ${first.director.name} has ${show(mine)}, ${second.director.name} has ${show(theirs)}.`,
        `The YAML has that of ${first.director.name}, for both.`,
      )
  }
}

function putTransport(
  entry: Entries,
  present: readonly Present[],
  directors: readonly Director[],
  report: Report,
): void {
  const unicast = present.filter(({ router }) => router.peers.length > 0)
  const [first] = unicast
  if (!first) return
  const odd = present.find(({ router }) => router.peers.length === 0)
  if (odd)
    report(
      odd.router.node,
      'lost',
      'transport-differs',
      'One director speaks unicast, the other multicast: they do not hear each other.',
      'The YAML has unicast for both.',
    )
  put(entry, 'transport', 'unicast')
  const addresses = new Set(directors.flatMap(director => [...director.addresses]))
  const peers = unicast.flatMap(({ router }) => router.peers)
  const spoken = directors.every(one => one.addresses.some(address => isOf(address, first.router.family)))
  const known = directors.length > 1 && spoken && peers.every(peer => addresses.has(peer.address))
  if (!known) put(entry, 'peers', items([...new Set(peers.map(peer => peer.address))]))
  // keepalived looks at no TTL on unicast unless told to; RFC 9568 5.1.1.3 wants 255, its IPv6 adverts leave with 64.
  const least = Math.min(...peers.map(peer => peer.minTtl ?? 1))
  put(entry, 'min_ttl', least, least === 1 ? { after: 'keepalived accepts any; 255 where no router lies between' } : {})
}

function isOf(address: string, family: 4 | 6): boolean {
  return address.includes(':') === (family === 6)
}

/** No tracking moves the priority of an owner: keepalived drops the weights. */
function dropWeights(entry: Entries, owner: Router | undefined, report: Report): void {
  const weighted = owner?.tracks.filter(track => track.weight !== 0) ?? []
  for (const track of weighted)
    report(
      track.node,
      'trap',
      'owner-weight',
      'Nothing moves the priority 255: keepalived ignores what is tracked with a weight.',
      'Left out.',
    )
  const track = entry.pairs.find(pair => pair.key === 'track')
  if (!track || typeof track.value !== 'object' || track.value.kind !== 'map') return
  for (const kind of track.value.pairs) {
    if (typeof kind.value !== 'object' || kind.value.kind !== 'map') continue
    const kept = kind.value.pairs.filter(({ value }) => JSON.stringify(plain(value)).includes('"weight":0'))
    kind.value.pairs.splice(0, kind.value.pairs.length, ...kept)
  }
  const left = track.value.pairs.filter(
    ({ value }) => typeof value !== 'object' || value.kind === 'list' || value.pairs.length > 0,
  )
  if (left.length > 0) track.value.pairs.splice(0, track.value.pairs.length, ...left)
  else entry.pairs.splice(entry.pairs.indexOf(track), 1)
}
