import type { Report } from './finding.js'
import { checkNames } from './keepalived-check-names.js'
import type { Director } from './keepalived-directors.js'
import { serviceEntries } from './keepalived-service-entry.js'
import { serviceKeys } from './keepalived-side.js'
import { uniqueNames } from './keepalived-values.js'
import { plain } from './yaml-writer.js'

type Found = { readonly service: Director['side']['services'][number] }

export function matchServices(directors: readonly Director[], report: Report): Found[] {
  const [first, second] = directors
  if (!first) return []
  const mine = first.side.services
  if (!second) return mine.map(service => ({ service }))
  const key = (service: Found['service']) => serviceKeys(service).sort().join(' ')
  const theirs = new Map(second.side.services.map(service => [key(service), service]))
  for (const service of mine) {
    const twin = theirs.get(key(service))
    theirs.delete(key(service))
    if (!twin) onlyHere(service, second)
    else if (fingerprint(service) !== fingerprint(twin))
      report(
        twin.node,
        'lost',
        'directors-differ',
        `The two directors configure ${service.name} differently.`,
        `The YAML has that of ${first.name}, for both. Compare the two blocks.`,
      )
  }
  const rest = [...theirs.values()].filter(service => {
    const clash = mine.some(other => serviceKeys(other).some(one => serviceKeys(service).includes(one)))
    if (clash)
      report(
        service.node,
        'lost',
        'directors-differ',
        'Overlaps with a virtual server of the other director.',
        'Left out.',
      )
    else onlyHere(service, first)
    return !clash
  })
  return [...mine, ...rest].map(service => ({ service }))

  function onlyHere(service: Found['service'], missing: Director): void {
    report(
      service.node,
      'lost',
      'only-one-director',
      `${missing.name} does not have this virtual server.`,
      'In the YAML both directors have it.',
    )
  }
}

/** Everything that matters of a service, without places and comments. */
function fingerprint(service: Found['service']): string {
  const names = checkNames([service])
  const quiet = () => {}
  return JSON.stringify([
    plain(names.entries),
    serviceEntries(service, names, uniqueNames(), quiet).map(({ entry, notifies }) => [
      plain(entry),
      notifies.map(plain),
    ]),
  ])
}
