import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { importKeepalived } from '../../config/import/keepalived.js'
import { labFolder } from '../lab/harness.js'
import { createPair, lost, type Pair, servers, status, until, vip } from '../pair/pair.js'

// docs/migration.md, step by step: a live pair of keepalived, version 2 with adverts every second, as most of them run, and with
// the scheduler that lets connections live on at another director that does not know them.
const options = ['--version', '2', '--interval', '1', '--scheduler', 'mh']
const original = (director: string) =>
  execFileSync(join(labFolder, 'keepalived-conf'), [director, ...options], { encoding: 'utf8' })

const { yaml, status: imported } = importKeepalived([
  { file: 'd1.conf', text: original('d1'), addresses: ['10.9.0.11'] },
  { file: 'd2.conf', text: original('d2'), addresses: ['10.9.0.12'] },
])
/** The file of step 4: the director that runs lvskeeper already has the highest priority. */
const raised = yaml.replace('address: 10.9.0.12, priority: 100', 'address: 10.9.0.12, priority: 200')

let pair: Pair
const keepalived = (action: string, name: string) =>
  pair.net.topology('keepalived', action, name, ...(action === 'start' ? options : []))
const rules = async (name: string) => (await pair.exec(name, 'ipvsadm', '-Sn')).stdout.trim().split('\n').sort()

beforeAll(async () => {
  pair = await createPair({ mode: 'dr', config: yaml })
})
afterAll(() => pair.end())

test('a live pair moves from keepalived to lvskeeper, one director at a time, and clients are served throughout', async () => {
  const { d1, d2 } = pair
  expect(imported).toBe('complete')
  expect(raised).not.toBe(yaml)
  keepalived('start', 'd1')
  keepalived('start', 'd2')
  await until(
    'keepalived serves on d1',
    async () => d1.holds(vip) && servers(d1).length === 2 && /rs[12]/.test(await pair.curl()),
    30_000,
    100,
  )
  await until(
    'd2 has the same table',
    async () => (await rules('d1')).join() === (await rules('d2')).join(),
    15_000,
    100,
  )
  const table = await rules('d2')
  const client = await pair.client(20, 1_000)

  // Step 3: the backup changes over. It hears keepalived on d1 and stays backup, its table complete.
  keepalived('stop', 'd2')
  d2.start()
  await until('lvskeeper is backup on d2', async () => (await status(d2))?.routers[0]?.state === 'backup', 60_000, 200)
  await until(
    'its table is the one that keepalived had',
    async () => (await rules('d2')).join() === table.join(),
    30_000,
    200,
  )
  expect([d1.holds(vip), d2.holds(vip)]).toEqual([true, false])

  // Step 4: it takes the VIP by priority: the old master yields to its advert.
  pair.write(raised)
  await d2.cli('reload')
  await until('d2 is master, alone', () => d2.holds(vip) && !d1.holds(vip), 30_000, 20)

  // Step 5: the other director changes over, as a backup too.
  keepalived('stop', 'd1')
  d1.start()
  await until('lvskeeper is backup on d1', async () => (await status(d1))?.routers[0]?.state === 'backup', 60_000, 200)
  await until('its table is complete', async () => (await rules('d1')).join() === table.join(), 30_000, 200)

  // Step 6: the file as it was imported, on both: d1 is the better one again.
  pair.write(yaml)
  await d1.cli('reload')
  await d2.cli('reload')
  await until('d1 is master, alone', () => d1.holds(vip) && !d2.holds(vip), 30_000, 20)

  const report = await client.end()
  expect(report.attempts).toBeGreaterThan(100)
  expect({ errors: report.errors, lost: lost(report) }).toEqual({ errors: report.errors, lost: 0 })
  expect(report.longestGapMs).toBeLessThan(5_000)
}, 300_000)
