import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readHalfOpen } from '../../src/linux/half-open.js'

const folder = mkdtempSync('/tmp/lk-half-open-')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const head = 'Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n'
/** As the kernel prints them (ip_vs_conn.c, ip_vs_conn_seq_show): VIP 10.9.0.100:80. */
const line = (client: string, server: string, state: string, expires: number) =>
  `TCP ${client} C350 0A090064 0050 ${server} 0050 ${state.padEnd(11)} ${String(expires).padStart(7)}\n`
const rs1 = '0A090015'
const rs2 = '0A090016'

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

test('handshakes that have been silent for a second are counted, by virtual address and real server', async () => {
  const path = file(
    'table',
    head +
      line('0A0900C8', rs1, 'SYN_RECV', 58) +
      line('0A0900C9', rs1, 'SYN_RECV', 3) +
      // Under way.
      line('0A0900CA', rs1, 'SYN_RECV', 59) +
      line('0A0900CB', rs2, 'ESTABLISHED', 30) +
      // Our own probe.
      line('0A09000B', rs2, 'SYN_RECV', 10) +
      'TCP fd000009000000000000000000000001 C350 fd000009000000000000000000000100 0050 fd000009000000000000000000000021 0050 SYN_RECV         20\n' +
      'TCP fd00:0009:0000:0000:0000:0000:0000:0011 C350 fd00:0009:0000:0000:0000:0000:0000:0100 0050 fd00:0009:0000:0000:0000:0000:0000:0021 0050 SYN_RECV         20\n',
  )
  const found = await readHalfOpen(['10.9.0.11', 'fd00:9::11'], { path })
  expect(found).toEqual([
    { virtual: { address: '10.9.0.100', port: 80 }, server: { address: '10.9.0.21', port: 80 }, count: 2 },
    { virtual: { address: 'fd00:9::100', port: 80 }, server: { address: 'fd00:9::21', port: 80 }, count: 1 },
  ])
})

test('our own probes are left out, whichever of our addresses they come from', async () => {
  const own = line('0A09000B', rs1, 'SYN_RECV', 10) + line('0A090A0B', rs1, 'SYN_RECV', 10)
  const six =
    'TCP FD000009000000000000000000000011 C350 FD000009000000000000000000000100 0050 FD000009000000000000000000000021 0050 SYN_RECV         20\n'
  const path = file('own', head + own.repeat(5) + six)
  expect(await readHalfOpen(['10.9.0.11', '10.9.10.11', 'fd00:9::11'], { path })).toEqual([])
  // Without knowing them they would look like clients that nobody answers.
  expect((await readHalfOpen(['10.9.10.11'], { path })).map(({ count }) => count)).toEqual([5, 1])
})

test('no more than 100,000 lines are read, and the loop turns meanwhile', async () => {
  const path = file('large', head + line('0A0900C8', rs1, 'SYN_RECV', 30).repeat(150_000))
  let turns = 0
  let reading = true
  const count = () => {
    turns++
    if (reading) setImmediate(count)
  }
  setImmediate(count)
  const found = await readHalfOpen([], { path })
  reading = false
  // The head is a line as well.
  expect(found.map(({ count }) => count)).toEqual([99_999])
  // 100,000 lines of 76 bytes are 115 slices of 64 KiB.
  expect(turns).toBeGreaterThan(100)
})

test('a kernel without the table has no connections', async () => {
  expect(await readHalfOpen([], { path: join(folder, 'none') })).toEqual([])
})
