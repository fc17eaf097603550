/** The two ways in which keepalived cuts a line into words. */

/** What is left of a line without its comment, and the comment. */
export type Decommented = { readonly text: string; readonly comment?: string; readonly oddQuotes: boolean }

/**
 * Takes the comment off: `#` or `!` anywhere outside double quotes, also glued to a word. Outside quotes `\#` and `\!`
 * stand for the character itself. Single quotes protect nothing here.
 */
export function decomment(line: string): Decommented {
  let text = ''
  let quoted = false
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i)
    const next = line.charAt(i + 1)
    if (char === '"') quoted = !quoted
    else if (!quoted && char === '\\' && (next === '#' || next === '!')) {
      text += next
      i++
      continue
    } else if (!quoted && (char === '#' || char === '!')) {
      return { text: text.trim(), comment: line.slice(i + 1), oddQuotes: false }
    }
    text += char
  }
  return { text: text.trim(), oddQuotes: quoted }
}

/** Blank separated words; `"` starts a quoted word and ends a bare one (`ab"c d"` are two); there are no escapes. */
export function splitWords(text: string): string[] {
  const words: string[] = []
  let i = 0
  while (i < text.length) {
    const char = text.charAt(i)
    if (isBlank(char)) {
      i++
    } else if (char === '"') {
      const end = text.indexOf('"', i + 1)
      words.push(text.slice(i + 1, end < 0 ? text.length : end))
      i = end < 0 ? text.length : end + 1
    } else {
      let end = i
      while (end < text.length && !isBlank(text.charAt(end)) && text.charAt(end) !== '"') end++
      words.push(text.slice(i, end))
      i = end
    }
  }
  return words
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** Script-like lines: `'` and `"` protect blanks, adjacent pieces join into one word, `\` escapes outside `'`. */
export function splitCommand(text: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i)
    if (char === '\\' && i + 1 < text.length) {
      const { value, length } = escaped(text, i + 1)
      word = (word ?? '') + value
      i += length
    } else if (quote === char) quote = ''
    else if (quote === '' && (char === '"' || char === "'")) {
      quote = char
      word ??= ''
    } else if (quote === '' && isBlank(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + char
  }
  if (word !== undefined) words.push(word)
  return words
}

function escaped(text: string, at: number): { value: string; length: number } {
  const octal = /^[0-7]{1,3}/.exec(text.slice(at, at + 3))?.[0]
  if (octal) return { value: String.fromCharCode(Number.parseInt(octal, 8) & 0xff), length: octal.length }
  const char = text.charAt(at)
  const hex = char === 'x' ? /^[0-9a-fA-F]{1,2}/.exec(text.slice(at + 1, at + 3))?.[0] : undefined
  if (hex) return { value: String.fromCharCode(Number.parseInt(hex, 16)), length: 1 + hex.length }
  if (char === 'c' && at + 1 < text.length)
    return { value: String.fromCharCode(text.charCodeAt(at + 1) & 0x1f), length: 2 }
  return { value: escapes[char] ?? char, length: 1 }
}

function isBlank(char: string): boolean {
  return char === ' ' || char === '\t'
}

/** Cuts at `{` and `}` outside double quotes: each brace becomes a piece of its own. */
export function splitBraces(text: string): string[] {
  const pieces: string[] = []
  let quoted = false
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i)
    if (char === '"') quoted = !quoted
    else if (!quoted && (char === '{' || char === '}')) {
      pieces.push(text.slice(from, i).trim(), char)
      from = i + 1
    }
  }
  pieces.push(text.slice(from).trim())
  return pieces.filter(piece => piece !== '')
}
