import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compiled, until } from './namespaces.js'

describe('the death of the parent', () => {
  test('ends the child with the signal that it asked for', async () => {
    const folder = compiled()
    const child = `
      const { signalWhenParentDies } = await import('${folder}/src/linux/pdeathsig.js')
      console.log(signalWhenParentDies('SIGTERM', process.ppid), signalWhenParentDies('SIGTERM', 1), process.pid)
      setInterval(() => {}, 1000)`
    const parent = spawn(process.execPath, [
      '-e',
      `const child = require('child_process').spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(child)}], { stdio: ['ignore', 'pipe', 'ignore'] })
       child.stdout.pipe(process.stdout)`,
    ])
    const said = await new Promise<string>(resolve => parent.stdout.once('data', chunk => resolve(String(chunk))))
    const [right, wrong, pid] = said.trim().split(' ')
    expect([right, wrong]).toEqual(['true', 'false'])
    expect(existsSync(`/proc/${pid}`)).toBe(true)
    parent.kill('SIGKILL')
    await until(
      'the end of the child',
      () => !existsSync(`/proc/${pid}`) || /State:\s+Z/.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
      2000,
    )
  })
})
