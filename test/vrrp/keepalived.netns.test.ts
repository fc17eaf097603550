import { afterAll, describe, test } from 'vitest'
import { segment } from '../linux/namespaces.js'
import { besideKeepalived, title, ways } from './beside-keepalived.js'

describe('beside keepalived', () => {
  // The directors run in this process: nothing may block it while another story is told, so all networks are made before and removed after.
  const stories = ways.map(way => [title(way), way, segment()] as const)
  afterAll(() => {
    for (const [, , net] of stories) net.remove()
  })

  test.concurrent.each(stories)(
    '%s: stop, crash and return, each with one master',
    { timeout: 120_000 },
    (_, way, net) => besideKeepalived(net, way),
  )
})
