import { readFileSync } from 'node:fs'

/** The peer of a unix socket, as SO_PEERCRED tells (unix(7)). */
export type PeerCredentials = { readonly uid: number; readonly gid: number; readonly pid: number }

/**
 * Who changes something, for the audit. The kernel vouches for the uid; whom root acts for (sudo) is his own word.
 * @param claimed the `x-lvskeeper-for` header of the command line
 */
export function authorOf(peer: PeerCredentials | undefined, claimed?: string): string {
  if (!peer) return 'unknown'
  const name = userName(peer.uid)
  return peer.uid === 0 && claimed && /^[\w.@-]{1,64}$/.test(claimed) ? `${claimed} as ${name}` : name
}

/** A name from the machine's own file; users from elsewhere (LDAP) keep their number. */
export function userName(uid: number, passwd = read('/etc/passwd')): string {
  const line = passwd.split('\n').find(each => each.split(':')[2] === String(uid))
  return line?.split(':')[0] ?? `uid ${uid}`
}

/** The id of a group of this machine; undefined when there is none of that name. */
export function groupId(name: string, group = read('/etc/group')): number | undefined {
  const id = group
    .split('\n')
    .find(each => each.startsWith(`${name}:`))
    ?.split(':')[2]
  return id === undefined ? undefined : Number(id)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
