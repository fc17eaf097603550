/** What a look at a host found. `problem`: it will not work. `warning`: it will hurt some day. `note`: worth knowing. */
export type Level = 'problem' | 'warning' | 'note'

export type Finding = {
  readonly level: Level
  /** Stable; listed in docs. */
  readonly code: string
  /** One or two sentences: what is so, and what comes of it. */
  readonly text: string
  /** Exact commands, in order, that mend it on this host. Empty: it is mended elsewhere, as the text says. */
  readonly fix: readonly string[]
}

export type Report = {
  readonly findings: readonly Finding[]
  readonly problems: number
  readonly warnings: number
}

const rank: Readonly<Record<Level, number>> = { problem: 0, warning: 1, note: 2 }

/** The worst first, in the order found otherwise. */
export function toReport(findings: readonly Finding[]): Report {
  return {
    findings: [...findings].sort((a, b) => rank[a.level] - rank[b.level]),
    problems: findings.filter(({ level }) => level === 'problem').length,
    warnings: findings.filter(({ level }) => level === 'warning').length,
  }
}

/** For terminals: the finding, then what to type. */
export function formatReport({ findings, problems, warnings }: Report): string {
  const lines = findings.flatMap(({ level, code, text, fix }) => [
    `${level}: ${text} [${code}]`,
    ...fix.map(command => `    ${command}`),
  ])
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`
  lines.push(`${count(problems, 'problem')}, ${count(warnings, 'warning')}`)
  return `${lines.join('\n')}\n`
}
