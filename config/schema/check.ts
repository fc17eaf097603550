/** Health checks: how often, how many, and one kind that says what is asked. */
import { z } from 'zod'
import { kinds } from './check-kinds.js'
import { address, coded, duration, flag, listOnce, mapping, numeric, port, text, whole, word } from './values.js'

/** How often and how many: what all kinds have in common. */
export const checkCommon = {
  address: address().optional().describe('Ask this address instead of the real server.'),
  port: port().optional().describe("Default: the real server's port."),
  interval: duration({ min: 10 }).optional().describe('From start to start. Default 2s.'),
  fast_interval: duration({ min: 5 })
    .optional()
    .describe('As soon as a result contradicts the verdict. Default 200ms, at most interval.'),
  down_interval: duration({ min: 10 }).optional().describe('While down. Default: interval.'),
  timeout: duration({ min: 1 }).optional().describe('Of the whole attempt. Default 1s.'),
  rise: whole(1, 1000).optional().describe('Passes in a row that bring it back. Default 2.'),
  fall: whole(1, 1000).optional().describe('Failures in a row that take it out. Default 3.'),
  jitter: numeric(0, 0.5)
    .optional()
    .describe('Share of the interval by which a start may come earlier or later. Default 0.05.'),
  severity: word(['fail', 'drain', 'degrade', 'warn'])
    .optional()
    .describe('What failing does. Default fail: out of the table.'),
  invert: flag().optional().describe('A pass counts as a failure and the reverse.'),
  manual_resume: flag().optional().describe('Once down, stays down until somebody says `lvskeeper ready`.'),
  watch: z
    .union(
      [
        flag(),
        mapping({ final: flag().optional().describe('A refusal after a dying connection is final. Default true.') }),
      ],
      {
        error: coded('bad-watch', 'expected true, false or { final: false }'),
      },
    )
    .optional()
    .describe('The idle connection that sees a dying process at once. Default: on for tcp, http and https.'),
  damping: z
    .union(
      [
        flag(),
        mapping({
          hold: duration().optional().describe('First hold-down; doubles with each fall. Default 5s.'),
          max: duration().optional().describe('Longest hold-down. Default 5m.'),
          forget: duration().optional().describe('Quiet time after which the count starts anew. Default 10m.'),
        }),
      ],
      { error: coded('bad-damping', 'expected true, false or { hold: 5s, max: 5m, forget: 10m }') },
    )
    .optional()
    .describe('Growing hold-down for a real server that flaps. Default off.'),
  client_path: z
    .union(
      [
        flag(),
        mapping({
          from: word(['peers', 'all']).optional().describe('Who probes. Default peers: who does not hold the VIP.'),
        }),
      ],
      {
        error: coded('bad-client-path', 'expected true, false or { from: all }'),
      },
    )
    .optional()
    .describe("Asks the VIP through this real server, along the clients' way (dr, tun). For tcp, tls, http, https."),
}

export const check = mapping({ ...optionalEach(kinds), ...checkCommon }).meta({
  id: 'check',
  description: 'A health check: one kind, and when to run it.',
})
export type CheckFile = z.output<typeof check>

/** What a service, a real server or a defaults block may say about checks. */
export const checkUse = {
  check: z
    .union([text('the name of a check', 63), check], {
      error: coded('bad-check', 'expected the name of a check, or a check written in place'),
    })
    .optional()
    .describe('A name out of `checks`, a check written in place, or none.'),
  checks: listOnce(
    z.union([text('the name of a check', 63), check], {
      error: coded('bad-check', 'expected the name of a check, or a check written in place'),
    }),
  )
    .min(1, { error: coded('empty-list', 'expected at least one entry') })
    .optional()
    .describe('Several checks; see require.'),
  require: z
    .union(
      [
        z.literal('all', { error: coded('bad-require', 'expected all, any or a number') }),
        z.literal('any', { error: coded('bad-require', 'expected all, any or a number') }),
        whole(1, 100),
      ],
      {
        error: coded('bad-require', 'expected all, any or a number'),
      },
    )
    .optional()
    .describe('How many of the checks must pass. Default all.'),
}

function optionalEach<T extends Record<string, z.ZodType>>(shape: T): { [K in keyof T]: z.ZodOptional<T[K]> } {
  return Object.fromEntries(Object.entries(shape).map(([key, value]) => [key, value.optional()])) as {
    [K in keyof T]: z.ZodOptional<T[K]>
  }
}
