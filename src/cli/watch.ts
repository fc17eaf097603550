import { emitKeypressEvents } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError } from '../api/client.js'
import type { Change } from '../api/handlers.js'
import type { StoredEvent } from '../events/store.js'
import { age } from '../status/age.js'
import { paintFor } from '../status/paint.js'
import type { Status } from '../status/status.js'
import { type Action, emptyWatch, type Watch, watchKey, watchScreen } from '../status/watch.js'
import { type Call, exit, type Run } from './command.js'
import { controlClient, inContext, statusClient, withDaemon } from './daemon.js'

type Key = { readonly name?: string; readonly ctrl?: boolean }

/** The alternate screen of the terminal, its cursor hidden; and back. */
const enter = '\x1b[?1049h\x1b[?25l'
const leave = '\x1b[?25h\x1b[?1049l'
const home = '\x1b[H'
const clearLine = '\x1b[K'
/** An answer that takes longer than this is waited for aloud, ms. */
const patience = 2_500

/** The status, redrawn each second; src/status/watch.ts decides what is shown and what a key does. */
export const watch: Run = call =>
  withDaemon(call, async () => {
    const { options, err, out } = call
    if (options['json']) return lines(call)
    if (!process.stdin.isTTY || !process.stdout.isTTY) {
      err('watch: needs a terminal (status prints once)\n')
      return exit.usage
    }
    const reader = statusClient(options)
    const writer = controlClient(options)
    const paint = paintFor(process.stdout, process.env)
    let shown: Watch = { ...emptyWatch, status: await reader.get<Status>('/v1/status') }
    /** Why what is shown is not of now; it goes by itself, what a key brought stays until the next key. */
    let stale: string | undefined
    let asking: number | undefined

    function draw() {
      const { columns = 80, rows = 24 } = process.stdout
      const now = stale === undefined ? shown : { ...shown, message: stale }
      const lines = watchScreen(now, { width: columns, height: rows, paint })
      out(`${home}${lines.map(line => `${line}${clearLine}`).join('\r\n')}`)
    }

    function words(error: unknown): string {
      const told = error instanceof ApiError ? inContext(error, options) : error
      return told instanceof Error ? told.message : String(told)
    }

    function failed(error: unknown) {
      shown = { ...shown, message: words(error) }
      draw()
    }

    /** Asks once at a time: a director that hangs is not asked more and more often. */
    function tick() {
      if (asking !== undefined) {
        const waited = performance.now() - asking
        if (waited < patience) return
        stale = `no answer for ${age(waited)}: this is how it was`
        return draw()
      }
      asking = performance.now()
      refresh()
        .then(
          () => {
            stale = undefined
          },
          (error: unknown) => {
            stale = words(error)
          },
        )
        .finally(() => {
          asking = undefined
          draw()
        })
    }

    async function refresh() {
      const [status, events] = await Promise.all([
        reader.get<Status>('/v1/status'),
        reader.get<StoredEvent[]>('/v1/events?last=20'),
      ])
      shown = { ...shown, status, events }
    }

    async function carryOut(action: Exclude<Action, { do: 'quit' }>) {
      const { text, warnings = [] } = await ask(action)
      shown = { ...shown, message: [text, ...warnings.map(warning => `it holds now, but ${warning}`)].join('; ') }
      draw()
      await refresh()
      draw()
    }

    function ask(action: Exclude<Action, { do: 'quit' }>): Promise<Pick<Change, 'text' | 'warnings'>> {
      const reason = 'from lvskeeper watch'
      if (action.do === 'failover')
        return writer.post('/v1/failover', { router: action.router, back: action.back, reason })
      const { verb, server } = action
      if (verb === 'ready') return writer.delete(`/v1/overrides?server=${encodeURIComponent(server)}`)
      return writer.post('/v1/overrides', { server, verb, reason })
    }

    emitKeypressEvents(process.stdin)
    process.stdin.setRawMode(true)
    out(enter)
    const timer = setInterval(tick, 1_000)
    process.stdout.on('resize', draw)
    draw()
    try {
      return await new Promise<number>(resolve => {
        // Whatever ends it, the terminal is given back as it was.
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(exit.ok))
        process.stdin.once('end', () => resolve(exit.ok))
        process.stdin.on('keypress', (_: string, { name = '', ctrl }: Key) => {
          const { watch, action } = watchKey(shown, ctrl ? `C-${name}` : name)
          shown = watch
          draw()
          if (action?.do === 'quit') resolve(exit.ok)
          else if (action) carryOut(action).catch(failed)
        })
      })
    } finally {
      clearInterval(timer)
      process.stdin.setRawMode(false)
      process.stdin.pause()
      out(leave)
    }
  })

/** For programs: a line a second until whoever reads has enough, or the director ends. */
async function lines({ options, out }: Call): Promise<number> {
  const reader = statusClient(options)
  let going = true
  const wake = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      going = false
      wake.abort()
    })
  while (going) {
    out(`${JSON.stringify(await reader.get<Status>('/v1/status'))}\n`)
    await sleep(1_000, undefined, { signal: wake.signal }).catch(() => {})
  }
  return exit.ok
}
