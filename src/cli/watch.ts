import { emitKeypressEvents } from 'node:readline'
import { paintFor } from '../status/paint.js'
import type { Status } from '../status/status.js'
import { statusText } from '../status/text.js'
import { exit, type Run } from './command.js'
import { controlClient, statusClient, withDaemon } from './daemon.js'

type Key = { readonly name?: string; readonly ctrl?: boolean }

/** The alternate screen of the terminal, its cursor hidden; and back. */
const enter = '\x1b[?1049h\x1b[?25l'
const leave = '\x1b[?25h\x1b[?1049l'
const home = '\x1b[H\x1b[J'

/** The status, redrawn each second. j and k choose a real server or router; d, m, r and f act on it. */
export const watch: Run = call =>
  withDaemon(call, async () => {
    const { options, err, out } = call
    if (!process.stdin.isTTY || !process.stdout.isTTY) {
      err('watch: needs a terminal (status prints once)\n')
      return exit.usage
    }
    const reader = statusClient(options)
    const writer = controlClient(options)
    const paint = paintFor(process.stdout, process.env)
    let now = await reader.get<Status>('/v1/status')
    let chosen = 0
    let said = 'j/k choose   d drain   m maint   r ready   f fail over   q quit'

    const subjects = () => [
      ...now.routers.map(router => ({ kind: 'router' as const, name: router.name })),
      ...now.services.flatMap(service =>
        service.realServers.map(({ address, port }) => ({
          kind: 'server' as const,
          name: `${service.name}/${address.includes(':') ? `[${address}]` : address}${port ? `:${port}` : ''}`,
        })),
      ),
    ]
    const draw = () => {
      const { columns = 80, rows = 24 } = process.stdout
      const subject = subjects()[chosen]
      const foot = paint('inverse', ` ${subject ? `${subject.kind} ${subject.name}` : ''}  ${said} `.slice(0, columns))
      out(`${home}${statusText(now, { paint, width: columns, rows: rows - 2 })}\x1b[${rows};1H${foot}`)
    }
    const act = async (key: string) => {
      const subject = subjects()[chosen]
      if (!subject) return
      const reason = 'from lvskeeper watch'
      if (key === 'f' && subject.kind === 'router') await writer.post('/v1/failover', { router: subject.name, reason })
      else if (key === 'r' && subject.kind === 'router')
        await writer.post('/v1/failover', { router: subject.name, back: true })
      else if (key === 'r') await writer.delete(`/v1/overrides?server=${encodeURIComponent(subject.name)}`)
      else if (subject.kind === 'server' && (key === 'd' || key === 'm'))
        await writer.post('/v1/overrides', { server: subject.name, verb: key === 'd' ? 'drain' : 'maint', reason })
      else return
      said = `${key}: done for ${subject.name}`
    }

    emitKeypressEvents(process.stdin)
    process.stdin.setRawMode(true)
    out(enter)
    const timer = setInterval(refresh, 1_000)
    process.stdout.on('resize', draw)
    draw()
    function refresh() {
      reader.get<Status>('/v1/status').then(
        fresh => {
          now = fresh
          draw()
        },
        error => {
          said = error instanceof Error ? error.message : String(error)
          draw()
        },
      )
    }
    try {
      return await new Promise<number>(resolve => {
        process.stdin.on('keypress', (_: string, { name = '', ctrl }: Key) => {
          if (name === 'q' || (ctrl && name === 'c')) return resolve(exit.ok)
          if (name === 'j' || name === 'down') chosen = Math.min(subjects().length - 1, chosen + 1)
          else if (name === 'k' || name === 'up') chosen = Math.max(0, chosen - 1)
          else if ('dmrf'.includes(name)) {
            act(name).then(refresh, error => {
              said = error instanceof Error ? error.message : String(error)
              draw()
            })
          }
          draw()
        })
      })
    } finally {
      clearInterval(timer)
      process.stdin.setRawMode(false)
      process.stdin.pause()
      out(leave)
    }
  })
