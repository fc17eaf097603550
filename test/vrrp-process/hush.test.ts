import { expect, test } from 'vitest'
import { createHush } from '../../src/vrrp/hush.js'
import { virtualTime } from '../fakes/virtual-time.js'

function setUp() {
  const time = virtualTime()
  const hush = createHush(time.clock(), 100)
  const done: string[] = []
  return {
    pass: (ms: number) => time.until(time.now() + ms),
    hush,
    done,
    say: (what: string) => hush.later(() => done.push(what)),
  }
}

test('what can wait happens at once while there is no pause', () => {
  const { done, say } = setUp()
  say('now')
  expect(done).toEqual(['now'])
})

test('in a pause it waits for its end, in order, and a second beginning does not prolong it', async () => {
  const { pass, hush, done, say } = setUp()
  hush.begin()
  say('first')
  await pass(60)
  hush.begin()
  say('second')
  await pass(39)
  expect(done).toEqual([])
  await pass(1)
  expect(done).toEqual(['first', 'second'])
  say('third')
  expect(done).toEqual(['first', 'second', 'third'])
})

test('who leaves says at once what has waited, once', async () => {
  const { pass, hush, done, say } = setUp()
  hush.begin()
  say('first')
  hush.end()
  expect(done).toEqual(['first'])
  await pass(200)
  expect(done).toEqual(['first'])
})
