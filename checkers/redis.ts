import { badReply, type Conversation, converse, Failed } from './conversation.js'
import { excerpt, failed } from './errors.js'
import type { Dial, Outcome, Probe } from './ports.js'
import { secureOpen } from './secure.js'
import type { RedisSpec } from './spec.js'

const pong: Outcome = { passed: true, layer: 'L7OK', detail: 'PONG' }

/** AUTH if there is a password, PING, and the replication state where role or lag matter (RESP2). */
export function redisProbe(spec: RedisSpec, dial: Dial): Probe {
  const open = spec.tls ? secureOpen(spec.tls, dial) : dial
  return (target, signal) =>
    converse(open, target, signal, async talk => {
      if (spec.password !== undefined)
        await ask(talk, spec.user === undefined ? ['AUTH', spec.password] : ['AUTH', spec.user, spec.password])
      const answer = await ask(talk, ['PING'])
      if (answer !== 'PONG') throw badReply('to PING', answer)
      if (spec.role === undefined && spec.maxLag === undefined) return pong
      return judgeReplication(await ask(talk, ['INFO', 'replication']), spec)
    })
}

/** `INFO replication`: who we speak to, and how far behind. */
function judgeReplication(text: string, { role, maxLag }: RedisSpec): Outcome {
  const fields = new Map(text.split('\r\n').map(line => line.split(':', 2) as [string, string]))
  const is = fields.get('role') === 'master' ? 'primary' : 'replica'
  if (!fields.has('role')) throw badReply('to INFO', text)
  if (role !== undefined && role !== is) return failed('role', 'L7STS', is)
  if (is === 'replica' && maxLag !== undefined) {
    if (fields.get('master_link_status') !== 'up') return failed('lag', 'L7STS', 'not connected to its primary')
    const lag = Number(fields.get('master_last_io_seconds_ago'))
    if (!(lag <= maxLag)) return failed('lag', 'L7STS', `${lag} s behind`)
  }
  return { passed: true, layer: 'L7OK', detail: is }
}

/** One command as an array of bulk strings; a simple, integer or bulk answer as text. */
async function ask(talk: Conversation, words: readonly string[]): Promise<string> {
  talk.send(`*${words.length}\r\n${words.map(word => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
  const line = await talk.line()
  const rest = line.slice(1)
  switch (line[0]) {
    case '+':
    case ':':
      return rest
    case '-':
      throw new Failed(refusal(rest))
    case '$': {
      const length = Number(rest)
      if (!Number.isInteger(length) || length < 0) throw badReply(`to ${words[0]}`, line)
      const bulk = await talk.read(length + 2)
      return bulk.subarray(0, length).toString('utf8')
    }
    default:
      throw badReply(`to ${words[0]}`, line)
  }
}

function refusal(text: string): Outcome {
  const reason = /^(NOAUTH|WRONGPASS|NOPERM|ERR invalid password|ERR AUTH)/.test(text) ? 'auth' : 'not-serving'
  return failed(reason, 'L7STS', excerpt(text))
}
