import { expect, test, vi } from 'vitest'
import { createPublisher } from '../../src/checking/publisher.js'
import type { ServiceStatus } from '../../src/messages.js'

const status = (name: string, weightUp: number) => ({ name, weightUp }) as ServiceStatus

test('tells of each virtual server what is new, in as many turns as it takes, and all of it to who begins to listen', async () => {
  const weights = new Map(Array.from({ length: 500 }, (_, i) => [`s${i}`, 1]))
  let messages: string[][] = []
  const { publish, refresh, again, removed } = createPublisher(
    name => {
      // Reading takes its time: one turn cannot do them all.
      const end = performance.now() + 0.05
      while (performance.now() < end);
      return status(name, weights.get(name) ?? 0)
    },
    (services, gone) => void messages.push([...services.map(({ name }) => name), ...gone.map(name => `-${name}`)]),
  )
  /** All that is told, once so much is, and what follows soon after that. */
  const heard = async (count: number) => {
    await vi.waitFor(() => expect(messages.flat().length).toBeGreaterThanOrEqual(count), { timeout: 8_000 })
    await new Promise(wake => setTimeout(wake, 150))
    const all = messages.flat()
    const turns = messages.length
    messages = []
    return { all, turns }
  }
  publish(weights.keys())
  const first = await heard(500)
  expect(first.all).toEqual([...weights.keys()])
  expect(first.turns).toBeGreaterThan(1)

  weights.set('s7', 2)
  removed('s9')
  publish([...weights.keys()].filter(name => name !== 's9'))
  expect((await heard(2)).all.sort()).toEqual(['-s9', 's7'])

  weights.set('s8', 2)
  refresh(['s8', 's10'])
  expect((await heard(1)).all).toEqual(['s8'])

  again()
  publish(weights.keys())
  expect((await heard(500)).all).toEqual([...weights.keys()])
})
