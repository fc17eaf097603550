import { Duplex } from 'node:stream'
import type { Dial, Stream, Target } from './ports.js'

/** A stream as Node's TLS and HTTP/2 want it. `first` goes out before anything else (a PROXY header). */
export function duplexOver(dial: Dial, target: Target, first: Buffer | undefined, onConnected: () => void): Duplex {
  let open = false
  let waiting: (() => void) | undefined
  const duplex: Duplex = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      const send = () => {
        stream.send(chunk)
        done()
      }
      if (open) send()
      else waiting = send
    },
    final(done) {
      done()
    },
    destroy(error, done) {
      stream.close('fin')
      done(error)
    },
  })
  const stream: Stream = dial(target, {
    connected() {
      open = true
      onConnected()
      if (first) stream.send(first)
      waiting?.()
    },
    data: chunk => void duplex.push(Buffer.from(chunk)),
    ended: () => void duplex.push(null),
    failed: (errno, text) => void duplex.destroy(Object.assign(new Error(text ?? errno), { code: errno })),
  })
  return duplex
}
