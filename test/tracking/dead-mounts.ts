import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** An automounter that never mounts: whoever opens a file there waits, as on a dead NFS server, until it lets go (autofs_fs.h). */
const daemon = `
import fcntl, os, subprocess, sys
os.setpgrp()
reading, writing = os.pipe()
options = f'fd={writing},pgrp={os.getpgrp()},minproto=5,maxproto=5'
for folder in sys.argv[1:]:
    subprocess.check_call(['mount', '-t', 'autofs', '-o', options, 'dead', folder], pass_fds=[writing])
print('mounted', flush=True)
sys.stdin.read()
for folder in sys.argv[1:]:
    root = os.open(folder, os.O_RDONLY)
    fcntl.ioctl(root, 0x9362, 0)
    os.close(root)
    # Whoever waited for it needs a moment to turn away.
    subprocess.check_call(['umount', '--lazy', folder])
`

/** So many file systems that never answer, in this folder, and how to let go of them. */
export async function deadMounts(folder: string, count: number) {
  const mounts = Array.from({ length: count }, (_, at) => join(folder, `mount${at}`))
  for (const mount of mounts) mkdirSync(mount)
  const automounter = spawn('python3', ['-c', daemon, ...mounts], { stdio: ['pipe', 'pipe', 'inherit'] })
  if (automounter.stdout) await once(automounter.stdout, 'data')
  return {
    mounts,
    async end(): Promise<void> {
      automounter.stdin?.end()
      await once(automounter, 'exit')
    },
  }
}
