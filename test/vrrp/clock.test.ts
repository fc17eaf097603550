import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { acquaint, fakeSegment } from '../fakes/segment.js'

const root = resolve(import.meta.dirname, '../..')
const sources = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .map(file => `${folder}/${file}`)

/** What everybody on the segment sees of a crash and a return, by clocks on the wall that do as they like. */
async function story(wall: (now: number) => number) {
  const segment = fakeSegment([150, 100], { advertInterval: 100 }, undefined, wall)
  const [d1, d2] = segment.directors
  d1!.start()
  d2!.start()
  acquaint(segment)
  await segment.until(3_000)
  d1!.crash()
  await segment.until(6_500)
  d1!.start()
  acquaint(segment)
  await segment.until(12_000)
  return segment.seen.map(({ at, director, what }) => `${at.toFixed(2)} d${director + 1} ${what}`)
}

describe('the clock on the wall', () => {
  test('may be set forward and back by hours at any time: not one advert, VIP or announcement moves', async () => {
    const right = await story(now => 1_800_000_000_000 + now)
    expect(right.filter(line => line.includes('claim')).length).toBeGreaterThan(2)
    const jumps = [0, 7_200_000, -86_400_000, 3, -1_700_000_000_000]
    expect(await story(now => 1_800_000_000_000 + now + jumps[Math.floor(now / 333) % 5]!)).toEqual(right)
  })

  test('is read for people and for the HMAC’s sequence only: deadlines, silence and patience are of the monotonic one', () => {
    const all = [...sources('vrrp'), ...sources('src/vrrp'), ...sources('src/linux'), 'src/process/parent.ts']
    const readers = [...all, 'src/process/resume.ts', 'src/process/child.ts', 'src/process/vrrp.ts', 'src/clock.ts']
      .filter(file => /\bDate\b/.test(readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')))
      .sort()
    // Times of events, and the epoch that a router shows.
    expect(readers).toEqual([
      'src/process/parent.ts',
      'src/process/vrrp.ts',
      'src/vrrp/routers.ts',
      'vrrp/performer.ts',
      'vrrp/router.ts',
    ])
  })
})
