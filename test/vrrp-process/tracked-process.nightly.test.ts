import { expect, onTestFailed, test } from 'vitest'
import { stop, until } from '../lab/harness.js'
import { createPair, now, sleep } from './pair.js'

test('a tracked process counts as gone after its delay only, in what goes out and in status, and as back later', async () => {
  // Both directors see the processes of the one machine that they are on.
  const seconds = String(100_000 + process.pid)
  const delay = 1_500
  const pair = await createPair({
    router: 'track: { processes: { helper: { weight: -60 } } }',
    more: `processes:\n  helper: { command: sleep, arguments: ["${seconds}"], delay: ${delay}ms }`,
  })
  onTestFailed(() => console.log(pair.story()))
  try {
    const { d1, d2, topology, wire } = pair
    const start = () => topology.spawnIn('cl', ['sleep', seconds])
    let helper = start()
    await pair.up()
    await until('it counts', async () => (await d1.router())?.priority.effective === 150, 10_000)
    const lesser = () => wire.adverts(d1.address).filter(({ priority }) => priority === 90)
    await sleep(delay + 500)
    const before = lesser().length

    // Back within its delay: nothing has happened.
    await stop(helper, 'SIGKILL')
    await sleep(delay / 3)
    helper = start()
    await sleep(delay + 500)
    expect(lesser()).toHaveLength(before)

    const gone = now()
    await stop(helper, 'SIGKILL')
    await until('d1 advertises less', () => lesser().length > before, 10_000)
    expect(lesser()[before]!.at - gone).toBeGreaterThan(delay - 50)
    expect(lesser()[before]!.at - gone).toBeLessThan(delay + 1_500)
    await until('d1 shows it', async () => (await d1.router())?.priority.effective === 90)
    await until('d2 counts it, too', async () => (await d2.router())?.priority.effective === 40)
    const { priority, faults } = (await d1.router())!
    expect(priority).toMatchObject({ base: 150, effective: 90 })
    expect(priority.contributions).toEqual([expect.objectContaining({ source: 'process helper', value: -60 })])
    expect(faults).toEqual([])
    // What is gone for both moves nothing.
    expect([await d1.state(), await d2.state()]).toEqual(['master', 'backup'])

    start()
    await until('it counts again', async () => (await d1.router())?.priority.effective === 150, 10_000)
  } finally {
    await pair.down()
  }
}, 60_000)
