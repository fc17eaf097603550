import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'

/** Why a question got no good answer, in words for a person. */
export class ApiError extends Error {
  /** The API's code, or `not-running`, `no-answer`, `ended`, `permission`, `broken`. */
  readonly code: string
  readonly details: unknown
  constructor(code: string, text: string, details?: unknown) {
    super(text)
    this.code = code
    this.details = details
  }
}

export type ApiClient = {
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: unknown): Promise<T>
  delete<T>(path: string): Promise<T>
  /** JSON lines as they come; ends when the director or the caller ends it. */
  follow(path: string, signal?: AbortSignal): AsyncGenerator<unknown>
}

/** Speaks to the director of this machine. All rejections are ApiErrors. @param timeout ms for a whole answer */
export function apiClient(socketPath: string, timeout = 60_000): ApiClient {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await send(method, path, body, AbortSignal.timeout(timeout))
    return parse(response, await textOf(response)) as T
  }

  function send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const user = process.env['SUDO_USER']
    const headers = {
      host: 'lvskeeper',
      ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      ...(user === undefined ? {} : { 'x-lvskeeper-for': user }),
    }
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { socketPath, method, path, headers, agent: false, ...(signal ? { signal } : {}) },
        resolve,
      )
      outgoing.on('error', error => reject(unreachable(error, socketPath)))
      outgoing.end(text)
    })
  }

  return {
    get: path => call('GET', path),
    post: (path, body) => call('POST', path, body),
    delete: path => call('DELETE', path),
    async *follow(path, signal) {
      const response = await send('GET', path, undefined, signal)
      if (response.statusCode !== 200) parse(response, await textOf(response))
      try {
        for await (const line of createInterface({ input: response })) if (line !== '') yield JSON.parse(line)
      } catch (error) {
        if (!signal?.aborted) throw unreachable(error, socketPath)
      } finally {
        response.destroy()
      }
    },
  }
}

function parse(response: IncomingMessage, text: string): unknown {
  const value = decode(text)
  if (response.statusCode === 200) return value
  const error = isRecord(value) && isRecord(value['error']) ? value['error'] : {}
  const words = typeof error['text'] === 'string' ? error['text'] : text.trim() || `HTTP ${response.statusCode}`
  throw new ApiError(typeof error['code'] === 'string' ? error['code'] : 'broken', words, error['details'])
}

function decode(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  try {
    for await (const part of response) parts.push(part as Buffer)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') throw new ApiError('ended', ended)
    throw new ApiError('broken', `the answer broke off: ${error instanceof Error ? error.message : error}`)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** A change may have been carried out before. */
const ended = 'the process that was asked ended before it answered: whether a change was made is not known'

function unreachable(error: unknown, path: string): ApiError {
  const { code, name, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ECONNREFUSED')
    return new ApiError('not-running', `lvskeeper does not run on this machine (nobody listens on ${path})`)
  if (code === 'EACCES' || code === 'EPERM')
    return new ApiError('permission', `permission denied on ${path}: use sudo, or join the group that owns it`)
  if (name === 'AbortError' || name === 'TimeoutError') return new ApiError('no-answer', `no answer on ${path} in time`)
  if (code === 'ECONNRESET' || code === 'EPIPE') return new ApiError('ended', ended)
  return new ApiError('broken', `${path}: ${message}`)
}
