import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { changedSettings, createKernelSettings } from '../../src/checking/kernel-settings.js'
import type { VirtualServerInput } from '../../src/ipvs/inputs.js'
import { readSysctl, writeSysctl } from '../../src/linux/sysctl.js'
import type { Event } from '../../src/messages.js'
import { realServer, virtualServer } from '../ipvs/harness.js'
import { type Segment, segment } from '../linux/namespaces.js'

// The kernel's own settings, in a network namespace that starts with what the kernel gives it.
let net: Segment
let run: string
let told: Event[]
const names = ['net.ipv4.ip_forward', 'net.ipv4.conf.all.send_redirects', 'net.ipv4.conf.all.arp_ignore'] as const
const seen = () => net.a.enter(() => names.map(name => readSysctl(name)))
const nat = virtualServer([{ ...realServer(21), settings: { ...realServer(21).settings, forward: 'nat' } }])
const arp = {
  name: 'net.ipv4.conf.all.arp_ignore',
  value: '1',
  why: 'the VIP on lo must not be announced',
  brief: true,
} as const

/** A process begins, carries out a file with these services, and is gone. */
function process(services: readonly VirtualServerInput[], more: readonly (typeof arp)[] = []) {
  return net.a.enter(() => {
    const settings = createKernelSettings(run, event => told.push(event))
    settings.converge({ services, sync: false, conntrack: false }, more)
    return settings
  })
}

beforeEach(() => {
  net = segment()
  run = mkdtempSync(join(tmpdir(), 'lk-settings-'))
  told = []
  net.a.enter(() => {
    writeSysctl('net.ipv4.ip_forward', '0')
    writeSysctl('net.ipv4.conf.all.send_redirects', '1')
  })
})
afterEach(() => {
  net.remove()
  rmSync(run, { recursive: true })
})

test('what a feature needs is set with the value found on record, and stays when neither the next file nor the next process needs it', () => {
  process([nat])
  expect(seen()).toEqual(['1', '0', '0'])
  expect(changedSettings(run)).toContainEqual({ name: names[0], previous: '0', value: '1' })
  expect(told.map(({ name, subject }) => [name, subject])).toContainEqual(['sysctl.set', `sysctl ${names[0]}`])
  process([])
  expect(seen()).toEqual(['1', '0', '0'])
  expect(told.map(({ name }) => name)).not.toContain('sysctl.restored')
})

test('is put back at the end for good, a process later, but not what somebody else has set meanwhile', () => {
  process([nat])
  net.a.enter(() => writeSysctl('net.ipv4.conf.all.send_redirects', '1'))
  const last = process([])
  net.a.enter(() => last.restore())
  expect(seen()).toEqual(['0', '1', '0'])
  expect(changedSettings(run)).toEqual([])
})

test('what would do harm goes back as soon as nothing needs it', () => {
  process([nat], [arp])
  expect(seen()).toEqual(['1', '0', '1'])
  process([nat])
  expect(seen()).toEqual(['1', '0', '0'])
  expect(told.filter(({ name }) => name === 'sysctl.restored').map(({ subject }) => subject)).toEqual([
    `sysctl ${names[2]}`,
  ])
})
