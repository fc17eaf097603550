/** `$NAME=value`, `${NAME}`, the built-in names, `~SEQ`, `~LST` and `@id` of keepalived's parser. */

export type Builtins = {
  /** Folder of the file that is being read: `${_PWD}`. */
  readonly folder: string
  /** The configuration id (`keepalived -i`), by default the first label of the host name: `@id`, `${_INSTANCE}`. */
  readonly id: string
  readonly env: Readonly<Record<string, string | undefined>>
}

// Stand-ins for the characters that must not start a comment when the line is read again.
const hash = '\uE000'
const bang = '\uE001'

/** Gives `${_HASH}` and `${_BANG}` their characters back, once no comment can start any more. */
export function restoreLiterals(text: string): string {
  return text.replaceAll(hash, '#').replaceAll(bang, '!')
}

/** `$NAME=value` with nothing before `$` and no blank before `=`. */
export function parseDefinition(text: string): { name: string; value: string } | undefined {
  const [, name, value] = /^\$([A-Za-z0-9_]+)=(.*)$/s.exec(text) ?? []
  return name === undefined || value === undefined ? undefined : { name, value }
}

/** What a condition leaves of a line: undefined when the line is for another configuration id. */
export function applyConditions(text: string, id: string): string | undefined {
  let rest = text
  for (;;) {
    const [, not, word, tail = ''] = /^@(\^?)(\S+)(?:\s+(.*))?$/s.exec(rest) ?? []
    if (word === undefined) return rest
    if ((word === id) === (not === '^')) return undefined
    rest = tail
  }
}

/** The ids that conditions of a text name, in order of appearance. */
export function conditionIds(text: string): string[] {
  return [...new Set([...text.matchAll(/^[ \t]*@\^?([A-Za-z0-9_.-]+)[ \t]/gm)].map(match => match[1] ?? ''))]
}

/** Replaces the first defined `$NAME` or `${NAME}`; undefined when there is none. Undefined names stay as they are. */
export function replaceFirst(
  text: string,
  definitions: ReadonlyMap<string, string>,
  builtins: Builtins,
): { text: string; random: boolean } | undefined {
  for (const match of text.matchAll(/\$(?:\{([^{}]*)\}|([A-Za-z0-9_]+)(?=[\s,)]|$))/g)) {
    const name = match[1] ?? match[2] ?? ''
    const value = definitions.get(name) ?? builtin(name, builtins)
    if (value === undefined) continue
    const end = match.index + match[0].length
    return { text: text.slice(0, match.index) + value + text.slice(end), random: name.startsWith('_RANDOM') }
  }
  return undefined
}

function builtin(name: string, { folder, id, env }: Builtins): string | undefined {
  if (name === '_PWD') return folder
  if (name === '_INSTANCE') return id
  if (name === '_HASH') return hash
  if (name === '_BANG') return bang
  const variable = /^_ENV\s+(\w+)$/.exec(name)?.[1]
  if (variable !== undefined) return env[variable] ?? ''
  const random = /^_RANDOM(?:\s+(\d+))?(?:\s+\d+)?$/.exec(name)
  // Another number at every start of keepalived: the smallest one stands for all of them and is reported.
  return random ? (random[1] ?? '0') : undefined
}

export type Repetition = { readonly bindings: readonly ReadonlyMap<string, string>[]; readonly rest: string }

/** `~SEQ(var[, start[, step]], end) text` and `~LST(var, a, b) text`; a reason when it is malformed or too long. */
export function parseRepetition(text: string, most: number): Repetition | { error: string } | undefined {
  if (!/^~(SEQx?|LST)/.test(text)) return undefined
  const [, kind, list = '', rest = ''] = /^~(SEQx?|LST)\(([^()]*)\)\s*(.*)$/s.exec(text) ?? []
  if (kind === undefined) return { error: 'the parentheses of this block are not closed' }
  const values = kind === 'LST' ? lists(list) : sequence(list, kind === 'SEQx', most)
  return 'error' in values ? values : { bindings: values, rest }
}

function sequence(list: string, hex: boolean, most: number): ReadonlyMap<string, string>[] | { error: string } {
  const [name = '', ...numbers] = list.split(',').map(word => word.trim())
  const parsed = numbers.map(word => (/^[+-]?(0[xX][0-9a-fA-F]+|\d+)$/.test(word) ? signed(word) : Number.NaN))
  if (!/^\w+$/.test(name) || parsed.length < 1 || parsed.length > 3 || parsed.some(Number.isNaN))
    return { error: 'expected ~SEQ(variable, start, step, end)' }
  const end = parsed.at(-1) ?? 0
  const start = parsed.length > 1 ? (parsed[0] ?? 0) : end < 0 ? -1 : 1
  const step = parsed.length > 2 ? (parsed[1] ?? 0) : end < start ? -1 : 1
  if (step === 0 || (end - start) / step < 0) return { error: 'the end of this sequence is never reached' }
  if ((end - start) / step >= most) return { error: `this sequence has more than ${most} steps` }
  const values: ReadonlyMap<string, string>[] = []
  for (let n = start; step > 0 ? n <= end : n >= end; n += step)
    values.push(new Map([[name, hex ? `${n < 0 ? '-' : ''}${Math.abs(n).toString(16)}` : String(n)]]))
  return values
}

function signed(word: string): number {
  return word.startsWith('-') ? -Number(word.slice(1)) : Number(word.replace('+', ''))
}

function lists(list: string): ReadonlyMap<string, string>[] | { error: string } {
  const items = [...list.matchAll(/\{([^{}]*)\}|([^,{}]+)/g)]
    .map(match => (match[1] ?? match[2] ?? '').trim())
    .map(item => item.split(',').map(word => word.trim()))
    .filter(words => words.length > 1 || words[0] !== '')
  const [names, ...rows] = items
  if (!names || names.some(name => !/^\w+$/.test(name)) || rows.length === 0)
    return { error: 'expected ~LST(variable, value, value ...)' }
  if (rows.some(row => row.length !== names.length))
    return { error: 'each group of values needs as many values as there are variables' }
  return rows.map(row => new Map(names.map((name, index) => [name, row[index] ?? ''])))
}
