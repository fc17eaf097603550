import { describe, test } from 'vitest'
import { macBesideKeepalived } from './mac-beside-keepalived.js'

// One of each: the other halves, and the other ways, are for the nights.
describe('with a virtual MAC beside keepalived’s use_vmac', () => {
  test(
    'as the better director, by multicast: the client reaches the VIP over start, stop, return and crash',
    () => macBesideKeepalived('d1', { version: 3, family: 4, transport: 'multicast', preempt: true }),
    120_000,
  )

  test(
    'as the lesser director, by unicast: the client reaches the VIP over start, stop, return and crash',
    () => macBesideKeepalived('d2', { version: 3, family: 4, transport: 'unicast', preempt: true }),
    120_000,
  )
})
