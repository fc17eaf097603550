import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Segment, segment, sleep, until } from '../linux/namespaces.js'
import { director } from './director.js'

/** One director with one router and one virtual server; nothing listens on its real servers. */
const file = (weight = 1, more: Record<string, unknown> = {}) =>
  JSON.stringify({
    directors: { d1: { address: '10.9.0.11' } },
    virtual_routers: { web: { vrid: 51, interface: 'eth0', advert_interval: '100ms', vips: ['10.9.0.100/32'] } },
    virtual_servers: {
      web: {
        address: '10.9.0.100:80',
        scheduler: 'wrr',
        forward: 'dr',
        start: 'up',
        real_servers: [{ address: '10.9.0.12', weight }, { address: '10.9.0.13' }],
      },
    },
    ...more,
  })

const weightOf = (status: { services: readonly { realServers: readonly { weight: number }[] }[] }) =>
  status.services[0]?.realServers[0]?.weight

describe('a director that is told what to do', () => {
  let net: Segment
  let one: ReturnType<typeof director>

  beforeEach(async () => {
    net = segment()
    one = director(net.a)
    one.write(file())
    await one.start()
    await one.until('the services', status => status.services.length === 1)
  })
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') console.log(one.log())
    await one.stop()
    one.remove()
    net.remove()
  })

  test('a reload with nothing changed says so and changes nothing, with --confirm too', async () => {
    const before = await one.status()
    expect((await one.post('/v1/reload')).text).toBe('nothing has changed')
    expect((await one.post('/v1/reload', { confirm: '10s' })).text).toBe('nothing has changed')
    const after = await one.status()
    expect(after.config).toEqual(before.config)
    expect(after.config.confirmUntil).toBeUndefined()
  })

  test('a reload after a password was replaced in its file asks with the new one', async () => {
    const [key, asked] = [join(one.folder, 'redis.key'), join(one.folder, 'asked')]
    const keeps = `s=>s.on('data',d=>require('fs').appendFileSync('${asked}',d))`
    const redis = net.b.start(process.execPath, '-e', `require('net').createServer(${keeps}).listen(80)`)
    const hears = (word: string) =>
      until(`the password ${word}`, () => existsSync(asked) && readFileSync(asked, 'utf8').includes(word))
    try {
      writeFileSync(key, 'before')
      const check = `"check":{"interval":"200ms","redis":{"password_file":"${key}"}}`
      one.write(file().replace('"start":"up"', `"start":"up",${check}`))
      expect((await one.post('/v1/reload')).text).toMatch(/^generation 2 runs/)
      await hears('before')
      writeFileSync(key, 'after')
      const { text } = await one.post('/v1/reload', { confirm: '1m' })
      expect(text).toMatch(/^generation 3 runs .*; rolls back in/)
      await hears('after')
      await one.post('/v1/confirm')
      expect((await one.post('/v1/reload')).text).toBe('nothing has changed')
    } finally {
      redis.kill()
    }
  })

  test('what a full disk does not take holds, and the answer says what will not last', async () => {
    // `ip netns exec` gives each program mounts of its own.
    const inside = (...argv: string[]) => execFileSync('nsenter', ['-t', String(one.parentPid()), '-m', ...argv])
    inside('mount', '-t', 'tmpfs', '-o', 'size=4k,nr_inodes=1', 'full', one.state)
    try {
      const why = 'no space left on the device (df shows which one)'
      const drained = await one.post('/v1/overrides', { server: '10.9.0.13', verb: 'drain' })
      expect(drained.touched).toEqual(['web/10.9.0.13:80'])
      expect(drained.warnings).toEqual([
        `a restart would go back to the drain, maint, weight and force kept last: ${why}`,
      ])
      one.write(file(5))
      const { text, warnings } = await one.post('/v1/reload', { confirm: '1m' })
      expect(text).toMatch(/rolls back in/)
      expect(warnings).toEqual([`a restart would not roll back: ${why}`])
      const on = await one.post('/v1/maintenance', { on: true, force: true })
      expect(on.warnings).toEqual([`a restart would go back to the failover and maintenance kept last: ${why}`])
      await one.until('the drain', status => status.overrides.length === 1)
      const ready = await one.delete('/v1/overrides?server=10.9.0.13')
      expect(ready.warnings).toEqual([
        `a restart would go back to the drain, maint, weight and force kept last: ${why}`,
      ])
    } finally {
      inside('umount', '-l', one.state)
    }
    expect((await one.post('/v1/overrides', { server: '10.9.0.13', verb: 'drain' })).warnings).toBeUndefined()
  })

  test('what is not confirmed goes back by itself, and the status says that the file differs', async () => {
    one.write(file(5))
    const { text } = await one.post('/v1/reload', { confirm: '1s' })
    expect(text).toMatch(/^generation 2 runs \([0-9a-f]{12}\); rolls back in 1 s unless confirmed$/)
    await one.until('the new weight', status => weightOf(status) === 5)
    await one.until('the old weight', status => weightOf(status) === 1)
    const status = await one.until('what differs', now => now.config.differs === true)
    expect(status.config.confirmUntil).toBeUndefined()
    expect(status.notices.map(({ code }) => code)).toContain('config.differs')
    expect((await one.events()).filter(({ name }) => name === 'config.rolled-back')).toHaveLength(1)
  })

  test('what is confirmed stays, and an old confirmation file is gone', async () => {
    one.write(file(5))
    await one.post('/v1/reload', { confirm: '1s' })
    expect(statSync(join(one.state, 'last-confirmed')).mode & 0o777).toBe(0o600)
    expect((await one.post('/v1/confirm')).text).toBe('generation 2 is confirmed')
    expect(() => statSync(join(one.state, 'last-confirmed'))).toThrow('ENOENT')
    await sleep(1_200)
    expect(weightOf(await one.status())).toBe(5)
    await expect(one.post('/v1/confirm')).rejects.toThrow('nothing waits for a confirmation')
  })

  test('a second reload inside the window goes back to what was confirmed last', async () => {
    one.write(file(5))
    await one.post('/v1/reload', { confirm: '30s' })
    one.write(file(6))
    await one.post('/v1/reload', { confirm: '1s' })
    await one.until('the first weight', status => weightOf(status) === 1)
  })

  test('a restart inside the window starts the last confirmed configuration and says so', async () => {
    one.write(file(5))
    await one.post('/v1/reload', { confirm: '60s' })
    const pid = (await one.until('the new weight', status => weightOf(status) === 5)).processes.at(-1)?.pid
    await one.post('/v1/restart')
    await one.until('the next process', status => status.processes.at(-1)?.pid !== pid && status.services.length > 0)
    const status = await one.until('the old weight', now => weightOf(now) === 1)
    expect(status.config).toMatchObject({ differs: true, generation: 1 })
    const [told] = (await one.events()).filter(({ name }) => name === 'config.rolled-back')
    expect(told?.text).toBe(
      'started before `lvskeeper confirm`: the last confirmed configuration runs; the file differs from it',
    )
  })

  test('a restart is refused while the file is not valid: the next process could not start', async () => {
    one.write('directors: [')
    await expect(one.post('/v1/restart')).rejects.toThrow('the next process could not start')
    expect((await one.status()).routers[0]?.name).toBe('web')
  })

  test('a file that is not valid changes nothing, and the refusal carries every error', async () => {
    const before = await one.status()
    one.write(file(1, { virtual_serverz: {} }))
    await expect(one.post('/v1/reload')).rejects.toMatchObject({
      code: 'config',
      details: { errors: [{ code: 'unknown-key' }] },
    })
    const after = await one.status()
    expect({ ...after.config, refused: undefined }).toEqual({ ...before.config, refused: undefined })
    expect(after.config.refused?.text).toContain('virtual_serverz')
  })

  test('SIGHUP reloads', async () => {
    one.write(file(7))
    process.kill(Number(readFileSync(join(one.run, 'lvskeeper.pid'), 'utf8')), 'SIGHUP')
    await one.until('the new weight', status => weightOf(status) === 7)
  })

  test('an override whose real server has left the file is named', async () => {
    const first = await one.post('/v1/overrides', { server: 'web/10.9.0.12', verb: 'drain', reason: 'new disk' })
    expect(first).toMatchObject({ text: 'draining: 1 real server', touched: ['web/10.9.0.12:80'] })
    one.write(file().replace(/\{"address":"10.9.0.12".*?\},/, ''))
    const { text } = await one.post('/v1/reload')
    expect(text).toMatch(/; drain of web\/10\.9\.0\.12:80 by \w+ fits no real server any more$/)
    expect((await one.events()).map(({ name }) => name)).toContain('override.unmatched')
    expect((await one.delete('/v1/overrides?server=web/10.9.0.12')).text).toBe('the checks decide again')
  })

  test('an order that takes the place of another says which, and the audit has both', async () => {
    await one.post('/v1/overrides', { server: 'web/10.9.0.12', verb: 'weight', weight: 5 })
    const { text } = await one.post('/v1/overrides', { server: 'web/10.9.0.12', verb: 'drain' })
    expect(text).toMatch(/^draining: 1 real server; instead of weight 5 by \w+$/)
    await one.delete('/v1/overrides?server=web/10.9.0.12')
    const audits = (await one.events()).filter(({ name }) => name.startsWith('audit.'))
    const [weight, drain] = [{ verb: 'weight', weight: 5 }, { verb: 'drain' }]
    expect(audits.map(({ data }) => data)).toMatchObject([
      { before: [], after: [weight] },
      { before: [weight], after: [drain] },
      { before: [drain], after: [] },
    ])
  })

  test('maintenance is audited with what held before and after, by whom and why', async () => {
    await one.post('/v1/maintenance', { on: true, force: true, reason: 'new memory' })
    await one.post('/v1/maintenance', { on: false })
    const audits = (await one.events()).filter(({ name }) => name === 'audit.maintenance').slice(-2)
    const order = { author: expect.any(String), reason: 'new memory', at: expect.any(Number) }
    expect(audits.map(({ data }) => data)).toEqual([
      { author: order.author, reason: 'new memory', verb: 'maintenance', before: null, after: order },
      { author: order.author, verb: 'maintenance', before: order, after: null },
    ])
  })

  test('an order that the checkers process does not carry out says so, and explain that it does not answer', async () => {
    const { processes } = await one.status()
    const pid = processes.find(({ role }) => role === 'checkers')?.pid ?? 0
    process.kill(pid, 'SIGSTOP')
    try {
      const { text } = await one.post('/v1/overrides', { server: 'web/10.9.0.12', verb: 'maint' })
      expect(text).toMatch(/; the checkers process has not carried it out yet/)
      const explained = await one.explain('web/10.9.0.12')
      expect(explained).toMatchObject({ servers: [{ results: [], unanswered: true }] })
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await one.until('maintenance', ({ services }) => services[0]?.realServers[0]?.override?.verb === 'maint')
    const again = await one.post('/v1/overrides', { server: 'web/10.9.0.13', verb: 'drain' })
    expect(again.text).not.toMatch(/not carried it out/)
  })

  test('an override ends after override_limit unless it says otherwise', async () => {
    one.write(file(1, { override_limit: '1h' }))
    await one.post('/v1/reload')
    await one.post('/v1/overrides', { server: 'web/10.9.0.12', verb: 'maint' })
    const [override] = (await one.status()).overrides
    expect((override?.until ?? 0) - (override?.at ?? 0)).toBeGreaterThan(3_599_000)
    expect((override?.until ?? 0) - (override?.at ?? 0)).toBeLessThan(3_601_000)
  })
})
