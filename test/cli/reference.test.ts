import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exit } from '../../src/cli/command.js'
import { commands } from '../../src/cli/commands.js'
import { page } from '../../src/cli/manual.js'
import { reference } from '../../src/cli/reference.js'

const file = resolve(import.meta.dirname, '../../docs/commands.md')

describe('the table of commands', () => {
  test('is what docs/commands.md says (UPDATE=1 writes it anew)', () => {
    if (process.env['UPDATE']) writeFileSync(file, reference())
    expect(readFileSync(file, 'utf8')).toBe(reference())
  })

  test('has every command once, with a summary, an example that names it and something to run', async () => {
    expect(new Set(commands.map(({ name }) => name)).size).toBe(commands.length)
    for (const { name, summary, examples, load } of commands) {
      expect(summary.length, name).toBeGreaterThan(10)
      expect(examples.join('\n'), name).toContain(`lvskeeper ${name}`)
      expect(typeof (await load()), name).toBe('function')
    }
  })

  test('answers in JSON wherever it is asked to', () => {
    const flags = ({ options = [] }: (typeof commands)[number]) => options.map(option => option.flags)
    expect(commands.filter(command => !flags(command).includes('--json')).map(({ name }) => name)).toEqual([])
  })

  test('asks why of everything that is audited', () => {
    const audited = /^(reload|confirm|drain|maint|ready|weight|force|failover|maintenance|restart|stop)$/
    const asked = commands.filter(({ options = [] }) => options.some(({ flags }) => flags === '--reason <text>'))
    expect(asked.map(({ name }) => name)).toEqual(commands.map(({ name }) => name).filter(name => audited.test(name)))
  })

  test('gives every exit code its own number', () => {
    expect(Object.values(exit)).toEqual([...new Set(Object.values(exit))])
    expect(exit).toEqual({ ok: 0, failed: 1, changes: 2, usage: 64, unavailable: 69, permission: 77, config: 78 })
  })

  test('is the manual page: every command and every option stands in it', () => {
    const text = page().replaceAll('\\-', '-')
    for (const { name, options = [] } of commands) {
      expect(text).toContain(`.B ${name}`)
      for (const { flags } of options) expect(text).toContain(`.B ${flags}`)
    }
    // A line that starts with a dot is a request to roff: only those that we mean.
    const requests = text.split('\n').filter(line => line.startsWith('.'))
    expect(requests.filter(line => !/^\.(TH|SH|TP|B|I|RS|RE|nf|fi)\b/.test(line))).toEqual([])
  })
})
