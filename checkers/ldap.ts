import { badReply, converse } from './conversation.js'
import { excerpt, failed } from './errors.js'
import type { Dial, Probe } from './ports.js'
import { secureOpen } from './secure.js'
import type { LdapSpec } from './spec.js'

/** A simple LDAPv3 bind, anonymous without a dn, then unbind (RFC 4511 4.2). */
export function ldapProbe({ dn = '', password = '', tls }: LdapSpec, dial: Dial): Probe {
  const open = tls ? secureOpen(tls, dial) : dial
  const version = element(0x02, Buffer.from([3]))
  const request = element(
    0x30,
    Buffer.concat([
      messageId,
      element(0x60, Buffer.concat([version, element(0x04, Buffer.from(dn)), element(0x80, Buffer.from(password))])),
    ]),
  )
  return (target, signal) =>
    converse(open, target, signal, async talk => {
      talk.send(request)
      const head = await talk.read(2)
      if (head[0] !== 0x30) throw badReply('not LDAP', head)
      const length = await lengthOf(head[1] ?? 0, count => talk.read(count))
      const answer = await talk.read(length)
      const { code, text } = decodeBindResponse(answer)
      talk.send(element(0x30, Buffer.concat([messageId, Buffer.from([0x42, 0])])))
      if (code === 0) return { passed: true, layer: 'L7OK', detail: 'result 0' }
      // invalidCredentials, inappropriateAuthentication, strongerAuthRequired, insufficientAccessRights
      const reason = [8, 48, 49, 50].includes(code) ? 'auth' : 'not-serving'
      return failed(reason, 'L7STS', `result ${code} ${excerpt(text)}`.trimEnd())
    })
}

const messageId = Buffer.from([0x02, 1, 1])

/** BER: tag, definite length, value. */
function element(tag: number, value: Buffer): Buffer {
  const { length } = value
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), value])
}

async function lengthOf(first: number, read: (count: number) => Promise<Buffer>): Promise<number> {
  if (first < 0x80) return first
  const count = first & 0x7f
  if (count < 1 || count > 4) throw badReply('not LDAP', Buffer.from([first]))
  return (await read(count)).readUIntBE(0, count)
}

/** messageID, then [APPLICATION 1] { resultCode ENUMERATED, matchedDN, diagnosticMessage }. */
function decodeBindResponse(body: Buffer): { code: number; text: string } {
  const id = child(body, 0)
  const response = id && child(body, id.end)
  if (id?.tag !== 0x02 || response?.tag !== 0x61) throw badReply('no bind response', body)
  const code = child(response.value, 0)
  const name = code && child(response.value, code.end)
  const text = name && child(response.value, name.end)
  if (code?.tag !== 0x0a || code.value.length === 0) throw badReply('no result code', body)
  return { code: code.value.readUIntBE(0, Math.min(4, code.value.length)), text: text?.value.toString('utf8') ?? '' }
}

function child(bytes: Buffer, at: number): { tag: number; value: Buffer; end: number } | undefined {
  const [tag, size] = [bytes[at], bytes[at + 1]]
  if (tag === undefined || size === undefined) return undefined
  const count = size < 0x80 ? 0 : size & 0x7f
  if (count > 4 || at + 2 + count > bytes.length) return undefined
  const length = count === 0 ? size : bytes.readUIntBE(at + 2, count)
  const end = at + 2 + count + length
  return end > bytes.length ? undefined : { tag, value: bytes.subarray(at + 2 + count, end), end }
}
