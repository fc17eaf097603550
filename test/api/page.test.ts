import { createHash } from 'node:crypto'
import { Window } from 'happy-dom'
import { describe, expect, test, vi } from 'vitest'
import { page, pagePolicy } from '../../src/api/page.js'
import { pageScript } from '../../src/api/page-script.js'
import type { Status } from '../../src/status/status.js'
import { bad, good, noon, service, status } from '../status/samples.js'

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64')

/** Opens the page as a browser would, against this director. */
async function open(given: Status, events: unknown[] = [], answer = 200) {
  const window = new Window({ settings: { disableJavaScriptEvaluation: true } })
  const { document } = window
  document.write(page)
  const asked: [string, unknown][] = []
  const fetch = async (path: string, options: { headers: unknown }) => {
    asked.push([path, options.headers])
    const json = async () => JSON.parse(JSON.stringify(path.startsWith('v1/status') ? given : events))
    return { ok: answer === 200, status: answer, json }
  }
  const later: (() => void)[] = []
  const store = new Map<string, string>()
  const sessionStorage = {
    getItem: (name: string) => store.get(name),
    setItem: (name: string, value: string) => store.set(name, value),
  }
  const run = new Function('document', 'fetch', 'sessionStorage', 'setTimeout', 'Node', pageScript)
  run(document, fetch, sessionStorage, (again: () => void) => later.push(again), window.Node)
  await vi.waitFor(() => expect(later).toHaveLength(1))
  const text = (id: string) => document.getElementById(id)?.textContent ?? ''
  const rows = (id: string) =>
    [...document.querySelectorAll(`#${id} tr`)].slice(1).map(each => [...each.children].map(cell => cell.textContent))
  return { window, document, text, rows, asked, later }
}

describe('the status page', () => {
  test('takes nothing from elsewhere', () => {
    expect(page).not.toMatch(/https?:|@import|url\(|<link|<img|src=/)
  })

  test('runs only its own script and style', () => {
    const policy = pagePolicy['content-security-policy'] ?? ''
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(page) ?? []
    const [, script = ''] = /<script>([\s\S]*)<\/script>/.exec(page) ?? []
    expect(policy).toContain(`script-src 'sha256-${sha256(script)}';`)
    expect(policy).toContain(`style-src 'sha256-${sha256(style)}';`)
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
    expect(page.match(/<script/g)).toHaveLength(1)
    expect(page).not.toMatch(/ on[a-z]+="| style="/)
  })

  test('shows routers, directors, services, events and what is different', async () => {
    const event = { at: noon, name: 'server.down', level: 'warning', text: 'it fell' }
    const { text, rows, document } = await open(status({ services: [{ ...service, realServers: [good, bad] }] }), [
      event,
    ])
    expect(document.title).toBe('d1 - lvskeeper')
    expect(text('title')).toContain('d1, 0.1.0, up 3d 4h, configuration 3f2a9c01 generation 12')
    expect(rows('routers')).toEqual([
      ['web', '51', 'master', '3d', '150', 'this director', '10.9.0.100/32', 'no advert came from the master'],
    ])
    expect(rows('peers')[0]!.slice(2)).toEqual(['0.1.0', 'same', 'complete', 'web backup 100'])
    expect(rows('services')).toEqual([
      ['web', 'up', '3d', '2', '', '', '', 'wrr', 'tcp 10.9.0.100:80, 1 of 2 up'],
      ['  10.9.0.21:80', 'up', '3d', '2', '2', '12', '3', 'dr', 'homepage L7OK 200 in 1.8ms'],
      ['  10.9.0.22:80', 'down', '2m', '1', '-', '-', '-', 'dr', 'homepage L4CON connection refused in 0.4ms'],
    ])
    expect(rows('events')[0]![0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
    expect(rows('events')[0]!.slice(1)).toEqual(['warning', 'server.down', 'it fell'])
    expect(text('notices')).toContain('down for 2m: homepage: L4CON connection refused')
    expect(text('notices')).toContain('lvskeeper explain web/10.9.0.22:80')
  })

  test('shows how far a server is on its way down', async () => {
    const failing = { ...good, checks: [{ ...good.checks[0]!, streak: 2 }] }
    const { rows } = await open(status({ services: [{ ...service, realServers: [failing] }] }))
    expect(rows('services')[1]![1]).toBe('up, going down 2')
  })

  test('shows what a real server answered as text, whatever it is', async () => {
    const evil = '<img src=x onerror=alert(1)><script>alert(2)</script>'
    const last = { ...bad.checks[0]!.last!, detail: evil, answer: evil }
    const server = { ...bad, checks: [{ ...bad.checks[0]!, last }] }
    const { document, rows } = await open(status({ services: [{ ...service, realServers: [server] }] }))
    expect(rows('services')[1]!.at(-1)).toContain(evil)
    expect(document.querySelectorAll('main img, main script')).toHaveLength(0)
  })

  test('filters as one types', async () => {
    const { window, document, rows } = await open(
      status({
        services: [
          { ...service, realServers: [good, bad] },
          { ...service, name: 'api' },
        ],
      }),
    )
    const filter = document.getElementById('filter') as unknown as {
      value: string
      dispatchEvent(event: unknown): void
    }
    const type = (text: string) => {
      filter.value = text
      filter.dispatchEvent(new window.Event('input'))
      return rows('services').map(([name]) => name)
    }
    expect(type('down')).toEqual(['web', '  10.9.0.22:80'])
    expect(type('api')).toEqual(['api', '  10.9.0.21:80'])
    expect(type('web, 10.9.0.21')).toEqual(['web', '  10.9.0.21:80'])
    expect(type('nothing')).toEqual([])
  })

  test('says so and fades when the director does not answer, and goes on asking', async () => {
    const { text, document, later } = await open(status(), [], 503)
    expect(text('title')).toBe('the director answered 503')
    expect(document.body.classList.contains('stale')).toBe(true)
    later.pop()!()
    await vi.waitFor(() => expect(later).toHaveLength(1))
  })

  test('asks for a token where one is needed', async () => {
    const { text, document } = await open(status(), [], 401)
    expect(text('title')).toBe('a token is needed')
    expect(document.getElementById('login')?.hasAttribute('hidden')).toBe(false)
  })
})
