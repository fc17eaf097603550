import { createSocket, type RemoteInfo } from 'node:dgram'
import { createServer } from 'node:net'
import dnsPacket from 'dns-packet'
import { describe, expect, onTestFinished, test } from 'vitest'
import { probeFor } from '../../checkers/probe-for.js'
import type { DnsSpec, UdpSpec } from '../../checkers/spec.js'
import { listen, within } from './listen.js'

type Target = { address: string; port: number }

async function serve(
  answer: (message: Buffer, reply: (bytes: Buffer) => void, from: RemoteInfo) => void,
): Promise<Target> {
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => answer(message, bytes => socket.send(bytes, from.port, from.address), from))
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => void socket.close())
  return { address: '127.0.0.1', port: socket.address().port }
}

async function nobody(): Promise<Target> {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  const { port } = socket.address()
  await new Promise<void>(resolve => socket.close(() => resolve()))
  return { address: '127.0.0.1', port }
}

describe('a udp check', () => {
  const ask = (target: Target, over: Partial<UdpSpec>, ms = 5000) =>
    probeFor({ kind: 'udp', send: { text: '' }, requireReply: false, ...over })(target, within(ms))

  test('passes on an answer that matches', async () => {
    const target = await serve((message, reply) => reply(Buffer.from(`got ${message}`)))
    expect(await ask(target, { send: { hex: '6869' }, expect: { equals: { text: 'got hi' } } })).toMatchObject({
      passed: true,
    })
    expect(await ask(target, { send: { text: 'x' }, expect: { regex: '^no' } })).toMatchObject({
      reason: 'bad-reply',
      answer: 'got x',
    })
  })

  test('fails at once on ICMP port unreachable', async () => {
    const began = performance.now()
    expect(await ask(await nobody(), { send: { text: 'x' } })).toMatchObject({ reason: 'refused', layer: 'L4CON' })
    expect(performance.now() - began).toBeLessThan(2000)
  })

  test('takes silence as it is told to', async () => {
    const target = await serve(() => {})
    expect(await ask(target, {}, 100)).toMatchObject({ passed: true, layer: 'L4OK' })
    expect(await ask(target, { requireReply: true }, 100)).toMatchObject({ reason: 'timeout', layer: 'L7TOUT' })
  })
})

describe('a dns check', () => {
  const dns = (over: Partial<DnsSpec>): DnsSpec => ({
    kind: 'dns',
    transport: 'udp',
    name: 'web.example',
    type: 'A',
    rcode: ['NOERROR'],
    minAnswers: 0,
    recurse: true,
    ...over,
  })
  const ask = (target: Target, over: Partial<DnsSpec>, ms = 5000) => probeFor(dns(over))(target, within(ms))
  const flags = { AA: 1 << 10, NXDOMAIN: 3 }
  const encode = dnsPacket.encode as unknown as (packet: object) => Buffer
  const answerTo = (question: Buffer, over: object = {}) => {
    const { id, questions } = dnsPacket.decode(question)
    const answers = [
      { type: 'A', name: 'web.example', data: '192.0.2.7' },
      { type: 'MX', name: 'web.example', data: { preference: 10, exchange: 'mx.example' } },
    ]
    return encode({ id, type: 'response', flags: flags.AA, questions, answers, ...over })
  }

  test('passes on an answer to its question', async () => {
    const target = await serve((question, reply) => reply(answerTo(question)))
    expect(await ask(target, {})).toEqual({ passed: true, layer: 'L7OK', detail: 'NOERROR' })
    expect(
      await ask(target, { answer: { equals: { text: '192.0.2.7' } }, authoritative: true, minAnswers: 2 }),
    ).toMatchObject({
      passed: true,
    })
    expect(await ask(target, { type: 'MX', answer: { equals: { text: '10 mx.example' } } })).toMatchObject({
      passed: true,
    })
  })

  test('fails on another answer, too few of them, another code', async () => {
    const target = await serve((question, reply) => reply(answerTo(question, { flags: 0 })))
    expect(await ask(target, { answer: { contains: { text: '.9' } } })).toMatchObject({
      reason: 'bad-body',
      answer: '192.0.2.7',
    })
    expect(await ask(target, { minAnswers: 3 })).toMatchObject({ reason: 'bad-reply', detail: '2 answers' })
    expect(await ask(target, { authoritative: true })).toMatchObject({
      reason: 'bad-reply',
      detail: 'not authoritative',
    })
    const none = await serve((question, reply) => reply(answerTo(question, { flags: flags.NXDOMAIN, answers: [] })))
    expect(await ask(none, {})).toMatchObject({ reason: 'bad-status', detail: 'NXDOMAIN' })
    expect(await ask(none, { rcode: ['NOERROR', 'NXDOMAIN'] })).toMatchObject({ passed: true })
  })

  test('waits for its own answer behind forged and malformed ones', async () => {
    const target = await serve((question, reply) => {
      reply(Buffer.from('garbage'))
      reply(answerTo(question, { id: dnsPacket.decode(question).id ^ 1 }))
      reply(answerTo(question, { questions: [{ name: 'other.example', type: 'A' }] }))
      reply(answerTo(question))
    })
    expect(await ask(target, {})).toMatchObject({ passed: true })
    const forged = await serve((question, reply) =>
      reply(answerTo(question, { id: dnsPacket.decode(question).id ^ 1 })),
    )
    expect(await ask(forged, {}, 150)).toMatchObject({ reason: 'timeout', detail: 'only answers to other questions' })
  })

  test('asks by TCP too', async () => {
    const target = await listen(
      createServer(socket =>
        socket.on('data', data => {
          const answer = answerTo(data.subarray(2))
          socket.write(Buffer.from([answer.length >> 8, answer.length & 255]))
          socket.write(answer)
        }),
      ),
    )
    expect(await ask(target, { transport: 'tcp' })).toMatchObject({ passed: true, detail: 'NOERROR' })
    const deaf = await listen(createServer(() => {}))
    expect(await ask(deaf, { transport: 'tcp' }, 100)).toMatchObject({ reason: 'timeout', layer: 'L7TOUT' })
  })
})
