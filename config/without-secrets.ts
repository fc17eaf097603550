import { isAlias, isNode, isScalar, type Node, parseDocument, visit } from 'yaml'

/** Keys of ours whose value is a secret, and headers and names that hold one. `..._file` only says where one lies. */
const secretKey = /^pass$|passw|secret|token|bearer|authorization|cookie|api-?key/i
const namesFile = /_files?$/

type Cut = { readonly start: number; readonly end: number; readonly put: string }

/**
 * The text of a configuration file with its secrets blanked, in whichever way they are written; the rest stays as it is, comments
 * too. undefined: it cannot be read as YAML, so nobody knows where the secrets are.
 */
export function withoutSecrets(text: string): string | undefined {
  const document = parseDocument(text, { logLevel: 'silent' })
  if (document.errors.length > 0) return undefined
  const cuts = new Map<number, Cut>()
  const blank = (node: Node, put: string) => {
    const [start, end] = node.range ?? [0, 0]
    if (end > start) cuts.set(start, { start, end, put: text.slice(start, end).endsWith('\n') ? `${put}\n` : put })
  }
  visit(document, {
    Pair: (_, { key, value }) => {
      if (!isScalar(key) || !isNode(value)) return
      const name = String(key.value)
      const meant = isAlias(value) ? value.resolve(document) : value
      if (meant === undefined) return
      const said = isScalar(meant) ? String(meant.value) : undefined
      if (secretKey.test(name) && !namesFile.test(name)) {
        // A reference to the environment is no secret itself.
        if (said === undefined || !/^\$\{\w+\}$/.test(said)) blank(meant, '"***"')
      } else if (name === 'url' && said !== undefined) blank(meant, `"${withoutPath(said)}"`)
      else if (name === 'send' && said !== undefined && /auth|pass|login/i.test(said)) blank(meant, '"***"')
    },
  })
  let [result, at] = ['', 0]
  for (const { start, end, put } of [...cuts.values()].sort((a, b) => a.start - b.start)) {
    if (start < at) continue
    result += text.slice(at, start) + put
    at = end
  }
  return result + text.slice(at)
}

/** Webhooks carry their keys in user, path or query. */
function withoutPath(url: string): string {
  const { protocol, host } = URL.canParse(url) ? new URL(url) : { protocol: '', host: '' }
  return host === '' ? '***' : `${protocol}//${host}/***`
}
