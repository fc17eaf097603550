import { parse } from 'yaml'

/** The value of a YAML text that is no configuration (a list of real servers). Throws what is wrong, with line and column. */
export function plainYaml(text: string): unknown {
  // Few aliases: a short text must not grow into a large value.
  return parse(text, { maxAliasCount: 20 })
}
