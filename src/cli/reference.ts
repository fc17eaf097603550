import { exit } from './command.js'
import { commands } from './commands.js'

const meanings: Readonly<Record<keyof typeof exit, string>> = {
  ok: 'done; `plan`: nothing would change; `status --check`, `doctor`: all is well',
  failed: 'refused or failed, the reason is on standard error; `doctor`, `check --host`, `realserver verify`: problems',
  changes: '`plan`: there are changes; `import`: partial; `status --check`: a warning or an alarm',
  usage: 'the command line is wrong',
  unavailable:
    'the director does not run, ended while it was asked, or runs without its control process (VIPs, checks and table go on); `table`, `plan --ipvsadm`: this kernel has no IPVS',
  permission: 'the control socket may not be used by this user',
  config: 'the configuration is not valid',
}

/** docs/commands.md, made from the table of commands; a test holds the file equal. */
export function reference(): string {
  const rows = commands.map(({ name, summary }) => `| [\`${name}\`](#${name}) | ${cell(summary)} |`)
  const codes = Object.entries(exit).map(([name, code]) => `| ${code} | ${cell(meanings[name as keyof typeof exit])} |`)
  const sections = commands.flatMap(({ name, args, summary, options = [], examples }) => [
    `### ${name}`,
    '',
    `\`lvskeeper ${[name, options.length > 0 ? '[options]' : '', args ?? ''].filter(Boolean).join(' ')}\``,
    '',
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    '',
    ...(options.length === 0
      ? []
      : [
          '| option | means |',
          '|---|---|',
          ...options.map(option => {
            const otherwise = option.default === undefined ? '' : ` (default: ${option.default})`
            return `| \`${cell(option.flags)}\` | ${cell(option.text)}${otherwise} |`
          }),
          '',
        ]),
    '```',
    ...examples,
    '```',
    '',
  ])
  return [
    '# Commands',
    '',
    'Made from the table in `src/cli/commands.ts`, as `lvskeeper --help`, the manual page and the shell completions are.',
    'Commands that ask or change the running director speak to its sockets in `/run/lvskeeper`; `LVSKEEPER_RUN_DIR`,',
    '`LVSKEEPER_STATE_DIR`, `LVSKEEPER_CONFIG` and `LVSKEEPER_NODE` stand in for the options of that name.',
    '',
    '| command | does |',
    '|---|---|',
    ...rows,
    '',
    '## Exit codes',
    '',
    '| code | means |',
    '|---|---|',
    ...codes,
    '',
    '`status --nagios` has those of a plug-in instead: 0 OK, 1 warning, 2 critical, 3 unknown. A closed pipe',
    '(`lvskeeper events | head`) is no failure: 0.',
    '',
    'A change that holds, but will not outlive a restart because the disk did not take it, is done (0); standard error says',
    '`warning: it holds now, but a restart would ...` and why, `--json` has it in `warnings`.',
    '',
    '## Each command',
    '',
    ...sections,
  ].join('\n')
}

/** A bar would begin the next cell of the table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
