import type { Report } from './finding.js'
import type { Setting, Virtual } from './ldirectord-parse.js'

/** Words that change nothing in the YAML. */
const quiet: Readonly<Record<string, string>> = {
  autoreload: 'Read again when the file changes: `lvskeeper reload` validates first.',
  logfile: 'lvskeeper logs to the journal.',
  supervised: 'systemd supervises lvskeeper.',
  fork: 'Checks run side by side.',
  comment: 'Text for mails.',
  readdquiescent: 'Drift is always repaired.',
  emailalertstatus: 'See `events` and `level` of the alert.',
}

export const used = new Set(
  'checktype service checkcommand checkport request receive httpmethod virtualhost login passwd database checkinterval checktimeout negotiatetimeout failurecount scheduler persistent netmask ops protocol quiescent fallback fallback6 real real6 cleanstop emailalert emailalertfrom emailalertfreq smtp'.split(
    ' ',
  ),
)

const lostWords: Readonly<Record<string, readonly [meaning: string, instead: string]>> = {
  callback: [
    'A program that copies the file to the other director.',
    'lvskeeper compares the files of both directors and says when they differ.',
  ],
  execute: ['Another ldirectord is started for another file.', 'Use include: in one file.'],
  fallbackcommand: [
    'A program that runs when the sorry server begins and ends.',
    'Write an alert with exec and events: [service.down, service.up].',
  ],
  maintenancedir: [
    'A file named as a real server takes it out.',
    'Use `lvskeeper maint`, or a check: file: { path: /etc/lvs/maint/{address}, exists: false }.',
  ],
  monitorfile: ['A log of its own for one service.', 'Use `lvskeeper events` with a subject.'],
  load: ['A program that asks for the load.', 'Use an agent check.'],
  secret: ['Secret of a RADIUS check.', 'Write the check as exec.'],
  checkcount: ['Attempts of a ping.', 'Use `count` of the icmp check.'],
}

export function reportRest(global: readonly Setting[], virtuals: readonly Virtual[], report: Report): void {
  for (const setting of [...global, ...virtuals.flatMap(({ settings }) => settings)]) {
    if (used.has(setting.key)) continue
    const known = lostWords[setting.key]
    const harmless = quiet[setting.key]
    if (harmless !== undefined) report(setting, 'note', 'not-needed', `${setting.key} has no counterpart.`, harmless)
    else if (known) report(setting, 'lost', 'not-supported', known[0], known[1])
    else if (setting.key !== 'servicename')
      report(
        setting,
        'trap',
        'unknown-word',
        'ldirectord does not know this word and stops with an error.',
        'Left out.',
      )
  }
}
