import { test } from 'vitest'
import { macBesideKeepalived } from './mac-beside-keepalived.js'

test(
  'with a virtual MAC beside keepalived’s use_vmac, as the lesser director: the client reaches the VIP over start, stop, return and crash',
  () => macBesideKeepalived('d2'),
  120_000,
)
