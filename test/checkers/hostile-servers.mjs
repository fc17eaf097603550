import { createServer } from 'node:net'

/** Writes these bytes again and again, whenever it may, until it is hung up on. */
function drip(socket, bytes, every) {
  const timer = setInterval(() => socket.write(bytes), every)
  socket.on('close', () => clearInterval(timer))
}
export const ok = 'HTTP/1.1 200 OK\r\n'

/** What a real server may do to whoever checks it. */
export const hostile = {
  'never speaks': () => {},
  'never ends its headers': socket => {
    socket.write(ok)
    drip(socket, 'X-A: 1\r\n', 5)
  },
  'sends single bytes': socket => {
    let at = 0
    const text = `${ok}Content-Length: 100000\r\n\r\n`
    const timer = setInterval(() => socket.write(text[at++] ?? 'x'), 1)
    socket.on('close', () => clearInterval(timer))
  },
  'never ends its body': socket => {
    socket.write(`${ok}\r\n`)
    drip(socket, 'x'.repeat(100), 5)
  },
  'floods with headers': socket => socket.write(`${ok}${`X-A: ${'x'.repeat(1000)}\r\n`.repeat(200)}`),
  'floods with body': socket => {
    socket.write(`${ok}\r\n`)
    drip(socket, Buffer.alloc(200_000, 'x'), 1)
  },
  'talks garbage': socket => {
    socket.write(Buffer.from(Array.from({ length: 500 }, (_, at) => (at * 7919) & 255)))
  },
  'hangs up at once': socket => socket.destroy(),
  'resets at once': socket => socket.resetAndDestroy(),
  'closes one half': socket => socket.end(),
  'resets in the middle': socket => {
    socket.write(`${ok}Content-Length: 10\r\n\r\n123`)
    setTimeout(() => socket.resetAndDestroy(), 5)
  },
}

/** As a process of its own: all of them listen, and their ports are told to the parent, which ends it. */
if (process.send) {
  const ports = await Promise.all(
    Object.values(hostile).map(
      serve =>
        new Promise(resolve => {
          const server = createServer({ allowHalfOpen: true }, socket => {
            socket.on('error', () => {})
            serve(socket)
          })
          server.listen(0, '127.0.0.1', 4096, () => resolve(server.address().port))
        }),
    ),
  )
  process.send(ports)
  process.once('disconnect', () => process.exit(0))
}
