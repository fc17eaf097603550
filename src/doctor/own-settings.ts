import { join } from 'node:path'
import { readSysctl } from '../linux/sysctl.js'
import { sysctlJournal } from '../linux/sysctl-journal.js'
import type { Finding } from './finding.js'

/** A kernel setting that lvskeeper changed: what it was, what was set, what it is now (undefined: its interface is gone). */
export type OwnSetting = {
  readonly name: string
  readonly previous: string
  readonly value: string
  readonly now?: string
}

/** What the director in this run folder has changed, for virtual MACs and for IPVS, by its journals. Nothing where they cannot be read. */
export function readOwnSettings(run: string): OwnSetting[] {
  return ['sysctl.json', 'sysctls-ipvs.json'].flatMap(file =>
    sysctlJournal(join(run, file))
      .entries()
      .map(change => {
        const now = current(change.name)
        return now === undefined ? change : { ...change, now }
      }),
  )
}

/** All that is as lvskeeper set it in one note; what somebody has changed since is a warning each. */
export function ownSettingFindings(settings: readonly OwnSetting[]): Finding[] {
  const kept = settings.filter(({ now, value }) => now === value)
  const changed = settings.filter(({ now, value }) => now !== undefined && now !== value)
  const list = kept.map(({ name, value, previous }) => `${name}=${value} (was ${previous || 'not there'})`).join(', ')
  return [
    ...changed.map(
      ({ name, now, value }): Finding => ({
        level: 'warning',
        code: 'own-setting-changed',
        text: `${name} is ${now}: lvskeeper had set it to ${value}, which a virtual MAC or IPVS needs, and somebody has changed it since.`,
        fix: [`sysctl -w ${name}=${value}`],
      }),
    ),
    ...(kept.length === 0
      ? []
      : [
          {
            level: 'note',
            code: 'own-settings',
            text: `lvskeeper has set, until \`lvskeeper stop --clear\` at the latest: ${list}.`,
            fix: [],
          } satisfies Finding,
        ]),
  ]
}

function current(name: string): string | undefined {
  try {
    return readSysctl(name)
  } catch {
    return undefined
  }
}
