import { describe, test } from 'vitest'
import { keepalivedOf, suites } from '../vrrp/keepalived-versions.js'
import { macBesideKeepalived } from './mac-beside-keepalived.js'

describe.each(suites)('with a virtual MAC beside use_vmac of keepalived, %s', (_, suite) => {
  const program = keepalivedOf(suite)

  test(
    'as the better director: the client reaches the VIP over start, stop, return and crash',
    () => macBesideKeepalived('d1', program),
    180_000,
  )

  test(
    'as the lesser director: the client reaches the VIP over start, stop, return and crash',
    () => macBesideKeepalived('d2', program),
    180_000,
  )
})
