import { mkdirSync, symlinkSync, unlinkSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { dirname } from 'node:path'
import { groupId } from './author.js'
import { isLink, isSocket, type Listening, listenUnix, own } from './listen.js'

/** Where the two sockets are, and the group that may use the first. */
export type SocketPaths = {
  readonly controlSocket: string
  readonly statusSocket: string
  /** Owns the control socket where it exists. Default `lvskeeper`. */
  readonly group?: string | undefined
  /** Where the command line looks: a symbolic link leads from there to a socket that is elsewhere. */
  readonly usual?: { readonly controlSocket: string; readonly statusSocket: string } | undefined
}

export type Sockets = {
  where(): readonly string[]
  /** Moves what has another place or group; the rest goes on. Rejects where that fails: what was open stays open. */
  open(wanted: SocketPaths): Promise<void>
  close(): Promise<void>
}

type Which = 'controlSocket' | 'statusSocket'
const modes: Readonly<Record<Which, number>> = { controlSocket: 0o660, statusSocket: 0o666 }
/** Its absence is normal: then only root may change things. */
const defaultGroup = 'lvskeeper'

/** The two unix sockets of a director, which follow the configuration. */
export function createSockets(handle: Readonly<Record<Which, RequestListener>>): Sockets {
  const listening = new Map<Which, Listening>()
  const links = new Map<Which, string>()

  async function place(which: Which, { usual, group = defaultGroup, ...wanted }: SocketPaths): Promise<void> {
    const path = wanted[which]
    const owner = which === 'controlSocket' ? group : undefined
    const before = listening.get(which)
    if (before?.where === path) own(path, modes[which], owner)
    else {
      listening.set(which, await listenUnix(path, modes[which], owner, handle[which]))
      if (links.get(which) === path) links.delete(which)
      before?.retire()
    }
    link(which, usual?.[which] ?? path, path)
  }

  function link(which: Which, from: string, to: string): void {
    unlink(which)
    if (from === to) return
    mkdirSync(dirname(from), { recursive: true, mode: 0o755 })
    if (isLink(from) || isSocket(from)) unlinkSync(from)
    symlinkSync(to, from)
    links.set(which, from)
  }

  function unlink(which: Which): void {
    const old = links.get(which)
    links.delete(which)
    if (old !== undefined && isLink(old)) unlinkSync(old)
  }

  return {
    where: () => [...listening.values()].map(({ where }) => where),
    async open(wanted) {
      await place('controlSocket', wanted)
      await place('statusSocket', wanted)
    },
    async close() {
      for (const which of [...links.keys()]) unlink(which)
      await Promise.all([...listening.values()].map(each => each.close()))
    },
  }
}

/** A group that the configuration names and this machine has not; undefined where all is as wanted. */
export function missingGroup({ group = defaultGroup, controlSocket }: SocketPaths): string | undefined {
  if (group === defaultGroup || groupId(group) !== undefined) return undefined
  return `there is no group ${group}: only root may use ${controlSocket}`
}
