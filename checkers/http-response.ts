import { createGathered } from './gathered.js'

/**
 * Reads one HTTP/1.x response from a stream of chunks (RFC 9112): for checks without TLS, where a client object per
 * check costs several times the connect itself.
 */
export type Response = {
  readonly status: number
  /** Lower-case names; repeated fields joined with `, `. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  /** false: cut at the limit, there was more. */
  readonly whole: boolean
}

export type Reading =
  | { readonly done: Response }
  | { readonly wrong: string }
  /** More bytes are needed; which part is missing. */
  | { readonly waiting: 'status' | 'headers' | 'body' }

const MAX_HEAD = 32_768
const waitingForStatus: Reading = { waiting: 'status' }
const waitingForHeaders: Reading = { waiting: 'headers' }
const waitingForBody: Reading = { waiting: 'body' }

/** A reader for one response to `method`. It keeps at most 32 KiB of head and `maxBytes` of body. */
export function responseReader(method: string, maxBytes: number) {
  let buffered: Buffer = Buffer.alloc(0)
  let head: { status: number; headers: Map<string, string> } | undefined
  let body: BodyReader | undefined

  /** `ended`: the peer closed, nothing follows. The bytes of `chunk` and of the response are only valid until the next turn. */
  function read(chunk: Buffer | undefined, ended = false): Reading {
    if (chunk) buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk])
    const reading = proceed(ended)
    // Most answers come whole; only of what must wait for more a copy is made.
    if ('waiting' in reading) {
      if (buffered.length > 0) buffered = Buffer.from(buffered)
      if (typeof body === 'object') body.keep()
    }
    return reading
  }

  function proceed(ended: boolean): Reading {
    while (!head) {
      const end = endOfHead(buffered)
      if (end < 0) {
        if (buffered.length > MAX_HEAD) return { wrong: 'headers larger than 32 KiB' }
        if (buffered.length >= 5 && !buffered.subarray(0, 5).equals(http)) return { wrong: 'not HTTP' }
        if (ended) return { wrong: buffered.length === 0 ? 'closed without an answer' : 'closed within the headers' }
        return buffered.includes(10) ? waitingForHeaders : waitingForStatus
      }
      const parsed = parseHead(buffered.subarray(0, end).toString('latin1'))
      if (typeof parsed === 'string') return { wrong: parsed }
      buffered = buffered.subarray(end)
      // 1xx answers come before the one that counts (RFC 9110 15.2); 101 ends HTTP.
      if (parsed.status >= 200 || parsed.status === 101) head = parsed
    }
    body ??= bodyReader(head.status, head.headers, method, maxBytes)
    if (typeof body === 'string') return { wrong: body }
    const state = body.read(buffered, ended)
    buffered = empty
    if (state === 'more') return ended ? { wrong: 'closed within the body' } : waitingForBody
    if (state !== 'done' && state !== 'cut') return { wrong: state.wrong }
    return { done: { ...head, body: body.bytes(), whole: state === 'done' } }
  }

  return { read, status: () => head?.status }
}

const http = Buffer.from('HTTP/')
const empty = Buffer.alloc(0)

/** Offset behind the blank line, -1 if it is not there yet. Bare LF is accepted (RFC 9112 2.2). */
function endOfHead(bytes: Buffer): number {
  const strict = bytes.indexOf('\r\n\r\n')
  const lax = bytes.indexOf('\n\n')
  if (strict < 0) return lax < 0 ? -1 : lax + 2
  return lax < 0 || strict < lax ? strict + 4 : lax + 2
}

function parseHead(text: string): { status: number; headers: Map<string, string> } | string {
  let end = text.indexOf('\n')
  const status = STATUS_LINE.exec(text.slice(0, end))?.[1]
  if (!status) return 'no HTTP/1.x status line'
  const headers = new Map<string, string>()
  for (let start = end + 1; start < text.length; start = end + 1) {
    end = text.indexOf('\n', start)
    const line = text.slice(start, end).trimEnd()
    if (line === '') continue
    const colon = line.indexOf(':')
    if (colon < 1) return 'malformed header field'
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trimStart()
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return { status: Number(status), headers }
}

const STATUS_LINE = /^HTTP\/1\.[01] ([1-9]\d\d)(?: |\r?$)/

type BodyState = 'more' | 'done' | 'cut' | { readonly wrong: string }
type BodyReader =
  | string
  | {
      read(bytes: Buffer, ended: boolean): BodyState
      bytes(): Buffer
      /** Makes what was read its own. */
      keep(): void
    }

/** Message body length, in the order of RFC 9112 6.3. */
function bodyReader(status: number, headers: Map<string, string>, method: string, limit: number): BodyReader {
  if (method === 'HEAD' || status === 204 || status === 304 || status === 101) return sized(0, limit)
  const coding = headers.get('transfer-encoding')
  if (coding !== undefined) return /(^|,)\s*chunked$/i.test(coding) ? chunked(limit) : sized(undefined, limit)
  const length = headers.get('content-length')
  if (length === undefined) return sized(undefined, limit)
  return /^\d{1,15}$/.test(length) ? sized(Number(length), limit) : 'malformed content-length'
}

/** A body of known length, or one that ends with the connection. */
function sized(length: number | undefined, limit: number): BodyReader {
  const kept = keeper(limit)
  let seen = 0
  return {
    read(bytes, ended) {
      const part = length === undefined ? bytes : bytes.subarray(0, length - seen)
      seen += part.length
      if (!kept.add(part)) return 'cut'
      if (length === undefined) return ended ? 'done' : 'more'
      return seen >= length ? 'done' : 'more'
    },
    bytes: kept.bytes,
    keep: kept.keep,
  }
}

/** RFC 9112 7.1. */
function chunked(limit: number): BodyReader {
  const kept = keeper(limit)
  let line = ''
  let left = 0
  let part: 'size' | 'data' | 'data-end' | 'trailer' = 'size'
  return {
    read(bytes) {
      let at = 0
      while (at < bytes.length) {
        if (part === 'data') {
          const piece = bytes.subarray(at, at + left)
          at += piece.length
          left -= piece.length
          if (!kept.add(piece)) return 'cut'
          if (left === 0) part = 'data-end'
          continue
        }
        const end = bytes.indexOf(10, at)
        line += bytes.toString('latin1', at, end < 0 ? bytes.length : end)
        if (line.length > 8192) return { wrong: 'chunk header too long' }
        if (end < 0) return 'more'
        at = end + 1
        const text = line.replace(/\r$/, '')
        line = ''
        if (part === 'data-end') {
          if (text !== '') return { wrong: 'malformed chunk' }
          part = 'size'
        } else if (part === 'trailer') {
          if (text === '') return 'done'
        } else {
          const size = /^([0-9a-f]{1,8})\s*(;.*)?$/i.exec(text)?.[1]
          if (size === undefined) return { wrong: 'malformed chunk size' }
          left = Number.parseInt(size, 16)
          part = left === 0 ? 'trailer' : 'data'
        }
      }
      return 'more'
    },
    bytes: kept.bytes,
    keep: kept.keep,
  }
}

/** Keeps the first `limit` bytes; `add` says false once there were more. */
function keeper(limit: number) {
  const kept = createGathered()
  return {
    add(bytes: Buffer): boolean {
      const room = limit - kept.length()
      kept.add(bytes.subarray(0, room))
      return bytes.length <= room
    },
    keep: kept.keep,
    bytes: kept.bytes,
  }
}
