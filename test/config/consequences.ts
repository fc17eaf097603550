import { type Document, isMap, type Pair, parseDocument, Scalar } from 'yaml'
import { formatPath } from '../../config/problem.js'
import { namedParts } from '../../config/schema/file.js'
import { load } from './load.js'
import { places } from './mutations.js'

type Path = readonly (string | number)[]

/** Mappings whose keys are the operator's own names: one that is written otherwise is another name, not a slip that can be seen. */
const names = new Set<unknown>([...namedParts, 'priorities', 'scripts', 'interfaces', 'keys'])

/**
 * Makes each of the places unreadable, once by its value and once by its key, and answers what is told of other places then: rules
 * that took a value that cannot be read for one that is not there.
 */
export function consequences(text: string, places: readonly Path[]): string[] {
  const before = new Set(told(text).map(({ path, code }) => `${path} ${code}`))
  return places.flatMap(path =>
    slips(text, path).flatMap(([what, slip]) => {
      const here = formatPath(path)
      const around = formatPath(path.slice(0, -1))
      return told(slip)
        .filter(
          ({ path: at, code }) =>
            !at.startsWith(here) && !(at === around && (code === 'missing-key' || code === 'unknown-key')),
        )
        .map(({ path: at, code }) => `${at} ${code}`)
        .filter(one => !before.has(one))
        .map(one => `${what} ${here}: ${one}`)
    }),
  )
}

/** Every place but those of a pool, which is told wherever it is used. */
export function placesOf(text: string): Path[] {
  return places(text).filter(path => !String(path[0]).startsWith('x-') && !path.includes('<<'))
}

function slips(text: string, path: Path): [what: string, text: string][] {
  const last = path.at(-1)
  const retyped = changed(text, path, (document, pair) => {
    if (pair === undefined) document.setIn(path, document.createNode([[[7]]]))
    else pair.value = document.createNode([[[7]]])
  })
  const misspelt = changed(text, path, (_, pair) => {
    if (pair !== undefined && !names.has(path.at(-2))) pair.key = new Scalar(`${last}q`)
  })
  return [...retyped.map(slip => ['retyped', slip] as const), ...misspelt.map(slip => ['misspelt', slip] as const)].map(
    ([what, slip]) => [what, slip],
  )
}

/** Nothing where that takes away the anchor of an alias. */
function changed(text: string, path: Path, change: (document: Document, pair: Pair | undefined) => void): string[] {
  const document = parseDocument(text)
  change(
    document,
    pairsAt(document, path).find(({ key }) => String((key as Scalar).value) === path.at(-1)),
  )
  try {
    return [String(document)]
  } catch {
    return []
  }
}

function pairsAt(document: Document, path: Path) {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  return isMap(parent) ? parent.items : []
}

function told(text: string) {
  const loaded = load(text, {}, { static: true })
  return [...(loaded.ok ? [] : loaded.errors), ...loaded.warnings]
}
