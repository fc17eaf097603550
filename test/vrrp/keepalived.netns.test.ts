import { describe, test } from 'vitest'
import { besideKeepalived, title, ways } from './beside-keepalived.js'

describe('beside keepalived', () => {
  test.concurrent.each(ways.map(way => [title(way), way] as const))(
    '%s: stop, crash and return, each with one master',
    { timeout: 120_000 },
    (_, way) => besideKeepalived(way),
  )
})
