import { exit, type Run } from './command.js'
import { commands } from './commands.js'

/** Prints a completion script; words come from the table of commands. */
export const completion: Run = async ({ args: [shell], options, out, err }) => {
  const script = shell === undefined ? undefined : scripts[shell]
  if (!script) {
    err(`completion: unknown shell '${shell ?? ''}' (known: ${Object.keys(scripts).join(', ')})\n`)
    return exit.usage
  }
  out(options['json'] ? `${JSON.stringify({ shell, script: script() })}\n` : script())
  return exit.ok
}

const names = commands.map(command => command.name)

/** The long flags of a command: `--json`, not their arguments. */
function flags(command: (typeof commands)[number]): string[] {
  return [...(command.options ?? []).flatMap(option => option.flags.match(/--[a-z-]+/g) ?? []), '--help']
}

const scripts: Readonly<Record<string, () => string>> = {
  bash: () => `_lvskeeper() {
  local word=\${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" = 1 ]; then COMPREPLY=($(compgen -W "${names.join(' ')}" -- "$word")); return; fi
  case \${COMP_WORDS[1]} in
${commands.map(command => `    ${command.name}) COMPREPLY=($(compgen -W "${flags(command).join(' ')}" -- "$word"));;`).join('\n')}
  esac
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}
complete -F _lvskeeper lvskeeper
`,
  zsh: () => `#compdef lvskeeper
_lvskeeper() {
  if (( CURRENT == 2 )); then
    local -a names=(${commands.map(({ name, summary }) => quote(`${name}:${summary}`)).join(' ')})
    _describe command names
    return
  fi
  case $words[2] in
${commands.map(command => `    ${command.name}) compadd -- ${flags(command).join(' ')}; _files;;`).join('\n')}
  esac
}
_lvskeeper "$@"
`,
  fish: () =>
    [
      ...commands.map(
        ({ name, summary }) => `complete -c lvskeeper -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
      ),
      ...commands.flatMap(command =>
        flags(command).map(
          flag => `complete -c lvskeeper -n '__fish_seen_subcommand_from ${command.name}' -l ${flag.slice(2)}`,
        ),
      ),
      '',
    ].join('\n'),
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
