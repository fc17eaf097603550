import type { AlertConfig } from '../alert-config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import { type AlertFile, channelNames } from '../schema/alert.js'
import type { File } from '../schema/file.js'
import { suggest } from '../suggest.js'
import { defined } from './defined.js'

/** Names that alerts may be for. */
export type Known = {
  readonly directors: readonly string[]
  readonly routers: readonly string[]
  readonly services: readonly string[]
  /** Those of them that are whole. */
  readonly resolved: readonly KnownService[]
}

type KnownService = {
  readonly name: string
  readonly realServers: readonly { readonly address: string; readonly port: number }[]
  readonly sources: readonly unknown[]
}

/** The alerts; what they are for must be in the file. */
export function alerts(file: File, known: Known, report: Reporter): AlertConfig[] {
  const names = new Map<string, number>()
  const alike = new Set<string>()
  const counts = new Map<string, number>()
  return (file.alerts ?? []).flatMap((given, index) => {
    const path: Path = ['alerts', index]
    const channels = channelNames.filter(name => given[name] !== undefined)
    const [channel] = channels
    if (channel === undefined || channels.length > 1) {
      const message =
        channel === undefined
          ? 'the alert does not say where it goes'
          : `an alert goes one way: ${channels.join(' and ')}`
      report.error('alert-channel', path, message, {
        suggestion: channel === undefined ? `one of: ${channelNames.join(', ')}` : 'write two alerts',
      })
      return []
    }
    const count = (counts.get(channel) ?? 0) + 1
    counts.set(channel, count)
    const name = given.name ?? `${channel}-${count}`
    const same = JSON.stringify({ ...given, name: undefined })
    if (names.has(name)) report.error('duplicate-alert', [...path, 'name'], `another alert is called "${name}"`)
    else if (alike.has(same))
      report.error('alert-twice', path, 'the same alert stands here already: all of it would be told twice')
    names.set(name, index)
    alike.add(same)
    references(path, given, known, report)
    return [{ name, ...receiver(path, given, report), ...filters(given) }]
  })
}

function receiver(path: Path, given: AlertFile, report: Reporter) {
  const { webhook, mail, exec, slack, pagerduty, alertmanager } = given
  if (slack !== undefined && (slack.url === undefined) === (slack.url_file === undefined))
    report.error('slack-url', [...path, 'slack'], 'slack needs url or url_file, one of them', { at: 'key' })
  if (mail?.user !== undefined && mail.password_file === undefined)
    report.error('key-needs', [...path, 'mail', 'user'], 'user needs password_file', { at: 'key' })
  const [program, ...rest] = exec?.argv ?? []
  if (program !== undefined && !program.startsWith('/'))
    report.error('relative-program', [...path, 'exec', 'argv', 0], `${program} is no absolute path`, {
      suggestion: 'programs are named by their whole path',
    })
  const http = (one: NonNullable<typeof alertmanager>) => ({
    url: one.url,
    ...defined({ headers: one.headers, bearerFile: one.bearer_file, caFile: one.ca_file, timeout: one.timeout }),
  })
  return defined({
    webhook: webhook && { ...http(webhook), ...defined({ secretFile: webhook.secret_file }) },
    mail: mail && {
      host: mail.host,
      from: mail.from,
      to: mail.to,
      ...defined({
        port: mail.port,
        tls: mail.tls,
        caFile: mail.ca_file,
        user: mail.user,
        passwordFile: mail.password_file,
        timeout: mail.timeout,
      }),
    },
    exec:
      exec && program !== undefined
        ? { argv: [program, ...rest] as const, ...defined({ timeout: exec.timeout, retry: exec.retry }) }
        : undefined,
    slack: slack && defined({ url: slack.url, urlFile: slack.url_file }),
    pagerduty: pagerduty && { keyFile: pagerduty.key_file, ...defined({ url: pagerduty.url }) },
    alertmanager: alertmanager && http(alertmanager),
  })
}

function filters(given: AlertFile) {
  return defined({
    events: given.events,
    subjects: given.for,
    to: given.to,
    directors: given.directors,
    sendResolved: given.send_resolved,
    level: given.level,
    onlyMaster: given.only_master,
    group: given.group,
    repeat: given.repeat,
    limit: given.limit,
    keep: given.keep,
  })
}

function references(path: Path, given: AlertFile, known: Known, report: Reporter): void {
  for (const [at, director] of (given.directors ?? []).entries())
    if (!known.directors.includes(director))
      report.error('unknown-director', [...path, 'directors', at], `there is no director "${director}"`, {
        suggestion: suggest(director, known.directors),
      })
  for (const [at, subject] of (given.for ?? []).entries()) {
    const [kind = '', name = ''] = subject.split(' ')
    const names = namesOf(kind, name, known)
    if (name.includes('*') || names === undefined || names.includes(name)) continue
    const near = suggest(name, names)
    report.error('unknown-subject', [...path, 'for', at], `there is no ${words[kind]} "${name}"`, {
      suggestion: near === undefined ? undefined : `${kind} ${near}`,
    })
  }
}

const words: Readonly<Record<string, string>> = {
  router: 'virtual router',
  service: 'virtual server',
  server: 'real server',
  director: 'director',
}

/** What may be meant; undefined where no file says (real servers from sources), or it is broken elsewhere. */
function namesOf(kind: string, name: string, known: Known): readonly string[] | undefined {
  const { directors, routers, resolved: services } = known
  if (kind === 'director') return directors
  if (kind === 'router') return routers
  if (kind === 'service') return known.services
  if (services.length < known.services.length) return undefined
  const slash = name.indexOf('/')
  const meant = services.filter(service => slash < 0 || service.name === name.slice(0, slash))
  if (meant.some(({ sources }) => sources.length > 0)) return undefined
  return services.flatMap(service =>
    service.realServers.flatMap(({ address, port }) => {
      const host = address.includes(':') ? `[${address}]` : address
      return [address, `${host}:${port}`, host].flatMap(each => [each, `${service.name}/${each}`])
    }),
  )
}
