/** What several kinds of check have in common. */
import { z } from 'zod'
import { coded, filePath, list, mapping, oneOrMoreOnce, size, text, whole, word } from './values.js'

export const secret = {
  password: text('a password').optional().describe('Better: password_file.'),
  password_file: filePath().optional().describe('File with the password; its last line end is left out.'),
}

export const hex = () =>
  z
    .string({ error: coded('bad-hex', 'expected an even number of hexadecimal digits in quotes') })
    .regex(/^([0-9A-Fa-f]{2}[ :]?)*$/, { error: coded('bad-hex', 'expected an even number of hexadecimal digits') })
    .meta({ examples: ['00ff', '51 55 49 54'] })
    .transform(value => value.replace(/[ :]/g, '').toLowerCase())

export const bytes = () =>
  z.union([
    text('text to send').transform(value => ({ text: value })),
    mapping({ hex: hex().describe('Bytes in hex.') }),
  ])

export const match = () =>
  z.union([
    text('text that the answer contains').transform(value => ({ contains: value })),
    mapping({
      contains: bytes().optional().describe('The answer contains this.'),
      equals: bytes().optional().describe('The answer is exactly this.'),
      regex: text('a regular expression').optional().describe('RE2 syntax.'),
      flags: regexFlags().optional(),
    }),
  ])

export const regexFlags = () =>
  z
    .string({ error: coded('bad-flags', 'expected flags out of i, m, s') })
    .regex(/^[ims]{1,3}$/, { error: coded('bad-flags', 'expected flags out of i, m, s') })
    .meta({ examples: ['i', 'im'] })
    .describe('i: case does not matter. m: ^ and $ match at lines. s: the dot matches line ends.')

const steps = () =>
  list(
    z.union(
      [
        mapping({ send: bytes().describe('Sent now.') }),
        mapping({ expect: match().describe('Waits for an answer that holds this.') }),
      ],
      {
        error: coded('bad-step', 'expected { send: ... } or { expect: ... }'),
      },
    ),
  ).describe('A conversation after the connect: send and expect in turn.')

export const conversation = {
  send: bytes().optional().describe('Sent after the connect. In place of steps.'),
  expect: match().optional().describe('What the answer must hold. In place of steps.'),
  steps: steps().optional(),
  proxy: whole(1, 2).optional().describe('PROXY protocol header of this version after the connect.'),
  max_bytes: size({ min: 1, max: 2 ** 24 })
    .optional()
    .describe('Most bytes that are read. Default 16KiB.'),
}

export const tlsShape = {
  sni: text('a server name').optional().describe('Server name in the handshake.'),
  verify: word(['full', 'chain', 'none'])
    .optional()
    .describe('full (default): chain and name. chain: any name. none: nothing.'),
  ca_file: filePath().optional().describe('Authorities, PEM. Default: those of the system.'),
  cert_file: filePath().optional().describe('Client certificate, PEM.'),
  key_file: filePath().optional().describe('Its key, PEM.'),
  warn_days: whole(0, 3650).optional().describe('Warns when the certificate ends within this many days. Default 14.'),
  fail_days: whole(0, 3650)
    .optional()
    .describe('Fails when it ends within this many days. Default 0: when it has ended.'),
  pin: oneOrMoreOnce(
    text('a SHA-256 fingerprint').regex(/^([0-9A-Fa-f]{2}:?){32}$/, {
      error: coded('bad-pin', 'expected the SHA-256 of the certificate: 64 hexadecimal digits, with or without colons'),
    }),
  )
    .optional()
    .describe('SHA-256 of the certificate (DER); one of them must match.'),
  alpn: oneOrMoreOnce(text('a protocol name')).optional().describe('Offered protocols.'),
  min_version: word(['TLSv1.2', 'TLSv1.3']).optional().describe('The oldest that is spoken. Default TLSv1.2.'),
}
export const tls = () =>
  z.union([z.literal(true, { error: coded('bad-tls', 'expected true or a mapping') }), mapping(tlsShape)], {
    error: coded('bad-tls', 'expected true or a mapping'),
  })

export const statusRanges = () =>
  oneOrMoreOnce(
    z
      .union([whole(100, 599), z.string().meta({ examples: ['200-299'] })], {
        error: coded('bad-status', wantedStatus),
      })
      .transform((value, context) => {
        const [, from, to = from] = /^(\d{3})(?:-(\d{3}))?$/.exec(String(value)) ?? []
        const range = [Number(from), Number(to)] as const
        if (!(range[0] >= 100 && range[0] <= range[1] && range[1] <= 599))
          context.addIssue({ code: 'custom', message: coded('bad-status', wantedStatus) })
        return range
      }),
  )
const wantedStatus = 'expected a status or a range within 100 to 599, such as 200 or 200-299'
