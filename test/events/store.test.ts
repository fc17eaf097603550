import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openEventStore, type StoredEvent } from '../../src/events/store.js'
import type { Event } from '../../src/messages.js'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lvskeeper-events-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function event(text: string, extra: Partial<Event> = {}): Event {
  return { at: 1_000, name: 'server.down', level: 'warning', subject: 'server web/10.9.0.21:80', text, ...extra }
}
const texts = (events: readonly StoredEvent[]) => events.map(({ text }) => text)
const file = () => join(directory, 'events.jsonl')

describe('the history of events', () => {
  test('is there again after a restart, and the numbers go on', () => {
    const first = openEventStore({ directory })
    first.append(event('one'))
    first.append(event('two'))
    first.close()
    const second = openEventStore({ directory })
    expect(second.append(event('three')).seq).toBe(3)
    expect(texts(second.recent(10))).toEqual(['one', 'two', 'three'])
    second.close()
  })

  test('survives a last line that a crash tore, and loses only that one', () => {
    const first = openEventStore({ directory })
    first.append(event('one'))
    first.append(event('two'))
    first.close()
    truncateSync(file(), statSync(file()).size - 10)
    const second = openEventStore({ directory })
    second.append(event('three'))
    second.close()
    const third = openEventStore({ directory })
    expect(texts(third.recent(10))).toEqual(['one', 'three'])
    third.close()
  })

  test('skips lines that are no events', () => {
    writeFileSync(file(), 'garbage\n{"seq":"x"}\n\n[]\nnull\n')
    appendFileSync(file(), `${JSON.stringify({ seq: 7, ...event('good') })}\n`)
    const store = openEventStore({ directory })
    expect(texts(store.recent(10))).toEqual(['good'])
    expect(store.append(event('next')).seq).toBe(8)
    store.close()
  })

  test('is bounded: rotated once, never more than twice the limit on disk', () => {
    const store = openEventStore({ directory, maxBytes: 2_000 })
    for (let i = 0; i < 200; i++) store.append(event(`number ${i}`))
    store.close()
    expect(statSync(file()).size).toBeLessThanOrEqual(2_000)
    expect(statSync(join(directory, 'events.1.jsonl')).size).toBeLessThanOrEqual(2_000)
    const again = openEventStore({ directory, maxBytes: 2_000 })
    expect(again.recent(1)[0]).toMatchObject({ seq: 200, text: 'number 199' })
    expect(again.recent(100).length).toBeGreaterThan(12)
    again.close()
  })

  test('keeps the events in memory and says why, when the disk does not take them', () => {
    const store = openEventStore({ directory: join(file(), 'not-a-folder') })
    writeFileSync(file(), '')
    expect(store.trouble()).toBeUndefined()
    store.append(event('one'))
    expect(store.trouble()).toContain('no folder')
    expect(texts(store.recent(10))).toEqual(['one'])
  })

  test('goes back to the disk when it takes events again', () => {
    const inside = join(directory, 'state')
    writeFileSync(inside, '')
    const store = openEventStore({ directory: inside })
    store.append(event('lost'))
    expect(store.trouble()).toBeDefined()
    rmSync(inside)
    store.append(event('kept'))
    expect(store.trouble()).toBeUndefined()
    expect(readFileSync(join(inside, 'events.jsonl'), 'utf8')).toContain('kept')
    store.close()
  })

  test('reports a full disk instead of dying of it', () => {
    const store = openEventStore({ directory })
    symlinkSync('/dev/full', file())
    expect(store.append(event('one')).seq).toBe(1)
    expect(store.trouble()).toContain('no space left')
  })

  test('answers the newest that pass a filter, oldest first', () => {
    const store = openEventStore({ directory })
    store.append(event('down', { at: 10 }))
    store.append(event('master', { at: 20, name: 'vrrp.state', level: 'notice', subject: 'router web' }))
    store.append(event('up', { at: 30, name: 'server.up', level: 'info' }))
    store.append(event('drift', { at: 40, name: 'table.drift' }))
    expect(texts(store.recent(1, { names: ['server.*'] }))).toEqual(['up'])
    expect(texts(store.recent(9, { names: ['server.*', 'table.drift'] }))).toEqual(['down', 'up', 'drift'])
    expect(texts(store.recent(9, { level: 'notice' }))).toEqual(['down', 'master', 'drift'])
    expect(texts(store.recent(9, { subject: 'ROUTER' }))).toEqual(['master'])
    expect(texts(store.recent(9, { since: 30 }))).toEqual(['up', 'drift'])
    expect(texts(store.after(2))).toEqual(['up', 'drift'])
    store.close()
  })

  test('tells its followers, until they have heard enough', () => {
    const store = openEventStore({ directory })
    const heard: string[] = []
    const stop = store.follow(({ text }) => heard.push(text))
    store.append(event('one'))
    stop()
    store.append(event('two'))
    expect(heard).toEqual(['one'])
    store.close()
  })

  test('forgets the oldest in memory, never the newest', () => {
    const store = openEventStore({ directory, memory: 10 })
    for (let i = 1; i <= 100; i++) store.append(event(`${i}`))
    const all = texts(store.recent(1_000))
    expect(all.length).toBeGreaterThanOrEqual(10)
    expect(all.length).toBeLessThanOrEqual(13)
    expect(all.at(-1)).toBe('100')
    store.close()
  })
})
