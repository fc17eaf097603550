import { type Block, commentsOf } from './keepalived-block.js'
import type { CheckerContext } from './keepalived-timing.js'
import { type Entries, entries, mapOf, put } from './yaml-writer.js'

export function readUdp(block: Block, { report }: CheckerContext): readonly Entries[] {
  const payload = block.one('payload')
  const reply = block.one('require_reply')
  const least = block.one('min_reply_length')
  const most = block.one('max_reply_length')
  const udp = entries()
  const sent = payload && hexOf(payload.args)
  if (payload && sent === undefined) report(payload, 'trap', 'bad-value', 'These are no bytes in hex.', 'Left out.')
  if (sent !== undefined && sent !== '') put(udp, 'send', mapOf({ hex: sent }), commentsOf(payload))
  if (!payload)
    report(
      block.node,
      'note',
      'udp-payload',
      'keepalived sends random bytes.',
      'lvskeeper sends an empty datagram; see `send`.',
    )
  const wanted = reply && hexOf(reply.args)
  if (!reply) put(udp, 'require_reply', false)
  else if (reply.args.length === 0 || wanted === '') put(udp, 'require_reply', true, commentsOf(reply))
  else if (wanted !== undefined) {
    put(udp, 'expect', mapOf({ contains: mapOf({ hex: wanted }) }), commentsOf(reply))
    report(
      reply,
      'note',
      'udp-reply',
      'The answer must begin with these bytes.',
      'The YAML looks for them anywhere in the answer.',
    )
  } else {
    put(udp, 'require_reply', true, commentsOf(reply))
    report(
      reply,
      'lost',
      'udp-reply',
      'The answer must match these bytes, x standing for any.',
      'The YAML takes any answer; write `expect: { regex: .. }`.',
    )
  }
  for (const node of [least, most])
    if (node)
      report(
        node,
        'lost',
        'udp-length',
        'Bounds the length of the answer.',
        'Not available; `expect` looks at its content.',
      )
  return [mapOf({ udp })]
}

/** keepalived's free form: `Ab12f 3 456` is AB 12 0F 03 45 06. undefined: something else is in it. */
export function hexOf(words: readonly string[]): string | undefined {
  const all = words.flatMap(word => word.split(/\s+/)).flatMap(word => word.match(/.{1,2}/g) ?? [])
  if (all.some(pair => !/^[0-9a-fA-F]{1,2}$/.test(pair))) return undefined
  return all.map(pair => pair.padStart(2, '0').toLowerCase()).join('')
}
