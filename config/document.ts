import { isMap, isScalar, LineCounter } from 'yaml'
import { convert } from './convert.js'
import type { Environment } from './environment.js'
import { type Finding, finding, type Place } from './finding.js'
import { locate } from './locate.js'
import { parseYaml } from './parse-yaml.js'
import { readParts } from './parts.js'
import { type Path, snippet } from './problem.js'

/** One file as read: its plain data, and where each value stands. */
export type SourceFile = {
  readonly file: string
  readonly data: Readonly<Record<string, unknown>>
  readonly place: (path: Path, at?: 'key' | 'value') => Place
}

export type Read = { readonly source: SourceFile; readonly findings: readonly Finding[] }

/** Text -> data with positions, or every reason why it is no single clean YAML mapping. Never throws on any text. */
export function readDocument(file: string, text: string, env: Environment): Read {
  const parts = readParts(text, env)
  if (parts === undefined) return readWhole(file, text, env)
  const lines = text.split('\n')
  return {
    source: {
      file,
      data: parts.data,
      place(path, at = 'value') {
        const { line, col, width } = parts.place(path, at)
        return { file, line, col, snippet: snippet(lines[line - 1] ?? '', col, width) }
      },
    },
    findings: [],
  }
}

function readWhole(file: string, text: string, env: Environment): Read {
  const findings: Finding[] = []
  const counter = new LineCounter()
  const lines = text.split('\n')

  function at(start: number, end: number): Place {
    const { line, col } = counter.linePos(Math.min(start, text.length))
    return placeAt(line, col, Math.max(1, end - start))
  }
  function placeAt(line: number, col: number, width: number): Place {
    const [row, column] = line < 1 ? [1, 1] : [line, Math.max(1, col)]
    return { file, line: row, col: column, snippet: snippet(lines[row - 1] ?? '', column, width) }
  }
  const top = placeAt(1, 1, 1)
  const empty: SourceFile = { file, data: {}, place: () => top }

  if (text.startsWith('\uFEFF'))
    return {
      source: empty,
      findings: [finding('yaml-bom', top, 'the file starts with a byte order mark', 'save it as UTF-8 without BOM')],
    }
  if (text.includes('\0') || text.includes('\uFFFD'))
    return { source: empty, findings: [finding('yaml-encoding', top, 'the file is no UTF-8 text', 'save it as UTF-8')] }

  const document = parseYaml(text, counter)
  if (document === undefined)
    return { source: empty, findings: [finding('yaml-too-deep', top, 'the file is nested too deeply')] }
  if (document.errors.some(({ message }) => /call stack/i.test(message)))
    return { source: empty, findings: [finding('yaml-too-deep', top, 'the file is nested too deeply')] }
  // One slip often brings down the lines below it: the first few say enough.
  for (const error of document.errors.slice(0, 5)) {
    const [code, message, suggestion] = explain(error.code, error.message)
    findings.push(finding(code, at(error.pos[0], error.pos[1]), message, suggestion))
  }
  if (findings.length > 0) return { source: empty, findings }
  for (const warning of document.warnings)
    findings.push(finding('yaml-syntax', at(warning.pos[0], warning.pos[1]), firstLine(warning.message)))

  const root = document.contents
  if (root === null || (isScalar(root) && root.value === null))
    return {
      source: empty,
      findings: [finding('yaml-empty', top, 'the file is empty', 'docs/configuration.md starts with the smallest one')],
    }
  if (!isMap(root))
    return {
      source: empty,
      findings: [finding('yaml-root', top, 'expected a mapping such as `directors: ...` at the top')],
    }

  const data = convert(document, root, env, (code, node, message, suggestion) => {
    const [start, end] = node?.range ?? [0, 1]
    findings.push(finding(code, at(start, end), message, suggestion))
  })
  return {
    source: {
      file,
      data,
      place: (path, where = 'value') => {
        const [start, end] = locate(document, root, path, where)
        return at(start, end)
      },
    },
    findings,
  }
}

function explain(code: string, message: string): [code: string, message: string, suggestion?: string] {
  switch (code) {
    case 'TAB_AS_INDENT':
      return ['yaml-tab', 'tab in the indentation', 'indent with blanks']
    case 'MULTIPLE_DOCS':
      return [
        'yaml-documents',
        'a second document starts here',
        'one file holds one document: remove the ---, or use include',
      ]
    case 'BAD_ALIAS':
      return ['yaml-alias', firstLine(message)]
    default:
      if (/\t/.test(message) || /\btabs?\b/i.test(message))
        return ['yaml-tab', 'tab in the indentation', 'indent with blanks']
      return ['yaml-syntax', firstLine(message)]
  }
}

function firstLine(message: string): string {
  const line = message.split('\n')[0] ?? message
  return line.charAt(0).toLowerCase() + line.slice(1)
}
