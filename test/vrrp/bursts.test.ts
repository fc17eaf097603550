import { expect, test } from 'vitest'
import { bursts } from '../../vrrp/bursts.js'
import type { Vip } from '../../vrrp/ports.js'
import type { Garp } from '../../vrrp/virtual-router.js'
import { virtualTime } from '../fakes/virtual-time.js'

const vips = ['10.9.0.100', '10.9.0.101', '10.9.0.102'].map(address => ({ address, interface: 'eth0' })) as Vip[]
const base: Garp = { repeat: 2, delay: 0, refresh: 0, refreshRepeat: 1, lowerPriorityRepeat: 1, lowerPriorityDelay: 0 }

/** What is announced, and when, in ms after the start. */
async function announced(garp: Garp, end = 100, stopAt?: number) {
  const time = virtualTime()
  const start = time.now()
  const sent: [number, string[]][] = []
  const announce = (list: readonly Vip[]) => {
    sent.push([time.now() - start, list.map(({ address }) => address)])
    return list.length
  }
  const running = bursts(time.clock(), { announce } as never, () => {})
  running.start(vips, garp, 'takeover')
  if (stopAt !== undefined) time.schedule(start + stopAt, () => running.stop())
  await time.until(start + end)
  return sent
}

test('all VIPs go out at once, and once more a moment later', async () => {
  const all = vips.map(({ address }) => address)
  expect(await announced(base)).toEqual([
    [0, all],
    [2, all],
  ])
})

test('with an interval one VIP goes out at a time, round after round', async () => {
  expect(await announced({ ...base, interval: 5 })).toEqual([
    [0, ['10.9.0.100']],
    [5, ['10.9.0.101']],
    [10, ['10.9.0.102']],
    [15, ['10.9.0.100']],
    [20, ['10.9.0.101']],
    [25, ['10.9.0.102']],
  ])
})

test('who is master no more stops in the middle of them', async () => {
  expect(await announced({ ...base, interval: 5 }, 100, 7)).toHaveLength(2)
})
