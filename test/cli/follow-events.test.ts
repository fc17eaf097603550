import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { apiClient } from '../../src/api/client.js'
import { followEvents } from '../../src/cli/follow-events.js'
import { openEventStore } from '../../src/events/store.js'
import { type Fixture, fixture } from '../api/fixture.js'

let folder = ''
let ended: AbortController
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lvskeeper-follow-'))
  ended = new AbortController()
})
afterEach(() => {
  ended.abort()
  rmSync(folder, { recursive: true, force: true })
})

const happen = (director: Fixture, ...texts: string[]) =>
  texts.map(text => director.events.append({ at: Date.now(), name: 'server.down', level: 'info', subject: 's', text }))

/** A director over real sockets with its history in `state`; the next one on the same folder goes on with it. */
async function start(state = 'state', memory = 100) {
  const socket = join(folder, 'status.sock')
  const events = openEventStore({ directory: join(folder, state), memory })
  const director = await fixture({ statusSocket: socket, events })
  return { ...director, events, socket }
}

function follow(socket: string, last = '10') {
  const printed: string[] = []
  const said: string[] = []
  const done = followEvents({
    client: apiClient(socket),
    last,
    print: ({ text }) => printed.push(text),
    say: text => said.push(text),
    signal: ended.signal,
    pause: 20,
  })
  done.catch(() => {})
  return { printed, said, done }
}

const both = ['the director has ended; waiting for it to come back', 'the director is back']

describe('events -f', () => {
  test('goes on when the director restarts: every event once, those of its absence too', async () => {
    const first = await start()
    happen(first, 'a', 'b')
    const { printed, said, done } = follow(first.socket)
    await vi.waitFor(() => expect(printed).toEqual(['a', 'b']))
    happen(first, 'c')
    await vi.waitFor(() => expect(printed).toEqual(['a', 'b', 'c']))
    await first.api.stop()
    happen(first, 'the last words')
    await vi.waitFor(() => expect(said).toEqual(both.slice(0, 1)))
    await first.close()
    const second = await start()
    happen(second, 'd')
    await vi.waitFor(() => expect(printed).toEqual(['a', 'b', 'c', 'the last words', 'd']))
    happen(second, 'e')
    await vi.waitFor(() => expect(printed.at(-1)).toBe('e'))
    expect(printed).toHaveLength(6)
    expect(said).toEqual(both)
    ended.abort()
    await done
    await second.close()
  })

  test('shows what is new where the history began again', async () => {
    const first = await start()
    happen(first, 'a', 'b', 'c')
    const { printed, said } = follow(first.socket, '1')
    await vi.waitFor(() => expect(printed).toEqual(['c']))
    await first.close()
    const second = await start('another')
    await new Promise(resolve => setTimeout(resolve, 5))
    happen(second, 'd', 'e', 'f', 'g')
    await vi.waitFor(() => expect(printed).toEqual(['c', 'd', 'e', 'f', 'g']))
    expect(said).toEqual(both)
    await second.close()
  })

  test('says how many events are not kept any more', async () => {
    const first = await start()
    happen(first, 'a')
    const { printed, said } = follow(first.socket)
    await vi.waitFor(() => expect(printed).toEqual(['a']))
    await first.api.stop()
    happen(first, 'b', 'c', 'd', 'e')
    await first.close()
    const second = await start('state', 2)
    await vi.waitFor(() => expect(printed).toEqual(['a', 'd', 'e']))
    expect(said).toEqual([...both, '2 events in between are not kept any more'])
    await second.close()
  })

  test('ends with the reason where no director runs at the start', async () => {
    await expect(follow(join(folder, 'nobody.sock')).done).rejects.toMatchObject({ code: 'not-running' })
  })
})
