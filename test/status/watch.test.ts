import { describe, expect, test } from 'vitest'
import { colours, plain, widthOf } from '../../src/status/paint.js'
import { emptyWatch, type Watch, watchKey, watchScreen } from '../../src/status/watch.js'
import { bad, good, router, service, status } from './samples.js'

const now = status({ services: [{ ...service, realServers: [good, bad] }] })
const event = { seq: 1, at: now.at, name: 'server.down', level: 'warning', subject: 's', text: 'it fell' } as const
const start: Watch = { ...emptyWatch, status: now, events: [event] }

function keys(watch: Watch, ...pressed: string[]) {
  let state = watch
  const actions = pressed.flatMap(key => {
    const { watch: next, action } = watchKey(state, key)
    state = next
    return action ? [action] : []
  })
  return { state, actions }
}

describe('the keys of the live view', () => {
  test('drain, maint and ready act on the selected real server, after y', () => {
    expect(keys(start, 'down', 'd', 'y').actions).toEqual([
      { do: 'override', verb: 'drain', server: 'web/10.9.0.21:80' },
    ])
    expect(keys(start, 'down', 'j', 'm', 'y').actions).toEqual([
      { do: 'override', verb: 'maint', server: 'web/10.9.0.22:80' },
    ])
    expect(keys(start, 'down', 'r', 'y').actions).toEqual([
      { do: 'override', verb: 'ready', server: 'web/10.9.0.21:80' },
    ])
  })

  test('nothing happens without y', () => {
    for (const other of ['n', 'd', 'escape', 'return', 'q']) expect(keys(start, 'down', 'd', other).actions).toEqual([])
  })

  test('f fails the selected virtual router over, or ends that', () => {
    expect(keys(start, 'f', 'y').actions).toEqual([{ do: 'failover', router: 'web', back: false }])
    const behind = { ...router, behind: { author: 'alice', at: now.at } }
    const away = { ...start, status: { ...now, routers: [behind] } }
    expect(keys(away, 'f', 'y').actions).toEqual([{ do: 'failover', router: 'web', back: true }])
  })

  test('keys that do not fit the selected row do nothing', () => {
    expect(keys(start, 'd', 'y', 'm', 'y').actions).toEqual([])
    expect(keys(start, 'down', 'f', 'y').actions).toEqual([])
  })

  test('the selection stays on its row while others come and go, and within the list', () => {
    const selected = keys(start, 'down', 'down', 'down', 'down').state
    expect(selected.selected).toBe('server web/10.9.0.22:80')
    const fewer = { ...selected, status: status({ services: [{ ...service, realServers: [bad] }] }) }
    expect(keys(fewer, 'd', 'y').actions).toEqual([{ do: 'override', verb: 'drain', server: 'web/10.9.0.22:80' }])
    expect(keys(selected, 'pageup').state.selected).toBe('router web')
  })

  test('q and ctrl-c end it', () => {
    expect(keys(start, 'q').actions).toEqual([{ do: 'quit' }])
    expect(keys(start, 'C-c').actions).toEqual([{ do: 'quit' }])
  })

  test('without any row nothing can be acted on', () => {
    expect(keys(emptyWatch, 'down', 'd', 'y', 'f', 'y').actions).toEqual([])
  })
})

describe('the screen of the live view', () => {
  test('is filled exactly, at any size, with and without colours', () => {
    for (const [width, height] of [
      [80, 24],
      [40, 10],
      [200, 60],
      [20, 5],
    ] as const)
      for (const paint of [plain, colours]) {
        const lines = watchScreen(start, { width, height, paint })
        expect(lines).toHaveLength(height)
        expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width)
      }
  })

  test('shows rows, what is different, the last events and the keys', () => {
    const text = watchScreen(start, { width: 100, height: 20, paint: plain }).join('\n')
    for (const part of ['router  web', 'web/10.9.0.22:80', 'down for 2m', 'it fell', 'q quit'])
      expect(text).toContain(part)
  })

  test('asks back with the name of what it would touch', () => {
    const lines = watchScreen(keys(start, 'f').state, { width: 80, height: 12, paint: plain })
    expect(lines.at(-1)).toBe('fail over web?  y yes, any other key no')
  })

  test('keeps the selected row in sight of a long list', () => {
    const servers = Array.from({ length: 300 }, (_, i) => ({ ...good, address: `10.0.${i >> 8}.${i & 255}` }))
    const long = {
      ...start,
      status: status({ services: [{ ...service, realServers: servers }] }),
      selected: 'server web/10.0.1.30:80',
    }
    const lines = watchScreen(long, { width: 80, height: 24, paint: plain })
    expect(lines.some(line => line.includes('web/10.0.1.30:80'))).toBe(true)
  })

  test('says why there is nothing to see', () => {
    const gone = { ...emptyWatch, message: 'lvskeeper does not run' }
    expect(watchScreen(gone, { width: 80, height: 3, paint: plain })[0]).toBe('lvskeeper does not run')
  })
})
