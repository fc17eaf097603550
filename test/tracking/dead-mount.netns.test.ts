import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createFileReader } from '../../src/tracking/files.js'

/** An automounter that never mounts: whoever opens a file there waits, as on a dead NFS server, until it lets go (autofs_fs.h). */
const daemon = `
import fcntl, os, subprocess, sys
os.setpgrp()
reading, writing = os.pipe()
folder = sys.argv[1]
options = f'fd={writing},pgrp={os.getpgrp()},minproto=5,maxproto=5'
subprocess.check_call(['mount', '-t', 'autofs', '-o', options, 'dead', folder], pass_fds=[writing])
print('mounted', flush=True)
sys.stdin.read()
root = os.open(folder, os.O_RDONLY)
fcntl.ioctl(root, 0x9362, 0)
os.close(root)
subprocess.check_call(['umount', folder])
`
const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-dead-'))
const dead = join(folder, 'mount')
let automounter: ChildProcess

beforeAll(async () => {
  mkdirSync(dead)
  automounter = spawn('python3', ['-c', daemon, dead], { stdio: ['pipe', 'pipe', 'inherit'] })
  if (automounter.stdout) await once(automounter.stdout, 'data')
})
afterAll(async () => {
  automounter.stdin?.end()
  await once(automounter, 'exit')
  rmSync(folder, { recursive: true })
})

test('a file system that does not answer is told of; the loop and the other files go on', async () => {
  const [lost, other, lively] = [join(dead, 'number'), join(dead, 'other'), join(folder, 'number')]
  writeFileSync(lively, '7')
  const heard = new Map<string, unknown>()
  const reader = createFileReader((path, what) => heard.set(path, what))
  let now = 0
  let turns = 0
  const loop = setInterval(() => turns++, 10)
  const look = () => reader.look(new Set([lost, other, lively]), () => now)
  look()
  await vi.waitFor(() => expect(heard.get(lively)).toEqual({ number: 7 }))
  expect(heard.has(lost)).toBe(false)
  now = 5_000
  look()
  // All of a mount that is dead: the second one keeps no place of its own.
  for (const path of [lost, other])
    expect(heard.get(path)).toEqual({
      unread: expect.stringMatching(/^no answer from the file system since \d{4}-.*Z$/),
    })
  writeFileSync(lively, '8')
  await vi.waitFor(() => {
    look()
    expect(heard.get(lively)).toEqual({ number: 8 })
  })
  const turned = turns
  await vi.waitFor(() => expect(turns).toBeGreaterThan(turned + 3))
  clearInterval(loop)
})
