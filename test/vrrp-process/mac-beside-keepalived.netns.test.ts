import { describe, test } from 'vitest'
import { macBesideKeepalived } from './mac-beside-keepalived.js'

describe('with a virtual MAC beside keepalived’s use_vmac', () => {
  test(
    'as the better director: the client reaches the VIP over start, stop, return and crash',
    () => macBesideKeepalived('d1'),
    120_000,
  )

  test(
    'as the lesser director: the client reaches the VIP over start, stop, return and crash',
    () => macBesideKeepalived('d2'),
    120_000,
  )
})
