import { describe, expect, test } from 'vitest'
import type { Role } from '../../src/messages.js'
import { createSilences } from '../../src/process/silences.js'

/** One child on a clock of its own; `word` is a message of it. */
function child(role: Role) {
  const told: unknown[][] = []
  const silences = createSilences(
    ({ state, at, silence }) => told.push([state, at, ...(silence === undefined ? [] : [silence])]),
    () => 1_000_000 + now,
  )
  let now = 0
  const it = { role, pid: 7, startedAt: 0, lastAlive: 0, lastWord: 0, send: () => {}, kill: () => {} }
  return {
    told: () => told.splice(0),
    word(at: number) {
      it.lastWord = at
      it.lastAlive = at
    },
    excuse(at: number) {
      it.lastAlive = at
    },
    look(at: number) {
      now = at
      silences.look(it, at)
    },
  }
}

describe('a process that says nothing', () => {
  test('is told of after two seconds and a half, once, and again when it speaks', () => {
    const { word, look, told } = child('checkers')
    word(20_000)
    look(22_500)
    expect(told()).toEqual([])
    look(22_501)
    look(25_000)
    expect(told()).toEqual([['silent', 1_020_000]])
    word(27_500)
    look(27_510)
    look(27_600)
    expect(told()).toEqual([['answers', 1_027_510, 7_500]])
    look(30_001)
    expect(told()).toEqual([['silent', 1_027_500]])
  })

  test('is not blamed for what the parent did not hear because it was late itself, nor does that end a silence', () => {
    const { word, excuse, look, told } = child('checkers')
    word(20_000)
    excuse(23_900)
    look(24_000)
    expect(told()).toEqual([])
    look(26_401)
    expect(told()).toEqual([['silent', 1_023_900]])
    excuse(26_500)
    look(26_501)
    expect(told()).toEqual([])
  })

  test('has five seconds to begin, and control as many to read a large file', () => {
    const started = child('vrrp')
    started.look(5_000)
    expect(started.told()).toEqual([])
    started.look(5_001)
    expect(started.told()).toEqual([['silent', 1_000_000]])
    const control = child('control')
    control.word(20_000)
    control.look(25_000)
    expect(control.told()).toEqual([])
    control.look(25_001)
    expect(control.told()).toEqual([['silent', 1_020_000]])
  })
})
