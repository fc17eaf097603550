import { describe, test } from 'vitest'
import { macBesideKeepalived, macTitle, macWays } from './mac-beside-keepalived.js'

describe.each(macWays.map(way => [macTitle(way), way] as const))(
  'with a virtual MAC beside keepalived’s use_vmac, %s',
  (_, way) => {
    test(
      'as the better director: the client reaches the VIP over start, stop, return and crash',
      () => macBesideKeepalived('d1', way),
      120_000,
    )

    test(
      'as the lesser director: the client reaches the VIP over start, stop, return and crash',
      () => macBesideKeepalived('d2', way),
      120_000,
    )
  },
)
