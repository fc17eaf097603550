import type { Report } from './finding.js'
import { checkNames } from './keepalived-check-names.js'
import type { Director } from './keepalived-directors.js'
import { serviceEntries } from './keepalived-service-entry.js'
import { serviceKeys } from './keepalived-side.js'
import { uniqueNames } from './keepalived-values.js'
import { plain } from './yaml-writer.js'

type Found = { readonly service: Director['side']['services'][number] }

/** The virtual servers of all directors, each once; where they differ the first director that has it counts. */
export function matchServices(directors: readonly Director[], report: Report): Found[] {
  const key = (service: Found['service']) => serviceKeys(service).sort().join(' ')
  const found = new Map<string, { readonly service: Found['service']; readonly by: Director[] }>()
  for (const director of directors)
    for (const service of director.side.services) {
      const twin = found.get(key(service))
      if (!twin) {
        const clash = [...found.values()].some(({ service: other, by }) =>
          by[0] === director ? false : serviceKeys(other).some(one => serviceKeys(service).includes(one)),
        )
        if (clash)
          report(
            service.node,
            'lost',
            'directors-differ',
            'Overlaps with a virtual server of another director.',
            'Left out.',
          )
        else found.set(key(service), { service, by: [director] })
        continue
      }
      twin.by.push(director)
      if (fingerprint(service) !== fingerprint(twin.service))
        report(
          service.node,
          'lost',
          'directors-differ',
          `The directors configure ${twin.service.name} differently.`,
          `The YAML has that of ${twin.by[0]?.name}, for all. Compare the blocks.`,
        )
    }
  for (const { service, by } of found.values())
    for (const missing of directors.filter(director => !by.includes(director)))
      report(
        service.node,
        'lost',
        'only-one-director',
        `${missing.name} does not have this virtual server.`,
        'In the YAML all directors have it.',
      )
  return [...found.values()].map(({ service }) => ({ service }))
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
