import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compiled, segment, sleep } from '../linux/namespaces.js'
import { director } from './director.js'

const net = segment()
const one = director(net.a)
const file = `directors:
  d1: { address: 10.9.0.11 }
virtual_routers:
  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32], advert_interval: 100ms }
virtual_servers:
  web:
    address: 10.9.0.100:80
    forward: nat
    check: none
    real_servers: [10.9.0.21, 10.9.0.22]
`
let terminal: ChildProcessByStdio<Writable, Readable, null> | undefined

beforeAll(async () => {
  one.write(file)
  await one.start()
})
afterAll(async () => {
  terminal?.kill('SIGKILL')
  await one.stop()
  one.remove()
  net.remove()
})

/** A shell on a real pseudo terminal of 30 lines and 120 columns, in which `watch` runs between two looks at the terminal's settings. */
function watching() {
  const program = `${process.execPath} ${join(compiled(), 'src/main.js')} watch --run-dir ${one.run}`
  const shell = `stty rows 30 cols 120; stty -g; ${program}; echo "exit $?"; stty -g`
  const child = spawn('script', ['-qfec', shell, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm', SHELL: '/bin/sh' },
  })
  terminal = child
  let output = ''
  child.stdout.on('data', part => {
    output += part
  })
  const screen = () => stripVTControlCharacters(output.slice(output.lastIndexOf('\x1b[H')))
  return {
    all: () => output,
    press: (keys: string) => child.stdin.write(keys),
    ended: once(child, 'exit'),
    /** What stands on the screen, once it holds. */
    async until(what: string, holds: (screen: string) => boolean): Promise<string> {
      const end = performance.now() + 8_000
      while (!holds(screen())) {
        if (performance.now() > end) throw new Error(`waited for ${what}; the screen is:\n${screen()}`)
        await sleep(20)
      }
      return screen()
    },
  }
}

test('watch on a terminal: shows, drains, fails over, tells that control is gone, and leaves the terminal as it was', async () => {
  const { pid, processes } = await one.until('the VIP', ({ routers }) => routers[0]?.state === 'master')
  const { all, press, until, ended } = watching()
  const first = await until('the first screen', text => text.includes('q quit'))
  expect(first.split('\r\n')).toHaveLength(30)
  expect(first).toMatch(/^d1 {2}up /)
  expect(first).toMatch(/router +web +master/)
  expect(first).toMatch(/server +web\/10\.9\.0\.21:80 +unchecked/)
  expect(first).toMatch(/server +web\/10\.9\.0\.22:80 +unchecked/)

  // The virtual router is selected first: nobody is there to take it.
  press('f')
  await until('the question', text => text.includes('fail over web?  y yes, any other key no'))
  press('y')
  await until('why not', text => text.includes('the file names no other director'))
  // Down with the key of a terminal, drain, and no: nothing happens.
  press('\x1b[B')
  press('d')
  await until('the question', text => text.includes('drain web/10.9.0.21:80?  y yes'))
  press('n')
  await until('the keys again', text => text.includes('q quit'))
  expect((await one.status()).overrides).toEqual([])
  press('dy')
  await until('the drain', text => /server +web\/10\.9\.0\.21:80 +drain/.test(text))
  expect((await one.status()).overrides).toMatchObject([
    { address: '10.9.0.21', verb: 'drain', reason: 'from lvskeeper watch' },
  ])

  // Control dies and cannot start: what is shown is of then. Mended, it is of now.
  rmSync(join(one.run, 'applied.json'))
  one.write('directors: [')
  process.kill(processes.find(({ role }) => role === 'control')!.pid!, 'SIGKILL')
  const gone = await until('the news', text =>
    text.includes(`lvskeeper runs (pid ${pid}), but its control process is not`),
  )
  expect(gone).toMatch(/web\/10\.9\.0\.21:80 +drain/)
  one.write(file)
  await until('control again', text => !text.includes('lvskeeper runs (pid'))

  press('q')
  await ended
  // The settings of the terminal before and after; its other screen entered and left; the cursor hidden and shown.
  const [before, after] = all().match(/^[0-9a-f]+(:[0-9a-f]+)+(?=\r?$)/gm) ?? []
  expect(before).toBeDefined()
  expect(after).toBe(before)
  expect(all()).toContain('exit 0')
  const switches = all().match(/\[\?(1049|25)[hl]/g)
  expect(switches).toEqual(['[?1049h', '[?25l', '[?25h', '[?1049l'])
}, 40_000)
