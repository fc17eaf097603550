import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { count, enough, running, type TrackedProcess } from '../../src/tracking/processes.js'

const tracked = (command: string, more: Partial<TrackedProcess> = {}): TrackedProcess => ({
  command,
  minimum: 1,
  delay: 0,
  ...more,
})
const programs = [
  { comm: 'bird', words: ['/usr/sbin/bird', '-c', '/etc/bird.conf'] },
  { comm: 'bird', words: ['bird', '-c', '/etc/other.conf'] },
  { comm: 'a-name-of-sixte', words: ['/opt/a-name-of-sixteen'] },
]

test('a tracked process is named as the kernel does, cut to 15 characters, or by its whole path', () => {
  expect(count(tracked('bird'), programs)).toBe(2)
  expect(count(tracked('/usr/sbin/bird'), programs)).toBe(1)
  expect(count(tracked('a-name-of-sixteen'), programs)).toBe(1)
  expect(count(tracked('bir'), programs)).toBe(0)
})

test('its first arguments must be equal, as many as are given', () => {
  expect(count(tracked('bird', { arguments: ['-c'] }), programs)).toBe(2)
  expect(count(tracked('bird', { arguments: ['-c', '/etc/other.conf'] }), programs)).toBe(1)
  expect(count(tracked('bird', { arguments: ['/etc/other.conf'] }), programs)).toBe(0)
})

test('neither too few nor too many of it may run', () => {
  const some = tracked('bird', { minimum: 2, maximum: 3 })
  expect([1, 2, 3, 4].map(found => enough(some, found))).toEqual([false, true, true, false])
  expect(enough(tracked('bird'), 1_000)).toBe(true)
})

test('what runs is read from /proc: no zombies, no threads of the kernel, nothing that ended meanwhile', () => {
  const proc = mkdtempSync(join(tmpdir(), 'proc-'))
  const entry = (name: string, files: Readonly<Record<string, string>>) => {
    mkdirSync(join(proc, name))
    for (const [file, text] of Object.entries(files)) writeFileSync(join(proc, name, file), text)
  }
  try {
    entry('7', { comm: 'bird\n', cmdline: '/usr/sbin/bird\0-c\0\0' })
    entry('8', { comm: 'zombie\n', cmdline: '' })
    entry('9', {})
    entry('self', { comm: 'vitest\n', cmdline: 'vitest\0' })
    expect(running(proc)).toEqual([{ comm: 'bird', words: ['/usr/sbin/bird', '-c', ''] }])
  } finally {
    rmSync(proc, { recursive: true })
  }
  // The real one has at least this process.
  expect(running().some(({ words }) => words.length > 0)).toBe(true)
})
