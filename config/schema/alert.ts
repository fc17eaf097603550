/** Who is told about events. */
import { z } from 'zod'
import { coded, duration, filePath, flag, list, mapping, oneOrMoreOnce, port, text, whole, word } from './values.js'

const url = () =>
  z
    .string({ error: coded('bad-url', 'expected a URL that starts with http:// or https://') })
    .refine(value => /^https?:\/\/[^\s/]/.test(value) && URL.canParse(value), {
      error: coded('bad-url', 'expected a URL that starts with http:// or https://'),
    })
    .meta({ examples: ['https://alerts.example/hook'] })

const headers = () =>
  z.record(
    z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: coded('bad-name', 'expected the name of a header') }),
    text('the value of a header').regex(/^[^\r\n\0]*$/, {
      error: coded('bad-text', 'expected text without line ends'),
    }),
    { error: coded('bad-mapping', 'expected a mapping of names') },
  )

const mailAddress = () =>
  text('a mail address').regex(/^[^\s@]+@[^\s@]+$/, {
    error: coded('bad-mail', 'expected a mail address such as ops@example.org'),
  })

const http = {
  url: url().describe('Where it is sent.'),
  headers: headers().optional().describe('Further headers.'),
  bearer_file: filePath().optional().describe('File with a token for Authorization: Bearer.'),
  ca_file: filePath().optional().describe("Authority that signed the receiver's certificate, PEM."),
  timeout: duration().optional().describe('Default 10s.'),
}

const channels = {
  webhook: mapping({
    ...http,
    secret_file: filePath().optional().describe('Signs the body: header X-Lvskeeper-Signature.'),
  }).describe('POST to a URL, as JSON.'),
  mail: mapping({
    to: oneOrMoreOnce(mailAddress()).describe('Receivers.'),
    from: mailAddress().describe('Sender.'),
    host: text('a host name').describe('SMTP server.'),
    port: port().optional().describe('Default 25; 465 speaks TLS from the start.'),
    tls: word(['starttls', 'tls', 'opportunistic', 'none'])
      .optional()
      .describe('starttls (default): refused without it. tls: from the start.'),
    ca_file: filePath().optional().describe("Authority that signed the server's certificate, PEM."),
    user: text('a user').optional().describe('Logs in there.'),
    password_file: filePath().optional().describe('File with the password.'),
    timeout: duration().optional().describe('Default 30s.'),
  }).describe('Mail through an SMTP server.'),
  exec: mapping({
    argv: list(text('an argument'))
      .min(1, { error: coded('empty-list', 'expected at least one entry') })
      .describe('Program and arguments, no shell. The event is JSON on its standard input.'),
    timeout: duration().optional().describe('Default 10s.'),
    retry: flag().optional().describe('Runs it again when it fails. Default true.'),
  }).describe('A program of your own.'),
  slack: mapping({
    url: url().optional().describe('Better: url_file.'),
    url_file: filePath().optional().describe('File that holds the URL: it is a secret.'),
  }).describe('Incoming webhook of Slack (or Mattermost).'),
  pagerduty: mapping({
    key_file: filePath().describe('File with the routing key.'),
    url: url().optional().describe('Default: that of PagerDuty.'),
  }).describe('Events API v2.'),
  alertmanager: mapping(http).describe('Alertmanager, API v2.'),
}

export const channelNames = Object.keys(channels) as (keyof typeof channels)[]

export const alert = mapping({
  name: text('a name', 63).optional().describe('In status, events and on disk. Default: kind and position.'),
  webhook: channels.webhook.optional(),
  mail: channels.mail.optional(),
  exec: channels.exec.optional(),
  slack: channels.slack.optional(),
  pagerduty: channels.pagerduty.optional(),
  alertmanager: channels.alertmanager.optional(),
  events: oneOrMoreOnce(
    text('the name of an event').regex(/^[a-z_-]+(\.[a-z_-]+)*(\.\*)?$/, {
      error: coded('bad-event', 'expected the name of an event such as server.down, or a family: vrrp.*'),
    }),
  )
    .optional()
    .describe('Only these: server.down, vrrp.*. Default: all of at least level.'),
  level: word(['info', 'notice', 'warning', 'alarm'])
    .optional()
    .describe('This and worse. Default notice, or every level where events are named.'),
  for: oneOrMoreOnce(
    text('what it is about').regex(/^(router|service|server|director) \S+$/, {
      error: coded(
        'bad-subject',
        'expected router NAME, service NAME, server SERVICE/ADDRESS[:PORT] or director NAME; * stands for anything',
      ),
    }),
  )
    .optional()
    .describe(
      'Only events about these: router web, service web (and its real servers), server web/10.9.0.21, "server */10.9.0.21".',
    ),
  to: oneOrMoreOnce(word(['master', 'backup', 'fault']))
    .optional()
    .describe('Only virtual routers that enter one of these states.'),
  directors: oneOrMoreOnce(text('the name of a director'))
    .optional()
    .describe('Only these directors send. Default: each sends what it sees.'),
  send_resolved: flag()
    .optional()
    .describe('Whether the end of what was told is told, whatever the filters say. Default true.'),
  only_master: flag().optional().describe('Only a director that is master of a virtual router sends. Default false.'),
  group: duration({ min: 0 })
    .optional()
    .describe('At most one message in this time; the rest goes out together. Default 0s; mail 30s.'),
  repeat: duration({ min: 0 }).optional().describe('Again while it lasts, this often. Default 0s: never.'),
  limit: mapping({
    messages: whole(1, 100_000).describe('So many.'),
    per: duration({ min: 1000 }).describe('In this time.'),
  })
    .optional()
    .describe('At most so many messages in this time. Default 60 in 1m.'),
  keep: duration({ min: 1000 })
    .optional()
    .describe('Gives up on an alert that could not be delivered for this long. Default 24h.'),
}).meta({ id: 'alert', description: 'One receiver of events: one channel, and what it wants to hear.' })
export type AlertFile = z.output<typeof alert>
