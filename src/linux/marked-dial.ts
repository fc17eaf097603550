import { streamOver } from '../../checkers/dial.js'
import type { Dial, Stream } from '../../checkers/ports.js'
import { codeOf } from './errno.js'
import { connectMarked, type SocketOptions } from './mark-socket.js'

/** A Dial whose connections carry a mark, come from an address or leave by an interface: for checks along the clients' path. */
export const markedDial =
  (options: Pick<SocketOptions, 'mark' | 'source' | 'interface'>): Dial =>
  (target, events) => {
    const abort = new AbortController()
    let stream: Stream | undefined
    connectMarked({ ...options, address: target.address, port: target.port }, abort.signal).then(
      socket => {
        if (abort.signal.aborted) return socket.destroy()
        socket.setNoDelay(true)
        stream = streamOver(socket, events, 'connect')
        // It has been connected since before Node knew it.
        return socket.emit('connect')
      },
      error => {
        if (!abort.signal.aborted) events.failed(codeOf(error) ?? 'UNKNOWN', String(error))
      },
    )
    return {
      send: bytes => stream?.send(bytes),
      close(how) {
        abort.abort()
        stream?.close(how)
      },
    }
  }
