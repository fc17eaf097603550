import type { AlertConfig, Batch, Transport } from './alert.js'
import { gravest, headline, lines } from './text.js'
import { secret, webhook } from './webhook.js'

const colours = { info: '#808080', notice: '#2e86de', warning: '#e1a100', alarm: '#d63031' }

/** Slack's incoming webhook, which Mattermost and Rocket.Chat take as well. The URL is a secret: keep it in a file. */
export function slack(config: NonNullable<AlertConfig['slack']>): Transport {
  return async (batch, signal) => {
    const url = config.urlFile ? await secret(config.urlFile) : config.url
    if (url === undefined) return { ok: false, reason: 'slack has neither url nor url_file' }
    return webhook({ url }, slackMessage)(batch, signal)
  }
}

/** `text` for notifications and old clients, an attachment for the colour and the lines. */
export function slackMessage(batch: Batch) {
  const worst = gravest(batch.alerts)
  const color = worst.phase === 'resolve' ? '#00a65a' : colours[worst.event.level]
  return { text: plain(headline(batch)), attachments: [{ color, text: plain(lines(batch)) }] }
}

/** The three characters that Slack's markup gives a meaning. */
function plain(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
