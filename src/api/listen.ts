import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, unlinkSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { groupId } from './author.js'

export type TcpAddress = {
  /** Absent: every address of this machine. */
  readonly address?: string | undefined
  readonly port: number
  readonly tls?:
    | { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string | undefined }
    | undefined
}

export type Listening = {
  readonly where: string
  close(): Promise<void>
  /** Takes no new connections; those that are open have two seconds to end. */
  retire(): void
  /** Reads the keys again (TLS only): a renewed certificate holds from now on. Throws when they cannot be read. */
  renew(): void
}

/** An answer that is under way, the one to the reload itself too, is still given. */
const grace = 2_000

/**
 * Listens on a unix socket with exactly this mode. A socket that a dead process left is replaced; one that answers is
 * an error: two directors cannot share a machine's sockets.
 */
export async function listenUnix(
  path: string,
  mode: number,
  group: string | undefined,
  handle: RequestListener,
): Promise<Listening> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  if (isLink(path)) unlinkSync(path)
  else if (existsSync(path)) {
    if (!isSocket(path)) throw new Error(`${path} is there already, and is no socket`)
    if (await answers(path)) throw new Error(`${path} is in use: lvskeeper runs already`)
    unlinkSync(path)
  }
  const server = tune(createServer(handle))
  // Nobody may connect before the mode is right; listening on a path happens within the call.
  const before = process.umask(0o177)
  try {
    await started(server, () => server.listen(path))
  } finally {
    process.umask(before)
  }
  own(path, mode, group)
  return { where: path, close: () => closing(server), retire: () => retiring(server), renew: () => {} }
}

/** Gives a socket to root and a group of this machine; one that does not exist leaves it to root. */
export function own(path: string, mode: number, group: string | undefined): void {
  const gid = (group === undefined ? undefined : groupId(group)) ?? 0
  if (process.getuid?.() === 0) chownSync(path, 0, gid)
  chmodSync(path, mode)
}

/** Whether a socket stands here, of a living or a dead process. */
export function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true
}

/** Whether a symbolic link stands here, wherever it leads. */
export function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
}

/** Listens on TCP, with TLS where keys are given. */
export async function listenTcp({ address, port, tls }: TcpAddress, handle: RequestListener): Promise<Listening> {
  const secure = tls && createTlsServer(tlsOptions(tls), handle)
  const server = tune(secure ?? createServer(handle))
  await started(server, () => server.listen(port, address))
  const bound = server.address()
  const actual = typeof bound === 'object' && bound ? bound.port : port
  return {
    where: `${tls ? 'https' : 'http'}://${address === undefined ? '*' : host(address)}:${actual}`,
    close: () => closing(server),
    retire: () => retiring(server),
    renew: () => tls && secure?.setSecureContext(tlsOptions(tls)),
  }
}

function host(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

function tlsOptions({ certFile, keyFile, clientCaFile }: NonNullable<TcpAddress['tls']>) {
  const client =
    clientCaFile === undefined ? {} : { ca: readFileSync(clientCaFile), requestCert: true, rejectUnauthorized: true }
  return { cert: readFileSync(certFile), key: readFileSync(keyFile), minVersion: 'TLSv1.2' as const, ...client }
}

function tune<S extends Server>(server: S): S {
  server.maxConnections = 256
  server.headersTimeout = 10_000
  server.requestTimeout = 60_000
  server.keepAliveTimeout = 5_000
  server.maxHeadersCount = 50
  return server
}

function started(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      resolve()
    })
    listen()
  })
}

function closing(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function retiring(server: Server): void {
  server.close()
  server.closeIdleConnections()
  setTimeout(() => server.closeAllConnections(), grace).unref()
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
