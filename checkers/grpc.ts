import { endpointHost } from './endpoint.js'
import { excerpt, failed } from './errors.js'
import type { Response } from './http-response.js'
import { http2Attempt } from './http2.js'
import type { Dial, Outcome, Probe } from './ports.js'
import type { GrpcSpec } from './spec.js'

/** grpc.health.v1.Health/Check (github.com/grpc/grpc doc/health-checking.md): passes on SERVING. */
export function grpcProbe(spec: GrpcSpec, dial: Dial): Probe {
  const body = encodeRequest(spec.service)
  return http2Attempt(
    dial,
    spec.tls,
    undefined,
    target => ({
      headers: {
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        ':authority': spec.authority ?? endpointHost(target, spec.tls ? 443 : 80),
        'content-type': 'application/grpc',
        te: 'trailers',
        'user-agent': 'lvskeeper',
        ...spec.metadata,
      },
      body,
      maxBytes: 4096,
    }),
    judgeResponse,
  )
}

/** A length-prefixed message (gRPC over HTTP/2) that holds `string service = 1`. */
export function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8')
  const message =
    name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name])
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

function judgeResponse({ status, headers, body }: Response): Outcome {
  if (status !== 200) return failed('bad-status', 'L7STS', `status ${status}`, excerpt(body))
  const code = headers.get('grpc-status')
  if (code !== undefined && code !== '0')
    return failed('not-serving', 'L7STS', `grpc-status ${code} ${excerpt(headers.get('grpc-message') ?? '')}`.trimEnd())
  const serving = decodeResponse(body)
  if (serving === undefined) return failed('bad-reply', 'L7RSP', 'not a health answer', excerpt(body))
  return serving === 1
    ? { passed: true, layer: 'L7OK', detail: 'SERVING' }
    : failed('not-serving', 'L7STS', states[serving])
}

const states: Readonly<Record<number, string>> = { 0: 'UNKNOWN', 2: 'NOT_SERVING', 3: 'SERVICE_UNKNOWN' }

/** `ServingStatus status = 1` of the one message; an absent field is 0. undefined: malformed. */
export function decodeResponse(body: Buffer): number | undefined {
  if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5) return undefined
  let status = 0
  for (let at = 5; at < body.length; ) {
    const tag = readVarint(body, at)
    if (!tag) return undefined
    at = tag.next
    if ((tag.value & 7) === 0) {
      const value = readVarint(body, at)
      if (!value) return undefined
      if (tag.value >> 3 === 1) status = value.value
      at = value.next
    } else if ((tag.value & 7) === 2) {
      const length = readVarint(body, at)
      if (!length) return undefined
      at = length.next + length.value
    } else return undefined
  }
  return status
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}

function readVarint(bytes: Buffer, from: number): { value: number; next: number } | undefined {
  let value = 0
  for (let at = from; at < from + 5; at++) {
    const byte = bytes[at]
    if (byte === undefined) return undefined
    value |= (byte & 0x7f) << (7 * (at - from))
    if (byte < 0x80) return { value: value >>> 0, next: at + 1 }
  }
  return undefined
}
