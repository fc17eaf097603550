import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Event } from '../../src/messages.js'
import type { Status } from '../../src/status/status.js'

type Entry = { readonly address: string; readonly weight: number; readonly forward: string }
type Net = {
  ns(name: string): string
  up(...options: string[]): void
  down(): void
  topology(...args: string[]): void
  exec(name: string, ...argv: string[]): Promise<string>
  cut(name: string): Promise<unknown>
  heal(name: string): Promise<unknown>
}
export type Director = {
  start(): unknown
  stop(): Promise<void>
  up(limit?: number): Promise<unknown>
  status(): Promise<Status | undefined>
  get<T>(path: string): Promise<T | undefined>
  cli(command: string, ...more: string[]): Promise<string>
  pids(): Record<'parent' | 'vrrp' | 'checkers' | 'control', number>
  crash(pids?: number[]): void
  table(): [string, Entry[]][]
  holds(address: string): boolean
  log(): string
}
type Library = {
  lab(prefix: string): Net
  director(net: Net, name: string, options: { config: string; home: string }): Director
  endKeepers(): void
}

/** The lab's own library is plain JavaScript. */
const library = new URL('../../deploy/lab/director.mjs', import.meta.url).href
const { lab, director, endKeepers } = (await import(library)) as Library

/** A topology with directors that run the program as built, each from the same file. */
export function standing(prefix: string, ...options: string[]) {
  const net = lab(prefix)
  const home = mkdtempSync('/tmp/lk-checking-')
  const running: Director[] = []
  net.up(...options)
  const file = join(home, 'lvskeeper.yaml')
  return {
    net,
    home,
    file,
    write: (yaml: string) => writeFileSync(file, yaml),
    make(name: string, yaml?: string): Director {
      const source = join(home, 'source.yaml')
      if (yaml !== undefined) writeFileSync(source, yaml)
      const made = director(net, name, { config: source, home })
      running.push(made)
      return made
    },
    /** @param host rs1 .. : its web server */
    nginx: (verb: 'start' | 'stop' | 'kill', host: string) => net.topology('nginx', verb, host),
    async end(): Promise<void> {
      for (const one of running) await one.stop().catch(() => {})
      endKeepers()
      net.down()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** What the kernel holds of one service: weight by real server's address. undefined: it has no such service. */
export function weights(one: Director, service: string): Record<string, number> | undefined {
  const found = one.table().find(([name]) => name.startsWith(`${service} `))
  return found && Object.fromEntries(found[1].map(({ address, weight }) => [address, weight]))
}

export async function events(one: Director): Promise<Event[]> {
  return (await one.get<Event[]>('/v1/events?last=1000')) ?? []
}
