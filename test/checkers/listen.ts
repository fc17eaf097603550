import { readFileSync } from 'node:fs'
import type { AddressInfo, Server, Socket } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Target } from '../../checkers/ports.js'

/** Listens on loopback until the test ends; its connections end with it. */
export async function listen(server: Server): Promise<Target> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>(resolve => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  )
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

/** A PEM file of test/checkers/certificates. */
export function pem(name: string): string {
  return readFileSync(join(import.meta.dirname, 'certificates', name), 'latin1')
}

export const within = (ms: number) => AbortSignal.timeout(ms)
