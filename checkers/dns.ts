import { randomInt } from 'node:crypto'
import dnsPacket, { type Answer, type Packet } from 'dns-packet'
import { matcherOf } from './bytes.js'
import { badReply, converse } from './conversation.js'
import { datagram } from './datagram.js'
import { excerpt, failed, failureOf, timedOut } from './errors.js'
import { examined } from './examine.js'
import type { Dial, Outcome, Probe } from './ports.js'
import type { DnsSpec } from './spec.js'

/** One question by UDP or TCP (RFC 1035, RFC 7766). The answer counts only with our id and our question in it. */
export function dnsProbe(spec: DnsSpec, dial: Dial): Probe {
  const judgeAnswer = answerJudge(spec)
  const query = () => {
    const id = randomInt(65_536)
    const flags = spec.recurse ? dnsPacket.RECURSION_DESIRED : 0
    return {
      id,
      bytes: dnsPacket.encode({ type: 'query', id, flags, questions: [{ name: spec.name, type: spec.type }] }),
    }
  }

  if (spec.transport === 'tcp')
    return (target, signal) =>
      converse(dial, target, signal, async talk => {
        const { id, bytes } = query()
        const length = Buffer.alloc(2)
        length.writeUInt16BE(bytes.length)
        talk.send(Buffer.concat([length, bytes]))
        const answer = await talk.read((await talk.read(2)).readUInt16BE(0))
        const packet = decode(answer)
        if (!packet || !answers(packet, id, spec)) throw badReply('not an answer to our question', answer)
        return examined(() => judgeAnswer(packet), signal)
      })

  return (target, signal) => {
    const { id, bytes } = query()
    let other: Buffer | undefined
    return datagram(target, bytes, signal, {
      received(message) {
        const packet = decode(message)
        if (packet && answers(packet, id, spec)) return () => judgeAnswer(packet)
        // Somebody else's, or a late answer to an earlier attempt: ours may still come.
        other = message
        return undefined
      },
      failed: failureOf,
      late: () => timedOut('L7', other ? 'only answers to other questions' : undefined, other && excerpt(other)),
    })
  }
}

function decode(bytes: Buffer): Packet | undefined {
  try {
    return dnsPacket.decode(bytes)
  } catch {
    return undefined
  }
}

function answers({ id, type, questions }: Packet, wanted: number, spec: DnsSpec): boolean {
  const asked = questions[0]
  if (id !== wanted || type !== 'response') return false
  // A server that cannot even read the question may leave it out (FORMERR).
  return !asked || (asked.type === spec.type && plain(asked.name) === plain(spec.name))
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

/** So many answers are looked at: names may be compressed to two bytes each, and a message has room for thousands of them. */
const MOST = 256

function answerJudge(spec: DnsSpec): (packet: Packet) => Outcome {
  const wanted = spec.answer && matcherOf(spec.answer)
  return packet => {
    const data = packet.answers
      .filter(({ type }) => spec.type === 'ANY' || type === spec.type)
      .slice(0, MOST)
      .map(presentation)
    const shown = excerpt(data.join(' '))
    if (!spec.rcode.includes(packet.rcode)) return failed('bad-status', 'L7STS', packet.rcode)
    if (spec.authoritative && !packet.flag_aa) return failed('bad-reply', 'L7RSP', 'not authoritative', shown)
    if (packet.answers.length < spec.minAnswers)
      return failed('bad-reply', 'L7RSP', `${packet.answers.length} answers`, shown)
    if (wanted && !data.some(text => wanted.matches(Buffer.from(text, 'utf8'))))
      return failed('bad-body', 'L7RSP', 'no answer matches', shown)
    return { passed: true, layer: 'L7OK', detail: packet.rcode }
  }
}

/** The data of an answer as dig prints it. */
function presentation({ type, data }: Answer): string {
  if (typeof data === 'string') return data
  if (type === 'TXT') return [data].flat().map(String).join('')
  if (Buffer.isBuffer(data)) return data.toString('hex')
  if (typeof data !== 'object' || data === null) return String(data)
  const fields = new Map(Object.entries(data))
  const order = orders[type] ?? [...fields.keys()]
  return order.map(name => String(fields.get(name) ?? '')).join(' ')
}

const orders: Readonly<Record<string, readonly string[]>> = {
  SOA: ['mname', 'rname', 'serial', 'refresh', 'retry', 'expire', 'minimum'],
  MX: ['preference', 'exchange'],
  SRV: ['priority', 'weight', 'port', 'target'],
  CAA: ['flags', 'tag', 'value'],
}
