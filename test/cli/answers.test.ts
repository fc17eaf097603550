import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Options, Run } from '../../src/cli/command.js'
import { events } from '../../src/cli/events.js'
import { drain, weight } from '../../src/cli/override.js'
import { plan } from '../../src/cli/plan.js'
import { reload } from '../../src/cli/reload.js'
import { status } from '../../src/cli/status.js'
import type { EventLevel } from '../../src/messages.js'
import { type Fixture, fixture } from '../api/fixture.js'
import { status as sample, service } from '../status/samples.js'

let director: Fixture
beforeEach(async () => {
  director = await fixture()
})
afterEach(() => director.close())

/** What a command prints, and its exit code. */
async function typed(run: Run, args: readonly string[] = [], options: Options = {}) {
  let [out, err] = ['', '']
  const code = await run({
    args,
    options: { runDir: director.folder, ...options },
    out: text => {
      out += text
    },
    err: text => {
      err += text
    },
  })
  return { code, out, err }
}

const why = 'a restart would not roll back: no space left on the device (df shows which one)'

describe('the answer to a change', () => {
  test('is its sentence and what it touched', async () => {
    expect(await typed(drain, ['10.9.0.21'])).toEqual({ code: 0, out: 'done\n  web/10.9.0.21:80\n', err: '' })
  })

  test('says on standard error what will not last, and is no failure', async () => {
    director.reply = { value: { text: 'generation 2 runs', warnings: [why] } }
    expect(await typed(reload)).toEqual({
      code: 0,
      out: 'generation 2 runs\n',
      err: `warning: it holds now, but ${why}\n`,
    })
    const json = await typed(reload, [], { json: true })
    expect(JSON.parse(json.out)).toEqual({ text: 'generation 2 runs', warnings: [why] })
    expect(json.code).toBe(0)
  })

  test('of a weight that cannot be is given before anybody is asked', async () => {
    for (const word of ['-3', '1.5', '70000', 'ten'])
      expect(await typed(weight, ['web/10.9.0.21', word])).toEqual({
        code: 64,
        out: '',
        err: `weight: expected a whole number from 0 to 65535, not '${word}'\n`,
      })
    expect(director.asked).toEqual([])
  })
})

describe('a plan on a kernel without IPVS', () => {
  const planned = {
    changes: true,
    text: '~ virtual server web\n',
    ipvsadm: [],
    sysctls: [],
    unreadable: 'no IPVS here',
  }

  test('cannot be told as ipvsadm lines: a sentence, and exit 69; the rest of it can', async () => {
    director.planned = planned
    const file = join(director.folder, 'lvskeeper.yaml')
    writeFileSync(file, 'directors: { d1: { address: 127.0.0.1 } }\n')
    const words = 'what would change in the kernel table cannot be told: no IPVS here\n'
    expect(await typed(plan, [file], { ipvsadm: true })).toEqual({ code: 69, out: '', err: words })
    expect(await typed(plan, [file])).toEqual({ code: 2, out: planned.text, err: '' })
    expect(JSON.parse((await typed(plan, [file], { json: true })).out)).toEqual(planned)
  })
})

describe('an answer that never comes', () => {
  test('because the process ended says that nobody knows, and is exit 69', async () => {
    await director.api.stop()
    const server = createServer(socket => socket.once('data', () => socket.destroy()))
    await new Promise<void>(resolve => server.listen(director.control, resolve))
    expect(await typed(drain, ['10.9.0.21'])).toEqual({
      code: 69,
      out: '',
      err: expect.stringMatching(
        /^the process that was asked ended before it answered.*\n {2}what holds now: lvskeeper status/,
      ),
    })
    server.close()
  })
})

describe('the history', () => {
  test('is looked through for what is asked', async () => {
    const now = Date.now()
    const happen = (ago: number, level: EventLevel, subject: string, text: string) =>
      director.events.append({ at: now - ago, name: 'server.down', level, subject, text })
    happen(7_200_000, 'alarm', 'service web', 'long ago')
    happen(60_000, 'alarm', 'service web', 'grave')
    happen(50_000, 'warning', 'server web/10.9.0.21:80', 'bad')
    for (let n = 0; n < 40; n++) happen(40_000 - n, 'info', 'server mail/10.9.0.22:25', `noise ${n}`)
    const said = async (options: Options) =>
      (await typed(events, [], { json: true, ...options })).out
        .split('\n')
        .filter(line => line !== '')
        .map(line => (JSON.parse(line) as { text: string }).text)
    expect(await said({})).toHaveLength(30)
    expect(await said({ level: 'warning' })).toEqual(['long ago', 'grave', 'bad'])
    expect(await said({ level: 'warning', since: '1h' })).toEqual(['grave', 'bad'])
    expect(await said({ level: 'warning', last: '1' })).toEqual(['bad'])
    expect(await said({ about: '10.9.0.21' })).toEqual(['bad'])
  })

  test('asked for in words that it does not know says which it knows', async () => {
    expect(await typed(events, [], { level: 'bad' })).toMatchObject({
      code: 64,
      err: "level: expected one of info, notice, warning, alarm, not 'bad'\n",
    })
    expect(await typed(events, [], { since: '5' })).toMatchObject({
      code: 64,
      err: "since: expected a duration with its unit, such as 2h, not '5'\n",
    })
  })
})

describe('the line for Nagios', () => {
  test('says what is worst, of what, and how much else is wrong', async () => {
    const down = { ...service, state: 'down' as const }
    const other = { ...down, name: 'mail' }
    director.status = sample({ services: [down, other], routers: [] })
    const { code, out } = await typed(status, [], { nagios: true })
    expect(code).toBe(2)
    expect(out).toMatch(/^LVSKEEPER CRITICAL - service web down for .*\(and 1 more\) \| masters=0 real_servers_up=/)
  })
})
