import type { Report } from './finding.js'
import { openBlock } from './keepalived-block.js'
import type { OpenBlock } from './keepalived-router-settings.js'

export function readPassword(block: OpenBlock, version: 2 | 3, strict: boolean, report: Report): string | undefined {
  const hmac = block.one('auth_hmac')
  if (hmac)
    report(
      hmac,
      'lost',
      'auth-hmac',
      'Signs adverts.',
      'Put each key into a file of its own and write authentication: { hmac: { keys: { 1: FILE } } }, on both directors.',
    )
  const outer = block.one('authentication')
  if (!outer) return undefined
  const inner = openBlock(outer, report)
  const type = inner.one('auth_type')
  const pass = inner.one('auth_pass')
  inner.finish()
  const word = type?.args[0]
  if (version === 3) {
    report(
      outer,
      'trap',
      'authentication-ignored',
      'VRRP version 3 has no such authentication: keepalived ignores the block.',
      'Left out.',
    )
    return undefined
  }
  if (strict) {
    report(
      outer,
      'trap',
      'authentication-ignored',
      'Beside vrrp_strict (strict_mode) keepalived ignores the password: its adverts have none.',
      'Left out: with it the two would not accept each other.',
    )
    return undefined
  }
  if (word === 'AH') {
    report(
      type ?? outer,
      'lost',
      'authentication-ah',
      'IPsec authentication headers.',
      'Not available: set auth_type PASS on the other director first, or use version 3 with hmac.',
    )
    return undefined
  }
  const secret = pass?.args[0]
  if (word !== 'PASS' || secret === undefined || secret === '') {
    report(
      outer,
      'trap',
      'authentication-incomplete',
      'Without auth_type PASS and auth_pass keepalived sends no password.',
      'The YAML has none.',
    )
    return undefined
  }
  if (pass?.after !== undefined && !/^\s/.test(pass.after))
    report(
      pass,
      'trap',
      'password-cut-by-comment',
      `An unquoted # or ! starts a comment, even inside a word: the password is "${secret}".`,
      'The YAML has this password, as the other director has it. Quote it on both to use all of it.',
    )
  const bytes = Buffer.from(secret)
  if (bytes.length > 8) {
    const kept = bytes
      .subarray(0, 8)
      .toString('utf8')
      .replace(/\ufffd+$/, '')
    report(
      pass ?? outer,
      'trap',
      'password-truncated',
      `keepalived uses the first 8 bytes of a password only: "${kept}".`,
      'The YAML has these. The password is readable on the wire: it keeps mistakes out, not attackers.',
    )
    return kept
  }
  return secret
}
