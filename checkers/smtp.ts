import { type Conversation, converse, Failed } from './conversation.js'
import { excerpt, failed } from './errors.js'
import type { Dial, Probe } from './ports.js'
import type { SmtpSpec } from './spec.js'

/** Greeting, EHLO, STARTTLS if asked for, QUIT (RFC 5321, RFC 3207). */
export function smtpProbe({ helo, startTls }: SmtpSpec, dial: Dial): Probe {
  return (target, signal) =>
    converse(dial, target, signal, async talk => {
      await reply(talk, 220, 'greeting')
      let extensions = await command(talk, `EHLO ${helo}`, 250)
      if (startTls) {
        if (!extensions.some(line => /^STARTTLS\b/i.test(line)))
          throw new Failed(failed('bad-reply', 'L7RSP', 'no STARTTLS'))
        await command(talk, 'STARTTLS', 220)
        await talk.secure(startTls)
        extensions = await command(talk, `EHLO ${helo}`, 250)
      }
      // Its answer is not waited for: the server has shown that it serves.
      talk.send('QUIT\r\n')
      return { passed: true, layer: 'L7OK', detail: 'code 250' }
    })
}

function command(talk: Conversation, text: string, wanted: number): Promise<string[]> {
  talk.send(`${text}\r\n`)
  return reply(talk, wanted, text.split(' ')[0] ?? text)
}

/** A reply of one or many lines (RFC 5321 4.2.1); the texts behind the code. */
async function reply(talk: Conversation, wanted: number, to: string): Promise<string[]> {
  const texts: string[] = []
  for (let count = 0; count < 200; count++) {
    const line = await talk.line()
    const [, code, mark, text = ''] = /^(\d{3})([ -]?)(.*)$/.exec(line) ?? []
    if (code === undefined) throw new Failed(failed('bad-reply', 'L7RSP', `to ${to}`, excerpt(line)))
    if (Number(code) !== wanted) throw new Failed(failed('bad-status', 'L7STS', `code ${code} to ${to}`, excerpt(line)))
    texts.push(text)
    if (mark !== '-') return texts
  }
  throw new Failed(failed('too-large', 'L7RSP', `to ${to}`))
}
