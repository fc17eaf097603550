import { connect } from 'node:net'
import type { Dial, Stream } from './ports.js'

/** TCP over Node's own sockets. */
export const dial: Dial = (target, events, options) => {
  const socket = connect({ host: target.address, port: target.port, autoSelectFamily: false })
  socket.setNoDelay(true)
  if (options?.keepAlive) socket.setKeepAlive(true, options.keepAlive)
  return streamOver(socket, events, 'connect')
}

/** Makes a stream of a Node socket that is about to emit `ready` (connect, secureConnect). */
export function streamOver(
  socket: import('node:net').Socket,
  events: Parameters<Dial>[1],
  ready: 'connect' | 'secureConnect',
): Stream {
  let open = true
  const over = (tell: () => void) => {
    if (!open) return
    open = false
    socket.destroy()
    tell()
  }
  socket.once(ready, () => open && events.connected())
  socket.on('data', chunk => open && events.data(chunk))
  socket.once('end', () => over(events.ended))
  // Stays for good: a socket may fail once more while it is being destroyed.
  socket.on('error', (error: NodeJS.ErrnoException) =>
    over(() => events.failed(error.code ?? 'UNKNOWN', error.message)),
  )
  socket.once('close', () => over(events.ended))
  return {
    send: bytes => {
      if (open) socket.write(bytes)
    },
    close(how) {
      if (!open) return
      open = false
      // While it connects, Node would wait for the connect before it resets: for ever, if nobody answers.
      if (how === 'reset' && !socket.connecting) socket.resetAndDestroy()
      else socket.destroy()
    },
  }
}
