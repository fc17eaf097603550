/** Exit codes of every command; documented in docs/commands.md, never renumbered. sysexits(3) where it has the word. */
export const exit = {
  ok: 0,
  /** It was refused or failed; the reason stands on standard error. */
  failed: 1,
  /** `plan`: there are changes. `import`: partial. `status --check`: something is not normal. */
  changes: 2,
  usage: 64,
  /** The director does not run, or may not be spoken to (EX_UNAVAILABLE). */
  unavailable: 69,
  permission: 77,
  /** The configuration is not valid (EX_CONFIG). */
  config: 78,
} as const

export type Options = Readonly<Record<string, string | boolean | undefined>>

/** What a command works with. `args` in the order of its usage line. */
export type Call = {
  readonly args: readonly (string | undefined)[]
  readonly options: Options
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

export type Run = (call: Call) => Promise<number>

export type Option = { readonly flags: string; readonly text: string; readonly default?: string }

/** One row of the table that drives parser, help, completion and manual page. */
export type Command = {
  readonly name: string
  /** commander's notation: `<file>` required, `[file]` optional, `[words...]` several. */
  readonly args?: string
  readonly summary: string
  readonly options?: readonly Option[]
  readonly examples: readonly string[]
  readonly load: () => Promise<Run>
}

/** Reads a string option; undefined when it was not given. */
export function text(options: Options, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** An option as a part of a request; nothing where it was not given. */
export function given(options: Options, name: string): Readonly<Record<string, string>> {
  const value = text(options, name)
  return value === undefined ? {} : { [name]: value }
}
