import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compiled, segment, sleep } from '../linux/namespaces.js'
import { director } from './director.js'

const net = segment()
const one = director(net.a)
const file = `directors:
  d1: { address: 10.9.0.11 }
virtual_routers:
  web: { vrid: 51, interface: eth0, vips: [10.9.0.100/32], advert_interval: 100ms }
`
beforeAll(async () => {
  one.write(file)
  await one.start()
})
afterAll(async () => {
  await one.stop()
  one.remove()
  net.remove()
})

/** What a person sees who types it. */
function typed(...words: string[]): Promise<{ readonly code: unknown; readonly text: string }> {
  const program = join(compiled(), 'src/main.js')
  return new Promise(resolve => {
    execFile(process.execPath, [program, ...words, '--run-dir', one.run], (error, out, err) =>
      resolve({ code: error?.code ?? 0, text: out + err }),
    )
  })
}

test('without its control process a director goes on, and says so instead of that it does not run', async () => {
  const { pid, processes, since } = await one.until('the VIP', ({ routers }) => routers[0]?.state === 'master')
  const control = processes.find(({ role }) => role === 'control')!.pid!
  // It can start neither with what was applied nor with the file.
  rmSync(join(one.run, 'applied.json'))
  one.write('directors: [')
  process.kill(control, 'SIGKILL')
  await sleep(200)

  const gone = `lvskeeper runs (pid ${pid}), but its control process is not there: VIPs, checks and table go on as they were applied`
  const status = await typed('status')
  expect(status.text).toContain(`${gone}\n  it is started again by itself; if that fails: lvskeeper check `)
  expect(status.code).toBe(69)
  expect(await typed('status', '--nagios')).toEqual({ code: 2, text: `LVSKEEPER CRITICAL - ${gone}\n` })
  expect(JSON.parse((await typed('drain', '10.9.0.21', '--json')).text)).toMatchObject({
    error: { code: 'no-control' },
  })
  expect(net.a.run('ip', 'address')).toContain('10.9.0.100')

  // What happens now is told to the next one.
  const cut = Date.now()
  net.a.run('ip', 'link', 'set', 'eth0', 'down')
  await sleep(200)
  net.a.run('ip', 'link', 'set', 'eth0', 'up')

  // Mended: it starts by itself, with the file.
  one.write(file)
  const { processes: after, since: still } = await one.until(
    'control, and the VIP again',
    ({ routers }) => routers[0]?.state === 'master',
  )
  expect(still).toBe(since)
  const found = after.find(({ role }) => role === 'control')!
  expect(found.pid).not.toBe(control)
  // Those that could not start count as well.
  expect(found.restarts).toBeGreaterThan(1)
  const history = await one.events()
  expect(history.filter(({ name }) => name === 'process.died')[0]).toMatchObject({
    ...{ level: 'warning', subject: 'process control', data: { pid: control, follows: 'start' } },
    text: 'control died (killed by SIGKILL); another process takes its place',
  })
  const states = history.filter(({ name, at }) => name === 'vrrp.state' && at > cut)
  expect(states.map(({ data }) => data?.['to'])).toEqual(['fault', 'backup', 'master'])
  // What the dead one had kept is not told twice.
  expect(history.filter(({ name, at }) => name === 'vrrp.state' && at < cut)).toHaveLength(2)
  expect(net.a.run('ip', 'address')).toContain('10.9.0.100')
}, 30_000)
