import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Received = { readonly at: number; readonly headers: IncomingMessage['headers']; readonly text: string }

/** A webhook receiver on loopback that answers what it is told to, in order; 200 when the list is used up. */
export async function receiver(...answers: (number | 'hang' | 'reset')[]) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', part => parts.push(part))
    request.on('end', () => {
      received.push({ at: performance.now(), headers: request.headers, text: Buffer.concat(parts).toString() })
      const answer = answers.shift() ?? 200
      if (answer === 'hang') return undefined
      if (answer === 'reset') return request.socket.destroy()
      return response.writeHead(answer, { 'content-type': 'text/plain' }).end(answer === 200 ? 'ok' : 'no, thank you')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    bodies: () => received.map(({ text }) => JSON.parse(text)),
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
