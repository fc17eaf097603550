/** What the importers have to say about a statement of the original that was not carried over as it stands. */

/**
 * lost: something that keepalived (or ldirectord, ipvsadm) did is not in the written YAML: the import is partial.
 * trap: the original did not do what it seems to say; the YAML keeps what it did.
 * note: carried over, in another form or with something to know.
 */
export type Severity = 'lost' | 'trap' | 'note'

export type Finding = {
  readonly file: string
  readonly line: number
  /** The statement as it stands in the original, without comment. */
  readonly statement: string
  readonly severity: Severity
  /** Stable, listed in docs/migration.md. */
  readonly code: string
  /** What the statement does, or would have done, in the original system. */
  readonly meaning: string
  /** What to do instead, or what the YAML has in its place. */
  readonly instead: string
}

/** Where a statement stands. */
export type Place = { readonly file: string; readonly line: number; readonly statement: string }

/**
 * complete: everything was carried over; partial: something was lost (see the findings);
 * unreadable: nothing was recognised, there is no YAML.
 */
export type Status = 'complete' | 'partial' | 'unreadable'

export type ImportResult = {
  readonly yaml: string
  readonly findings: readonly Finding[]
  readonly status: Status
}

export type Report = (place: Place, severity: Severity, code: string, meaning: string, instead: string) => void

/** Collects findings; the same statement with the same code is reported once. */
export function collector(): { readonly report: Report; readonly findings: Finding[] } {
  const findings: Finding[] = []
  const seen = new Set<string>()
  const report: Report = (place, severity, code, meaning, instead) => {
    const { file, line, statement } = place
    const key = JSON.stringify([file, line, statement, code, meaning])
    if (seen.has(key)) return
    seen.add(key)
    findings.push({ file, line, statement, severity, code, meaning, instead })
  }
  return { report, findings }
}

/** `pair.conf:12: lost unknown-keyword: ...`, one finding per paragraph, for terminals. */
export function formatFinding(finding: Finding): string {
  const { file, line, statement, severity, code, meaning, instead } = finding
  return `${file}:${line}: ${severity} ${code}: ${statement}\n    ${meaning}\n    ${instead}`
}
