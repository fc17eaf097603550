import type { Place, Report } from './finding.js'
import type { Source } from './yaml-writer.js'

/** One `key = value` line. */
export type Setting = Place & Source & { readonly key: string; readonly value: string }

/** `virtual=` with the indented lines below it. */
export type Virtual = { readonly head: Setting; readonly settings: readonly Setting[] }

export type Parsed = {
  readonly global: readonly Setting[]
  readonly virtuals: readonly Virtual[]
  readonly last: readonly string[]
}

/** ldirectord.cf: lines of `key = value`; what is indented belongs to the `virtual` above; `#` begins a comment line. */
export function parseLdirectord(text: string, file: string, report: Report): Parsed {
  const global: Setting[] = []
  const virtuals: { head: Setting; settings: Setting[] }[] = []
  let before: string[] = []
  text.split('\n').forEach((raw, index) => {
    const line = raw.replace(/\r$/, '')
    const statement = line.trim()
    if (statement === '') return
    if (statement.startsWith('#')) {
      before.push(statement.slice(1))
      return
    }
    // A comment behind a value begins with a blank and #.
    const [, body = '', after] = /^(.*?)(?:\s+#(.*))?$/.exec(statement) ?? []
    const [, key, value = ''] = /^([A-Za-z0-9_]+)\s*=\s*(.*)$/.exec(body.trim()) ?? []
    const place = { file, line: index + 1, statement: body.trim() }
    if (key === undefined) {
      report(place, 'trap', 'no-setting', 'ldirectord stops at a line that is no `key = value`.', 'Left out.')
      return
    }
    const setting: Setting = {
      ...place,
      key: key.toLowerCase(),
      value: value.trim(),
      before,
      ...(after === undefined ? {} : { after }),
    }
    before = []
    if (/^virtual6?$/.test(setting.key)) virtuals.push({ head: setting, settings: [] })
    else if (/^\s/.test(line)) {
      const current = virtuals.at(-1)
      if (current) current.settings.push(setting)
      else
        report(
          place,
          'trap',
          'no-virtual',
          'An indented line belongs to a `virtual`, and none stands above.',
          'Left out.',
        )
    } else global.push(setting)
  })
  return { global, virtuals, last: before }
}

/** ldirectord.cf takes names of /etc/services for ports. */
export const servicePorts: Readonly<Record<string, number>> = {
  ...{
    ftp: 21,
    ssh: 22,
    telnet: 23,
    smtp: 25,
    domain: 53,
    http: 80,
    www: 80,
    pop3: 110,
    nntp: 119,
    imap: 143,
    imap2: 143,
  },
  ...{
    ldap: 389,
    https: 443,
    submission: 587,
    ldaps: 636,
    imaps: 993,
    pop3s: 995,
    oracle: 1521,
    radius: 1812,
    webcache: 8080,
  },
  ...{ mysql: 3306, postgresql: 5432, sip: 5060 },
}

/** The kind of service that a port stands for (ldirectord(8), `service`). */
export const serviceOfPort: Readonly<Record<number, string>> = {
  ...{ 21: 'ftp', 25: 'smtp', 53: 'dns', 80: 'http', 110: 'pop', 119: 'nntp', 143: 'imap', 389: 'ldap', 443: 'https' },
  ...{ 587: 'submission', 636: 'ldaps', 993: 'imaps', 995: 'pops', 1521: 'oracle', 1812: 'radius', 3128: 'http_proxy' },
  ...{ 3306: 'mysql', 5432: 'pgsql', 5060: 'sip' },
}
