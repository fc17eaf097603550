import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exec } from '../../src/alerts/exec.js'
import { batchOf, down, failover } from './samples.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lvskeeper-exec-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const never = new AbortController().signal

function script(text: string): string {
  const path = join(folder, 'script')
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

describe('a program that is told', () => {
  test('gets the alert as JSON on its input and the main words in its environment, without a shell', async () => {
    const out = join(folder, 'out')
    const path = script(`cat > ${out}.json; echo "$LVSKEEPER_NODE|$LVSKEEPER_EVENT|$LVSKEEPER_SUBJECT|$1" > ${out}.txt`)
    expect(await exec({ argv: [path, '$(reboot); *'] })(batchOf(down), never)).toEqual({ ok: true })
    expect(readFileSync(`${out}.txt`, 'utf8')).toBe('d1|server.down|server web/10.9.0.21:80|$(reboot); *\n')
    expect(JSON.parse(readFileSync(`${out}.json`, 'utf8'))).toMatchObject({ node: 'd1', event: { ...down } })
  })

  test('does not see the environment of the director', async () => {
    process.env['LVSKEEPER_TEST_SECRET'] = 'x'
    const path = script('test -z "$LVSKEEPER_TEST_SECRET"')
    const delivery = await exec({ argv: [path] })(batchOf(down), never)
    delete process.env['LVSKEEPER_TEST_SECRET']
    expect(delivery).toEqual({ ok: true })
  })

  test('and fails is a failure with its exit code and its complaint', async () => {
    const path = script('echo "no modem" >&2; exit 3')
    expect(await exec({ argv: [path] })(batchOf(down), never)).toEqual({ ok: false, reason: 'exit 3: no modem' })
  })

  test('and fails is done with, where it is not to run again', async () => {
    expect(await exec({ argv: [script('exit 3')], retry: false })(batchOf(down), never)).toEqual({ ok: true })
  })

  test('learns from its environment which state was left and which was entered', async () => {
    const path = script('test "$LVSKEEPER_FROM-$LVSKEEPER_TO" = backup-master')
    expect(await exec({ argv: [path] })(batchOf(failover), never)).toEqual({ ok: true })
  })

  test('and does not exist is a failure', async () => {
    const delivery = await exec({ argv: ['/no/such/program'] })(batchOf(down), never)
    expect(delivery).toMatchObject({ ok: false, reason: expect.stringContaining('ENOENT') })
  })

  test('and does not end is killed with everything it started', async () => {
    const mark = join(folder, 'mark')
    const path = script(`(sleep 0.5; touch ${mark}) & wait`)
    const delivery = await exec({ argv: [path], timeout: 150 })(batchOf(down), never)
    expect(delivery).toEqual({ ok: false, reason: 'still running after 150 ms' })
    await new Promise(resolve => setTimeout(resolve, 500))
    expect(existsSync(mark)).toBe(false)
  })

  test('twin: what it started in time does happen', async () => {
    const mark = join(folder, 'mark')
    const path = script(`(sleep 0.1; touch ${mark}) & wait`)
    expect(await exec({ argv: [path], timeout: 3_000 })(batchOf(down), never)).toEqual({ ok: true })
    expect(existsSync(mark)).toBe(true)
  })

  test('and does not read its input is fine', async () => {
    expect(await exec({ argv: ['/bin/true'] })(batchOf({ ...down, text: 'x'.repeat(200_000) }), never)).toEqual({
      ok: true,
    })
  })
})
