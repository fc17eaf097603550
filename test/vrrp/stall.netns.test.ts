import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import { routerOf } from '../fakes/virtual-router.js'
import { compiled, type Namespace, type Segment, segment, sleep, until } from '../linux/namespaces.js'

type Said = { to?: string; cause?: string; slept?: number }

let net: Segment
let folder: string
beforeAll(() => {
  folder = compiled()
  net = segment()
}, 120_000)
afterAll(() => net.remove())

/** A director as a process of its own; its loop can be blocked. */
function director(namespace: Namespace, config: VirtualRouter) {
  const script = resolve(import.meta.dirname, 'stalling-director.mjs')
  const child = namespace.start(process.execPath, script, folder, JSON.stringify(config))
  const said: Said[] = []
  let rest = ''
  let errors = ''
  child.stdout?.on('data', chunk => {
    rest += chunk
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) said.push(JSON.parse(line) as Said)
  })
  child.stderr?.on('data', chunk => {
    errors += chunk
  })
  const states = () => said.flatMap(one => (one.to ? [`${one.to} (${one.cause})`] : []))
  return {
    states,
    state: () => said.findLast(one => one.to)?.to,
    errors: () => errors,
    async sleep() {
      const before = said.filter(one => one.slept).length
      child.kill('SIGUSR2')
      await until('the sleeper to wake', () => said.filter(one => one.slept).length > before, 2500)
    },
    async kill() {
      const ended = new Promise(done => child.on('exit', done))
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** What both had is gone, without waiting for its lifetime: the next pair begins on a segment without a VIP. */
function forgetVips(): void {
  for (const namespace of [net.a, net.b]) namespace.run('ip', 'addr', 'flush', 'to', '10.9.0.100/32')
}

async function pair(changes: Partial<VirtualRouter>) {
  const d1 = director(net.a, routerOf(0, [150, 100], changes))
  await until(`d1 to be master ${d1.errors()}`, () => d1.state() === 'master', 8000)
  const d2 = director(net.b, routerOf(1, [150, 100], changes))
  await until(`d2 to be backup ${d2.errors()}`, () => d2.state() === 'backup', 8000)
  await sleep(600)
  return { d1, d2 }
}

describe('a director whose loop is blocked for 500 ms at adverts of 100 ms', () => {
  test('takes nothing over while it is backup, again and again', async () => {
    const { d1, d2 } = await pair({})
    try {
      for (let i = 0; i < 6; i++) {
        await d2.sleep()
        await sleep(600 + 37 * i)
      }
      expect(d2.states()).toEqual(['backup (startup)'])
      expect(d1.states().at(-1)).toMatch(/^master/)
    } finally {
      await d1.kill()
      await d2.kill()
      forgetVips()
    }
  }, 60_000)

  test('loses its mastership once, sees that at once, and does not ask it back where pre-emption is off', async () => {
    const { d1, d2 } = await pair({ preempt: { mode: 'never' } })
    try {
      await d1.sleep()
      await until('d1 to be backup', () => d1.state() === 'backup', 250)
      expect(d1.states().at(-1)).toBe('backup (stalled)')
      expect(d2.states()).toEqual(['backup (startup)', 'master (no-response)'])
      await sleep(1500)
      expect(d1.state()).toBe('backup')
      expect(d2.states()).toHaveLength(2)
    } finally {
      await d1.kill()
      await d2.kill()
      forgetVips()
    }
  }, 60_000)

  test('is master again by the rule of pre-emption, once', async () => {
    const { d1, d2 } = await pair({})
    try {
      await d1.sleep()
      await until(
        'd1 to be master again',
        () => d1.state() === 'master' && d1.states().at(-2) === 'backup (stalled)',
        1500,
      )
      await sleep(1000)
      expect(d1.states().slice(-2)).toEqual(['backup (stalled)', 'master (preempted)'])
      expect(d2.states()).toEqual(['backup (startup)', 'master (no-response)', 'backup (higher-priority-master)'])
    } finally {
      await d1.kill()
      await d2.kill()
      forgetVips()
    }
  }, 60_000)
})
