import { afterAll, describe, test } from 'vitest'
import { segment } from '../linux/namespaces.js'
import { title } from './beside-keepalived.js'
import { groupBesideKeepalived, groupWays } from './sync-group-beside-keepalived.js'

describe('a sync group beside keepalived’s', () => {
  // As beside-keepalived: all networks are made before the first story and removed after the last.
  const stories = groupWays.map(way => [title(way), way, segment()] as const)
  afterAll(() => {
    for (const [, , net] of stories) net.remove()
  })

  test.concurrent.each(stories)(
    '%s: goes and comes as one over start, fault, stop and crash',
    { timeout: 120_000 },
    (_, way, net) => groupBesideKeepalived(net, way),
  )
})
