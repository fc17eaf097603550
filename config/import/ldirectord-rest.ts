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

/** Words that only a virtual has. */
export const ofVirtual = new Set(
  'real real6 service scheduler protocol request receive virtualhost login passwd database persistent ops httpmethod checkport'.split(
    ' ',
  ),
)

/** Words for everything that one virtual server may say otherwise, and the YAML has once. */
const once: Readonly<Record<string, readonly [meaning: string, instead: string]>> = {
  cleanstop: ['Whether this service leaves the table at the stop.', 'on_stop of the YAML holds for all services.'],
  emailalert: ['Another receiver of mail about this service.', 'Write an alert of its own: mail, for: service NAME.'],
  emailalertfrom: ['Another sender of mail about this service.', 'Write an alert of its own: mail, for: service NAME.'],
  emailalertfreq: ['Another pace of mail about this service.', 'Write an alert of its own: repeat, for: service NAME.'],
  smtp: ['Another mail server for this service.', 'Write an alert of its own: mail, for: service NAME.'],
}

function reportOwn(global: readonly Setting[], { settings }: Virtual, report: Report): void {
  for (const setting of settings) {
    const known = once[setting.key]
    const same = global.findLast(({ key }) => key === setting.key)?.value === setting.value
    if (known && !same) report(setting, 'lost', 'not-supported', known[0], known[1])
  }
}

export function reportRest(global: readonly Setting[], virtuals: readonly Virtual[], report: Report): void {
  for (const virtual of virtuals) reportOwn(global, virtual, report)
  for (const setting of global)
    if (ofVirtual.has(setting.key))
      report(
        setting,
        'trap',
        'unindented',
        'What belongs to a virtual is indented: ldirectord stops with an error here.',
        'Left out: indent the line and import again.',
      )
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
