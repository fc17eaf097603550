import type { HttpProbe } from '../check-config.js'
import type { Path } from '../problem.js'
import { defined } from './defined.js'
import { checkRegex, needs } from './match.js'
import type { Of, ProbeContext } from './probe-context.js'

/** One request and every condition on its answer. */
export function http(at: ProbeContext, given: Of<'http'>): HttpProbe {
  const { path, report } = at
  if (given.regex !== undefined) checkRegex(at, [...path, 'regex'], given.regex, given.flags)
  else if (given.flags !== undefined) needs(at, 'flags', 'regex')
  if (given.digest !== undefined && (given.digest.md5 === undefined) === (given.digest.sha256 === undefined))
    report.error('digest-one', [...path, 'digest'], 'a digest is md5 or sha256, one of them', { at: 'key' })
  const { md5, sha256 } = given.digest ?? {}
  const hex = sha256 ?? md5
  const wanted = sha256 === undefined ? 32 : 64
  if (hex !== undefined && hex.length !== wanted)
    report.error('bad-hex', [...path, 'digest'], `expected ${wanted} hexadecimal digits, found ${hex.length}`, {
      at: 'key',
    })
  return {
    kind: 'http',
    version: given.version ?? '1.1',
    method: given.method ?? 'GET',
    path: given.path ?? '/',
    headers: given.headers ?? {},
    status: given.status ?? [[200, 299]],
    maxBytes: given.max_bytes ?? 65_536,
    ...defined({
      host: given.host,
      body: given.body,
      auth: auth(at, given.auth),
      drainStatus: given.drain_status,
      headerMatch: given.header_match?.map((match, index) => headerMatch(at, [...path, 'header_match', index], match)),
      bodyContains: given.contains,
      bodyNotContains: given.not_contains,
      bodyRegex: given.regex,
      bodyRegexFlags: given.flags,
      json: given.json,
      digest:
        hex === undefined
          ? undefined
          : { algorithm: sha256 === undefined ? ('md5' as const) : ('sha256' as const), hex },
      proxy: given.proxy as 1 | 2 | undefined,
    }),
  }
}

function auth({ path, secrets, report }: ProbeContext, given: Of<'http'>['auth']): HttpProbe['auth'] {
  if (given === undefined) return undefined
  const here = [...path, 'auth']
  const bearer = secrets.either(here, 'bearer', given.bearer, given.bearer_file)
  const secret = secrets.either(here, 'password', given.password, given.password_file)
  const wantsBearer = given.bearer !== undefined || given.bearer_file !== undefined
  const wantsBasic = given.user !== undefined
  if (wantsBearer === wantsBasic) {
    report.error('auth-one', here, 'auth is user and password, or bearer: one of them', { at: 'key' })
    return undefined
  }
  return wantsBearer ? { bearer: bearer ?? '' } : { basic: { user: given.user ?? '', password: secret ?? '' } }
}

function headerMatch(
  at: ProbeContext,
  path: Path,
  given: NonNullable<Of<'http'>['header_match']>[number],
): NonNullable<HttpProbe['headerMatch']>[number] {
  const { name, present, ...ways } = given
  const [way, second] = Object.entries(ways).filter(([, value]) => value !== undefined)
  if ((way === undefined) === (present === undefined) || second !== undefined)
    at.report.error('header-match-one', path, 'a header is matched in one way', {
      suggestion: 'one of: present, exact, prefix, suffix, contains, regex',
      at: 'key',
    })
  if (way?.[0] === 'regex') checkRegex(at, [...path, 'regex'], way[1] ?? '', undefined)
  const how = way === undefined ? (present === false ? 'absent' : 'present') : (way[0] as 'exact')
  return { name: name.toLowerCase(), how, ...defined({ value: way?.[1] }) }
}

/** The name in a Host header, if it is a name. */
export function hostPart(host: string | undefined): string | undefined {
  const name = host?.replace(/:\d+$/, '')
  return name === undefined || /^[\d.]+$|^\[/.test(name) ? undefined : name
}
