import { constants, createHash, publicEncrypt } from 'node:crypto'
import { badReply, type Conversation, converse, Failed } from './conversation.js'
import { excerpt, failed } from './errors.js'
import type { Dial, Outcome, Probe } from './ports.js'
import type { MysqlSpec } from './spec.js'

/**
 * The greeting of MySQL or MariaDB; with a user a login, and with a role the question whether it is read-only. Without
 * a user the server counts an interrupted handshake against this host (max_connect_errors), as with any bare check.
 */
export function mysqlProbe(spec: MysqlSpec, dial: Dial): Probe {
  return (target, signal) =>
    converse(dial, target, signal, async talk => {
      const greeting = decodeGreeting((await packet(talk)).payload)
      if (spec.user === undefined) return { passed: true, layer: 'L7OK', detail: greeting.version }
      await login(talk, greeting, spec.user, spec.password ?? '')
      if (spec.role !== undefined) {
        const is = (await readOnly(talk)) ? 'replica' : 'primary'
        if (is !== spec.role) return quit(talk, failed('role', 'L7STS', is))
      }
      return quit(talk, { passed: true, layer: 'L7OK', detail: greeting.version })
    })
}

function quit(talk: Conversation, outcome: Outcome): Outcome {
  talk.send(frame(0, Buffer.from([0x01])))
  return outcome
}

/** Protocol::HandshakeV10 */
function decodeGreeting(payload: Buffer) {
  if (payload[0] === 0xff) throw new Failed(refusal(payload))
  const end = payload.indexOf(0, 1)
  if (payload[0] !== 10 || end < 0 || payload.length < end + 32) throw badReply('no greeting', payload)
  const version = excerpt(payload.subarray(1, end))
  const saltLength = Math.max(13, (payload[end + 21] ?? 21) - 8)
  const salt = Buffer.concat([
    payload.subarray(end + 5, end + 13),
    payload.subarray(end + 32, end + 32 + saltLength - 1),
  ])
  const plugin = payload
    .subarray(end + 32 + saltLength)
    .toString('latin1')
    .replace(/\0.*$/s, '')
  return { version, salt: salt.subarray(0, 20), plugin: plugin || 'mysql_native_password' }
}

/** CLIENT_LONG_PASSWORD, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH */
const CAPABILITIES = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x80000

async function login(talk: Conversation, greeting: ReturnType<typeof decodeGreeting>, user: string, password: string) {
  const head = Buffer.alloc(32)
  head.writeUInt32LE(CAPABILITIES, 0)
  head.writeUInt32LE(2 ** 24 - 1, 4)
  head[8] = 45
  const proof = scramble(greeting.plugin, password, greeting.salt)
  const name = `${greeting.plugin}\0`
  talk.send(
    frame(1, Buffer.concat([head, Buffer.from(`${user}\0`), Buffer.from([proof.length]), proof, Buffer.from(name)])),
  )

  let plugin = greeting.plugin
  let salt: Buffer = greeting.salt
  for (let turn = 0; turn < 6; turn++) {
    const { payload, sequence } = await packet(talk)
    const answer = (bytes: Buffer) => talk.send(frame(sequence + 1, bytes))
    if (payload[0] === 0x00) return
    if (payload[0] === 0xff) throw new Failed(refusal(payload))
    if (payload[0] === 0xfe) {
      // Protocol::AuthSwitchRequest
      const end = payload.indexOf(0, 1)
      plugin = payload.toString('latin1', 1, end)
      salt = payload.subarray(end + 1, end + 21)
      answer(scramble(plugin, password, salt))
    } else if (payload[0] === 0x01 && payload[1] === 0x04) {
      // caching_sha2_password wants the whole password: under the server's public key, as this stream is not secret.
      answer(Buffer.from([0x02]))
    } else if (payload[0] === 0x01 && payload[1] === 0x2d) {
      answer(encrypted(password, salt, payload.subarray(1)))
    } else if (payload[0] !== 0x01 || payload[1] !== 0x03) throw badReply('to the login', payload)
  }
  throw badReply('to the login')
}

function scramble(plugin: string, password: string, salt: Buffer): Buffer {
  if (password === '') return Buffer.alloc(0)
  const hash = (name: string, ...parts: Buffer[]) => createHash(name).update(Buffer.concat(parts)).digest()
  const secret = Buffer.from(password, 'utf8')
  switch (plugin) {
    case 'mysql_native_password': {
      const once = hash('sha1', secret)
      return xor(once, hash('sha1', salt, hash('sha1', once)))
    }
    case 'caching_sha2_password': {
      const once = hash('sha256', secret)
      return xor(once, hash('sha256', hash('sha256', once), salt))
    }
    default:
      throw new Failed(failed('auth', 'L7RSP', `login by ${excerpt(plugin)} is not supported`))
  }
}

function encrypted(password: string, salt: Buffer, key: Buffer): Buffer {
  const secret = xor(Buffer.from(`${password}\0`, 'utf8'), salt)
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, secret)
}

function xor(bytes: Buffer, key: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, at) => byte ^ (key[at % key.length] ?? 0)))
}

/** `SELECT @@global.read_only`: one column, one row, as text. */
async function readOnly(talk: Conversation): Promise<boolean> {
  talk.send(frame(0, Buffer.from('\x03SELECT @@global.read_only', 'latin1')))
  let ends = 0
  let value: string | undefined
  for (let count = 0; count < 20; count++) {
    const { payload } = await packet(talk)
    if (payload[0] === 0xff) throw new Failed(refusal(payload))
    // Columns and rows each end with EOF.
    if (payload[0] === 0xfe && payload.length < 9) {
      ends++
      if (ends === 2) break
    } else if (ends === 1) value = payload.toString('latin1', 1)
  }
  if (value === undefined) throw badReply('to the question for its role')
  return value !== '0' && value.toUpperCase() !== 'OFF'
}

/** ERR_Packet: code, `#` and SQL state, text. 1045 and 1698 are refused logins. */
function refusal(payload: Buffer): Outcome {
  const code = payload.length > 2 ? payload.readUInt16LE(1) : 0
  const text = payload.toString('utf8', 3).replace(/^#...../, '')
  const reason = [1044, 1045, 1698].includes(code) ? 'auth' : 'not-serving'
  return failed(reason, 'L7STS', `error ${code} ${excerpt(text)}`)
}

async function packet(talk: Conversation): Promise<{ payload: Buffer; sequence: number }> {
  const head = await talk.read(4)
  return { payload: await talk.read(head.readUIntLE(0, 3)), sequence: head[3] ?? 0 }
}

function frame(sequence: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUIntLE(payload.length, 0, 3)
  head[3] = sequence & 0xff
  return Buffer.concat([head, payload])
}
