/** Environment variables of the process that reads the file. */
export type Environment = Readonly<Record<string, string | undefined>>

const reference = /\$?\$\{env:([^}]*)\}/g

/**
 * Replaces `${env:NAME}` and `${env:NAME:-default}`; `$${env:` stands for itself. A whole plain (unquoted) value that is one
 * reference is read as if its content stood there: a number stays a number.
 */
export function substitute(
  text: string,
  plain: boolean,
  env: Environment,
  report: (code: string, message: string, suggestion?: string) => void,
): unknown {
  const result = text.replace(reference, (whole, body: string) => {
    if (whole.startsWith('$$')) return whole.slice(1)
    const [, name = '', fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(body) ?? []
    if (name === '') {
      report('env-syntax', `\${env:${body}} names no variable`, 'write ${' + 'env:NAME} or ${' + 'env:NAME:-default}')
      return whole
    }
    const value = env[name] ?? fallback
    if (value === undefined) {
      report(
        'env-unset',
        `the environment variable ${name} is not set`,
        `set it, or give a default: \${env:${name}:-...}`,
      )
      return whole
    }
    return value
  })
  const alone = plain && /^\$\{env:[^}]*\}$/.test(text)
  if (!alone) return result
  if (/^(0|-?[1-9]\d{0,14})$/.test(result)) return Number(result)
  if (result === 'true' || result === 'false') return result === 'true'
  return result
}
