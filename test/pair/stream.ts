import { once } from 'node:events'
import { type Net, until } from './pair.js'

/**
 * Long downloads: a server in a real server's namespace sends bytes that nobody can guess, some every 50 ms, until its client says
 * that it is enough; its last word is the SHA-256 of all that it sent. The client compares that with what it received.
 */
export async function serveStreams(net: Net, names: readonly string[], ports: readonly number[]): Promise<void> {
  for (const name of names) {
    const child = net.spawn(name, ['python3', '-c', SERVER, ...ports.map(String)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (child.stdout) await once(child.stdout, 'data')
  }
}

/** Opens one from the client's namespace. Resolves when the first bytes are there. */
export async function download(net: Net, address: string, port: number): Promise<Download> {
  const child = net.spawn('cl', ['python3', '-c', CLIENT, address, String(port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout?.on('data', part => {
    text += part
  })
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()))
  const last = (): Report => JSON.parse(text.trimEnd().split('\n').at(-1) ?? '{}') as Report
  const said = () => (text.includes('\n') ? text.slice(0, text.lastIndexOf('\n')).split('\n').length : 0)
  await until('the download has begun', () => said() > 0, 30_000, 20)
  return {
    async flows() {
      const before = said()
      // The client says so ten times a second at most, each time with more bytes than before.
      await until('the download goes on', () => said() > before + 2, 30_000, 20)
    },
    async end() {
      child.stdin?.end()
      await closed
      return last()
    },
  }
}

export type Download = {
  /** Resolves when bytes arrived that were not there at the call; throws when none do. */
  flows(): Promise<void>
  /** Ends it in order. `whole`: what was received is what was sent, byte for byte. */
  end(): Promise<Report>
}

/** `error`: how the connection ended, where it did not end in order. `pause`: the longest without a byte, in ms. */
export type Report = {
  readonly bytes: number
  readonly whole: boolean
  readonly pause: number
  readonly error: string | null
}

const SERVER = `
import hashlib, os, select, socket, sys, threading
def send(c):
    digest = hashlib.sha256()
    try:
        while not select.select([c], [], [], 0.05)[0]:
            part = os.urandom(4096)
            digest.update(part)
            c.sendall(part)
        c.sendall(digest.digest())
        c.shutdown(socket.SHUT_WR)
        c.recv(1)
    except OSError:
        pass
    c.close()
def serve(s):
    while True:
        c, _ = s.accept()
        threading.Thread(target=send, args=(c,), daemon=True).start()
for port in sys.argv[1:]:
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('', int(port)))
    s.listen(50)
    threading.Thread(target=serve, args=(s,), daemon=True).start()
print('ready', flush=True)
threading.Event().wait()
`

const CLIENT = `
import hashlib, json, select, socket, sys, time
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
digest, tail, count, error, pause = hashlib.sha256(), b'', 0, None, 0
said = heard = time.monotonic()
watched = [s, sys.stdin]
try:
    while True:
        ready = select.select(watched, [], [])[0]
        if sys.stdin in ready:
            watched = [s]
            s.sendall(b'.')
        if s in ready:
            part = s.recv(65536)
            now = time.monotonic()
            if len(watched) == 2: pause = max(pause, now - heard)
            heard = now
            if not part: break
            count += len(part)
            tail += part
            digest.update(tail[:-32])
            tail = tail[-32:]
            if now - said > 0.1:
                said = now
                print(json.dumps({'bytes': count}), flush=True)
except OSError as problem:
    error = str(problem)
print(json.dumps({'bytes': count, 'whole': error is None and digest.digest() == tail, 'pause': round(pause * 1000), 'error': error}), flush=True)
`
