import type { DirectorConfig } from '../config.js'
import type { Reporter } from '../context.js'
import type { File } from '../schema/file.js'
import { suggest } from '../suggest.js'

export type Here = {
  readonly node?: string | undefined
  readonly hostname: string
  readonly localAddresses: readonly string[]
  /** true: only looked at, here is no director. false: this must be one. undefined: whichever is found. */
  readonly static?: boolean | undefined
}

/** All directors of the file, and which one this machine is: by --node, by its host name, by the one address that is local. */
export function findNode(
  file: File,
  here: Here,
  report: Reporter,
): { readonly directors: readonly DirectorConfig[]; readonly node: DirectorConfig; readonly static: boolean } {
  const directors = Object.entries(file.directors ?? {}).map(([name, director]) => ({
    name,
    addresses: director.address,
    priority: director.priority ?? 100,
    interfaces: director.interfaces ?? {},
  }))
  const first = directors[0] ?? { name: here.hostname, addresses: [], priority: 100, interfaces: {} }
  if (directors.length === 0) return { directors: [first], node: first, static: here.static ?? false }

  const named = here.node ?? undefined
  const local = directors.filter(director => isHere(director, here))
  const wanted =
    named ?? directors.find(({ name }) => name === here.hostname || name === here.hostname.split('.')[0])?.name
  if (wanted !== undefined) {
    const node = directors.find(({ name }) => name === wanted)
    if (node === undefined) {
      const near = suggest(
        wanted,
        directors.map(({ name }) => name),
      )
      const suggestion =
        near === undefined ? `directors: ${directors.map(({ name }) => name).join(', ')}` : `did you mean "${near}"?`
      report.error('unknown-node', ['directors'], `there is no director "${wanted}"`, { suggestion, at: 'key' })
      return { directors, node: first, static: true }
    }
    if (here.static !== true && !isHere(node, here)) {
      if (named === undefined && local.length === 1 && local[0] !== undefined)
        return { directors, node: local[0], static: false }
      report.error(
        'node-not-here',
        ['directors', node.name, 'address'],
        `this machine is director "${node.name}" but has none of its addresses: ${node.addresses.join(', ')}`,
        {
          suggestion: `addresses here: ${here.localAddresses.join(', ')}`,
        },
      )
    }
    return { directors, node, static: here.static ?? false }
  }
  if (local.length === 1 && local[0] !== undefined) return { directors, node: local[0], static: here.static ?? false }
  if (here.static === false)
    report.error(
      'node-not-found',
      ['directors'],
      local.length === 0
        ? `this machine (${here.hostname}) is none of the directors ${directors.map(({ name }) => name).join(', ')}`
        : `this machine has the addresses of several directors: ${local.map(({ name }) => name).join(', ')}`,
      { suggestion: 'say which one with --node or LVSKEEPER_NODE', at: 'key' },
    )
  return { directors, node: local[0] ?? first, static: true }
}

function isHere(director: DirectorConfig, { localAddresses }: Here): boolean {
  return director.addresses.some(address => localAddresses.includes(address))
}
