import { version } from '../version.js'
import { exit, type Run } from './command.js'
import { commands } from './commands.js'

/** Prints the manual page (man-pages(7) roff), made from the table of commands; or what it is made of. */
export const manual: Run = async ({ options, out }) => {
  out(options['json'] ? `${JSON.stringify({ version, commands, exitCodes: statuses })}\n` : page())
  return exit.ok
}

/** The whole page as roff. */
export function page(): string {
  const lines = [
    `.TH LVSKEEPER 8 "" "lvskeeper ${version}" "System Administration"`,
    '.SH NAME',
    'lvskeeper \\- high-availability controller for Linux Virtual Server',
    '.SH SYNOPSIS',
    '.B lvskeeper',
    '.I command',
    '[options]',
    '.SH DESCRIPTION',
    'lvskeeper runs on each of two or more directors. A VRRP state machine decides which director owns the virtual addresses, checkers probe every real server, and a table manager keeps the kernel IPVS table equal to what the checks and the operator want. All directors read the same file.',
    '.SH COMMANDS',
  ]
  for (const { name, args, summary, options = [], examples } of commands) {
    lines.push('.TP', `.B ${roff([name, args].filter(Boolean).join(' '))}`, roff(summary))
    for (const option of options) lines.push('.RS', '.TP', `.B ${roff(option.flags)}`, roff(option.text), '.RE')
    lines.push('.RS', '.nf', ...examples.map(roff), '.fi', '.RE')
  }
  lines.push(
    '.SH EXIT STATUS',
    ...Object.entries(statuses).flatMap(([code, text]) => ['.TP', `.B ${code}`, text]),
    '.SH FILES',
    ...files.flatMap(([path, text]) => ['.TP', `.I ${path}`, text]),
    '.SH SEE ALSO',
    'ipvsadm(8), keepalived(8), ip\\-address(8)',
  )
  return `${lines.join('\n')}\n`
}

const statuses: Readonly<Record<string, string>> = {
  [exit.ok]: 'done',
  [exit.failed]: 'refused or failed; the reason is on standard error',
  [exit.changes]: 'plan: there are changes; import: partial; status --check: a warning or an alarm',
  [exit.usage]: 'the command line is wrong',
  [exit.unavailable]:
    'the director does not run, ended while it was asked, or runs without its control process; no IPVS in this kernel',
  [exit.permission]: 'the control socket may not be used by this user',
  [exit.config]: 'the configuration is not valid',
}

const files: readonly (readonly [string, string])[] = [
  ['/etc/lvskeeper/lvskeeper.yaml', 'the configuration, the same on every director'],
  ['/run/lvskeeper/control.sock', 'control socket, for root and the group lvskeeper'],
  ['/run/lvskeeper/status.sock', 'read-only socket, for everyone'],
  ['/var/lib/lvskeeper/', 'events, alert queue, overrides, ownership journal'],
]

/** A dash is a hyphen to roff, a leading dot or quote a request. */
function roff(text: string): string {
  return text
    .replace(/\\/g, '\\e')
    .replace(/-/g, '\\-')
    .replace(/^([.'])/, '\\&$1')
}
