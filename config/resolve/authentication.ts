import type { AuthenticationConfig } from '../config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { RouterFile } from '../schema/router.js'
import type { Secrets } from './secrets.js'

/** Version 2's password (decoration) or version 3's HMAC, with the keys loaded. */
export function authentication(
  path: Path,
  router: RouterFile,
  version: number,
  advertInterval: number,
  secrets: Secrets,
  report: Reporter,
): AuthenticationConfig | undefined {
  const given = router.authentication
  if (given === undefined) return undefined
  const simple = given.pass !== undefined || given.pass_file !== undefined
  if (simple === (given.hmac !== undefined)) {
    report.error('authentication-one', path, 'authentication is pass or hmac: one of them', { at: 'key' })
    return undefined
  }
  if (given.hmac === undefined) {
    const password = secrets.either(path, 'pass', given.pass, given.pass_file) ?? ''
    if (version !== 2)
      report.error('authentication-version', path, 'pass is for version 2: version 3 has no password', {
        suggestion: 'use hmac',
        at: 'key',
      })
    else
      report.warn(
        'authentication-decoration',
        path,
        'a version 2 password can be read by everyone on the segment: it keeps nobody out',
        { at: 'key' },
      )
    if (password.length > 8)
      report.error('authentication-length', [...path, 'pass_file'], 'a version 2 password has at most 8 characters')
    return { type: 'pass', password }
  }
  if (version !== 3)
    report.error('authentication-version', [...path, 'hmac'], 'hmac is for version 3', {
      suggestion: 'version: 3',
      at: 'key',
    })
  const { hmac } = given
  const keys = Object.entries(hmac.keys).map(([id, file]) => ({
    id: Number(id),
    key: key([...path, 'hmac', 'keys', id], file, secrets, report),
  }))
  const ids = keys.map(({ id }) => id)
  for (const id of ids)
    if (id > 255)
      report.error(
        'out-of-range',
        [...path, 'hmac', 'keys', String(id)],
        `expected a key number from 0 to 255, found ${id}`,
        { at: 'key' },
      )
  const activeKey = hmac.active_key ?? ids[0] ?? 0
  if (hmac.active_key === undefined && ids.length !== 1)
    report.error('active-key', [...path, 'hmac', 'keys'], `active_key is missing: ${ids.length} keys`, {
      suggestion: `one of: ${ids.join(', ')}`,
      at: 'key',
    })
  else if (!ids.includes(activeKey))
    report.error('active-key', [...path, 'hmac', 'active_key'], `there is no key ${activeKey}`, {
      suggestion: `one of: ${ids.join(', ')}`,
    })
  return {
    type: 'hmac',
    keys,
    activeKey,
    window: hmac.window ?? Math.max(5000, 3 * advertInterval),
    mode: hmac.mode ?? 'enforce',
  }
}

function key(path: Path, file: string, secrets: Secrets, report: Reporter): Uint8Array {
  const text = secrets.file(path, file)
  if (text === undefined) return new Uint8Array()
  const bytes = text.startsWith('hex:') ? Buffer.from(text.slice(4).trim(), 'hex') : Buffer.from(text, 'utf8')
  if (bytes.length < 32 || bytes.length > 64)
    report.error('key-length', path, `${file} holds ${bytes.length} bytes: a key has 32 to 64`)
  return new Uint8Array(bytes)
}
