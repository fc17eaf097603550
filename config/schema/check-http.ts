import { z } from 'zod'
import { conversation, hex, regexFlags, secret, statusRanges } from './check-parts.js'
import { coded, filePath, flag, listOnce, mapping, size, text, word } from './values.js'

/** One HTTP request and the conditions on its answer. */
export const httpShape = {
  method: text('a method')
    .regex(/^[A-Z]{1,20}$/, { error: coded('bad-method', 'expected a method in capitals, such as GET or HEAD') })
    .optional()
    .describe('Default GET.'),
  path: text('a path')
    .regex(/^[/*][\x21-\x7e]*$/, {
      error: coded('bad-url-path', 'expected a path that starts with / and holds no blanks'),
    })
    .optional()
    .describe('With query. Default /.'),
  host: text('a host name')
    .regex(/^[\x21-\x7e]+$/, { error: coded('bad-text', 'expected a host name without blanks') })
    .optional()
    .describe('Host header. Default: the address of the real server.'),
  version: word(['1.0', '1.1', '2']).optional().describe('In quotes. Default "1.1".'),
  headers: z
    .record(
      z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: coded('bad-name', 'expected the name of a header') }),
      text('the value of a header').regex(/^[^\r\n\0]*$/, {
        error: coded('bad-text', 'expected text without line ends'),
      }),
      { error: coded('bad-mapping', 'expected a mapping of names') },
    )
    .optional()
    .describe('Further request headers.'),
  body: text('a body', 65_536).optional().describe('Request body.'),
  auth: mapping({
    user: text('a user').optional().describe('Basic; with a password.'),
    ...secret,
    bearer: text('a token').optional().describe('Token. Better: bearer_file.'),
    bearer_file: filePath().optional().describe('File with the token.'),
  })
    .optional()
    .describe('Basic (user and password) or bearer.'),
  status: statusRanges().optional().describe('Accepted statuses. Default 200-299.'),
  drain_status: statusRanges()
    .optional()
    .describe('With one of these the server asks to be drained: weight 0, no alert.'),
  header_match: listOnce(
    mapping({
      name: text('the name of a header').describe('Of the header.'),
      present: flag().optional().describe('true: the header must be there; false: it must not.'),
      exact: text().optional().describe('Its value is this.'),
      prefix: text().optional().describe('Its value begins with this.'),
      suffix: text().optional().describe('Its value ends with this.'),
      contains: text().optional().describe('Its value contains this.'),
      regex: text('a regular expression').optional().describe('Its value matches (RE2 syntax).'),
    }),
  )
    .optional()
    .describe('Conditions on answer headers; all must hold.'),
  contains: text().optional().describe('The body contains this.'),
  not_contains: text().optional().describe('The body does not contain this.'),
  regex: text('a regular expression').optional().describe('The body matches (RE2 syntax).'),
  flags: regexFlags().optional(),
  json: mapping({
    pointer: z
      .string({ error: coded('bad-pointer', 'expected a JSON pointer such as /status') })
      .regex(/^(\/([^~]|~[01])*)?$/, { error: coded('bad-pointer', 'expected a JSON pointer such as /status') })
      .meta({ examples: ['/status'], description: 'JSON pointer (RFC 6901): /status.' }),
    equals: z
      .union([z.string(), z.number(), z.boolean(), z.null()], {
        error: coded('bad-text', 'expected text, a number, true, false or null'),
      })
      .describe('What stands there: text, a number, true, false or null.'),
  })
    .optional()
    .describe('A value in a JSON body.'),
  digest: mapping({
    md5: hex().optional().describe('As genhash of keepalived prints it.'),
    sha256: hex().optional().describe('64 hexadecimal digits.'),
  })
    .optional()
    .describe('Digest of the whole body.'),
  max_bytes: size({ min: 0, max: 2 ** 26 })
    .optional()
    .describe('Most body bytes that are read. Default 64KiB.'),
  proxy: conversation.proxy,
}
