import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createLog, lineWriter, logEvent, readableLine } from '../src/log.js'

function capture(readable: boolean) {
  const lines: string[] = []
  return {
    lines,
    log: createLog({ level: 'info', role: 'vrrp', node: 'd1', readable, write: line => lines.push(line) }),
  }
}

describe('the log', () => {
  test('is JSON lines with level, role, node and time', () => {
    const { lines, log } = capture(false)
    log.info({ router: 'web' }, 'hello')
    log.debug('not at this level')
    expect(lines.map(line => JSON.parse(line))).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        role: 'vrrp',
        node: 'd1',
        router: 'web',
        msg: 'hello',
      },
    ])
  })

  test('carries an event under its stable name, at a level that fits', () => {
    const { lines, log } = capture(false)
    const event = { at: 1, name: 'server.down', level: 'alarm', subject: 'server x', text: 'x is down' } as const
    logEvent(log, { ...event, data: { reason: 'refused' } })
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'error',
      event: 'server.down',
      subject: 'server x',
      reason: 'refused',
      msg: 'x is down',
    })
  })

  test('is readable on a terminal', () => {
    const line = {
      level: 'warn',
      time: '2026-03-01T12:00:00.123Z',
      role: 'vrrp',
      node: 'd1',
      a: 1,
      b: 'two words',
      msg: 'text',
    }
    expect(readableLine(JSON.stringify(line))).toBe('12:00:00.123 warn  vrrp     text a=1 b="two words"\n')
  })

  test('does not let what somebody else said move the cursor', () => {
    const line = {
      level: 'warn',
      time: '2026-03-01T12:00:00.123Z',
      role: 'vrrp',
      msg: 'a\x1b[2J\nb',
      detail: 'c\x1b[2J',
    }
    expect(readableLine(JSON.stringify(line))).toBe('12:00:00.123 warn  vrrp     a [2J b detail="c\\u001b[2J"\n')
  })

  test('shows the stack of an error', () => {
    const { lines, log } = capture(true)
    log.error({ err: new Error('broken') }, 'oops')
    expect(lines[0]).toContain('oops')
    expect(lines[0]).toContain('Error: broken\n')
  })

  test('outlives a reader that has gone away', () => {
    const fd = openSync('/dev/full', 'w')
    const write = lineWriter(fd)
    expect(() => write('lost\n')).not.toThrow()
    closeSync(fd)
    expect(() => write('lost too\n')).not.toThrow()
  })

  test('loses lines while the reader does not read, and says how many', () => {
    const directory = mkdtempSync(join(tmpdir(), 'lvskeeper-log-'))
    const fifo = join(directory, 'fifo')
    execFileSync('mkfifo', [fifo])
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK)
    const write = lineWriter(fd)
    for (let i = 0; i < 1_000; i++) write(`${JSON.stringify({ i, pad: 'x'.repeat(200) })}\n`)
    const first = drain(reader)
    write(`${JSON.stringify({ i: 'after' })}\n`)
    const second = drain(reader)
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(whole(first)).toBeGreaterThan(100)
    expect(second).toEqual([
      expect.objectContaining({ msg: 'log lines lost', lost: 1_000 - whole(first) }),
      { i: 'after' },
    ])
    for (const open of [reader, fd]) closeSync(open)
    rmSync(directory, { recursive: true })
  })
})

const whole = (text: string) => text.split('\n').length - 1

function drain(fd: number): string {
  const buffer = Buffer.alloc(1 << 20)
  let text = ''
  try {
    for (;;) text += buffer.toString('utf8', 0, readSync(fd, buffer))
  } catch {
    return text
  }
}
