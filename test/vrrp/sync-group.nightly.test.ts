import { afterAll, describe, test } from 'vitest'
import { segment } from '../linux/namespaces.js'
import { title } from './beside-keepalived.js'
import { keepalivedOf, suites } from './keepalived-versions.js'
import { groupBesideKeepalived, groupWays, moreGroupWays } from './sync-group-beside-keepalived.js'

describe.each(suites)('a sync group beside that of keepalived, %s', (_, suite) => {
  const program = keepalivedOf(suite)
  // The machine's own tells the rest of its story in every test run.
  const tried = suite ? [...groupWays, ...moreGroupWays] : moreGroupWays
  const stories = tried.map(way => [title(way), way, segment()] as const)
  afterAll(() => {
    for (const [, , net] of stories) net.remove()
  })

  test.concurrent.each(stories)(
    '%s: goes and comes as one over start, fault, stop and crash',
    { timeout: 120_000 },
    (__, way, net) => groupBesideKeepalived(net, way, program),
  )
})
