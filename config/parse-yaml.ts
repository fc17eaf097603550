import { type Document, type LineCounter, parseDocument } from 'yaml'

/** The tree of a YAML text with all that is wrong in it; undefined: nested too deeply. */
export function parseYaml(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    return parseDocument(text, {
      lineCounter,
      uniqueKeys: false,
      prettyErrors: false,
      version: '1.2',
      merge: true,
      stringKeys: false,
    })
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
