import { badReply, type Conversation, converse, Failed } from './conversation.js'
import { excerpt, failed } from './errors.js'
import type { Dial, Outcome, Probe } from './ports.js'
import { md5Password, scramClient } from './postgresql-auth.js'
import type { PostgresqlSpec } from './spec.js'

/**
 * A start-up message (PostgreSQL protocol 3.0). Without a password any answer of a serving server passes, a request
 * for one included; with a password the login must succeed, and with a role the server must have it.
 */
export function postgresqlProbe(spec: PostgresqlSpec, dial: Dial): Probe {
  return (target, signal) =>
    converse(dial, target, signal, async talk => {
      talk.send(startup(spec))
      const asked = await login(talk, spec)
      if (asked !== undefined) return quit(talk, { passed: true, layer: 'L7OK', detail: asked })
      await until(talk, 'Z')
      if (spec.role !== undefined) {
        talk.send(message('Q', Buffer.from('SELECT pg_is_in_recovery()\0')))
        const row = await until(talk, 'D')
        const is = row.toString('latin1').endsWith('t') ? 'replica' : 'primary'
        if (is !== spec.role) return quit(talk, failed('role', 'L7STS', is))
      }
      return quit(talk, { passed: true, layer: 'L7OK' })
    })
}

function quit(talk: Conversation, outcome: Outcome): Outcome {
  talk.send(message('X', Buffer.alloc(0)))
  return outcome
}

/** Answers the server's requests. undefined: logged in; else what it asks for and we have not got. */
async function login(talk: Conversation, { user, password, role }: PostgresqlSpec): Promise<string | undefined> {
  let scram: ReturnType<typeof scramClient> | undefined
  for (let turn = 0; turn < 8; turn++) {
    const { type, body } = await receive(talk)
    if (type === 'E') throw new Failed(refusal(body, password !== undefined || role !== undefined))
    if (type === 'v' || type === 'N') continue
    if (type !== 'R' || body.length < 4) throw badReply('to the start-up message', type)
    const request = body.readUInt32BE(0)
    if (request === 0) return undefined
    if (password === undefined) {
      if (role !== undefined) throw new Failed(failed('auth', 'L7STS', 'a password is needed to ask for its role'))
      return 'asks for a password'
    }
    const answer = (bytes: Buffer) => talk.send(message('p', bytes))
    if (request === 3) answer(Buffer.from(`${password}\0`))
    else if (request === 5) answer(Buffer.from(`${md5Password(user, password, body.subarray(4, 8))}\0`))
    else if (request === 10 && body.includes('SCRAM-SHA-256\0')) {
      scram = scramClient(password)
      answer(scram.first())
    } else if (request === 11 && scram) answer(scram.final(body.toString('utf8', 4)))
    else if (request !== 12 || !scram?.verify(body.toString('utf8', 4)))
      throw new Failed(failed('auth', 'L7RSP', `login of kind ${request} is not supported`))
  }
  throw badReply('to the login')
}

/** Reads on to a message of this type; an error on the way is the outcome. */
async function until(talk: Conversation, wanted: string): Promise<Buffer> {
  for (let count = 0; count < 200; count++) {
    const { type, body } = await receive(talk)
    if (type === 'E') throw new Failed(refusal(body, true))
    if (type === wanted) return body
  }
  throw badReply(`no ${wanted} message`)
}

/**
 * ErrorResponse: fields of a letter and text. Class 28 is a refused login, 3D000 a database that is not there: without
 * a password of ours the server has thereby shown that it serves. 57P03 cannot connect now, 53300 too many connections.
 */
function refusal(body: Buffer, mustLogin: boolean): Outcome {
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .map(field => [field[0] ?? '', field.slice(1)]),
  )
  const code = fields.get('C') ?? ''
  const detail = `${code} ${excerpt(fields.get('M') ?? '')}`
  const login = code.startsWith('28') || code === '3D000'
  if (login && !mustLogin) return { passed: true, layer: 'L7OK', detail }
  return failed(login ? 'auth' : 'not-serving', 'L7STS', detail)
}

async function receive(talk: Conversation): Promise<{ type: string; body: Buffer }> {
  const head = await talk.read(5)
  const type = String.fromCharCode(head[0] ?? 0)
  const length = head.readUInt32BE(1)
  if (!/[A-Za-z0-9]/.test(type) || length < 4) throw badReply('not PostgreSQL', head)
  return { type, body: await talk.read(length - 4) }
}

function startup({ user, database }: PostgresqlSpec): Buffer {
  const body = Buffer.from(`\0\x03\0\0user\0${user}\0database\0${database}\0application_name\0lvskeeper\0\0`)
  return sized(body)
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type, 'latin1'), sized(body)])
}

function sized(body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length + 4)
  return Buffer.concat([length, body])
}
