import type { Bytes, HttpProbe, Match, ProbeConfig, Step, TlsConfig } from '../config.js'
import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { CheckFile, kindNames } from '../schema/check.js'
import { defined } from './defined.js'
import type { Secrets } from './secrets.js'

type Kind = (typeof kindNames)[number]
type Surroundings = {
  readonly path: Path
  readonly name: string
  readonly secrets: Secrets
  readonly hostname: string
  readonly report: Reporter
}
type Of<K extends Kind> = NonNullable<CheckFile[K]>

/** What is asked, with every default and every secret filled in. */
export function probe(at: Surroundings, check: CheckFile, kind: Kind): ProbeConfig {
  const given = check[kind]
  const { secrets, path } = at
  switch (kind) {
    case 'tcp': {
      const tcp = given as Of<'tcp'>
      return { kind, ...stream(at, tcp), ...defined({ close: tcp.close }) }
    }
    case 'tls':
      return { kind, tls: tlsOf(at, path, given as Of<'tls'>), ...stream(at, given as Of<'tls'>) }
    case 'http':
      return http(at, given as Of<'http'>)
    case 'https': {
      const https = given as Of<'https'>
      return { ...http(at, https), tls: tlsOf(at, [...path, 'tls'], https.tls ?? true, hostPart(https.host)) }
    }
    case 'grpc': {
      const grpc = given as Of<'grpc'>
      return {
        kind,
        service: grpc.service ?? '',
        ...defined({ authority: grpc.authority, metadata: grpc.metadata, tls: optionalTls(at, 'tls', grpc.tls) }),
      }
    }
    case 'dns': {
      const dns = given as Of<'dns'>
      return {
        kind,
        transport: dns.transport ?? 'udp',
        name: dns.name ?? '.',
        type: dns.type ?? 'SOA',
        rcode: dns.rcode ?? ['NOERROR'],
        minAnswers: dns.min_answers ?? 0,
        recurse: dns.recurse ?? true,
        ...defined({ authoritative: dns.authoritative, answer: match(at, [...path, 'answer'], dns.answer) }),
      }
    }
    case 'udp': {
      const udp = given as Of<'udp'>
      const expect = match(at, [...path, 'expect'], udp.expect)
      if (udp.require_reply === false && expect !== undefined)
        at.report.error('udp-reply', [...path, 'require_reply'], 'require_reply: false contradicts expect', {
          at: 'key',
        })
      return {
        kind,
        send: udp.send ?? { text: '' },
        requireReply: udp.require_reply ?? expect !== undefined,
        ...defined({ expect }),
      }
    }
    case 'icmp': {
      const icmp = given as Of<'icmp'>
      return {
        kind,
        count: icmp.count ?? 1,
        maxLoss: icmp.max_loss ?? 0,
        size: icmp.size ?? 56,
        ...defined({ maxRtt: icmp.max_rtt }),
      }
    }
    case 'arp':
      return { kind, ...defined({ interface: (given as Of<'arp'>).interface }) }
    case 'smtp': {
      const smtp = given as Of<'smtp'>
      return {
        kind,
        helo: smtp.helo ?? at.hostname,
        ...defined({ startTls: optionalTls(at, 'starttls', smtp.starttls) }),
      }
    }
    case 'mysql': {
      const mysql = given as Of<'mysql'>
      if (mysql.role !== undefined && mysql.user === undefined) needs(at, 'role', 'user')
      return { kind, ...defined({ user: mysql.user, password: password(at, mysql), role: mysql.role }) }
    }
    case 'postgresql': {
      const postgresql = given as Of<'postgresql'>
      const secret = password(at, postgresql)
      if (postgresql.role !== undefined && postgresql.user === undefined) needs(at, 'role', 'user')
      return {
        kind,
        user: postgresql.user ?? 'lvskeeper',
        database: postgresql.database ?? 'postgres',
        ...defined({ password: secret, role: postgresql.role }),
      }
    }
    case 'redis': {
      const redis = given as Of<'redis'>
      const maxLag = redis.max_lag === undefined ? undefined : redis.max_lag / 1000
      return {
        kind,
        ...defined({
          user: redis.user,
          password: password(at, redis),
          tls: optionalTls(at, 'tls', redis.tls),
          role: redis.role,
          maxLag,
        }),
      }
    }
    case 'ldap': {
      const ldap = given as Of<'ldap'>
      return { kind, ...defined({ dn: ldap.dn, password: password(at, ldap), tls: optionalTls(at, 'tls', ldap.tls) }) }
    }
    case 'exec': {
      const exec = given as Of<'exec'>
      if (exec.argv[0]?.startsWith('/') === false)
        at.report.error('relative-program', [...path, 'argv', 0], `${exec.argv[0]} is no absolute path`, {
          suggestion: 'programs are named by their whole path',
        })
      return {
        kind,
        argv: exec.argv,
        exit: exec.exit ?? 'plain',
        ...defined({
          uid: secrets.user([...path, 'user'], exec.user),
          gid: secrets.group([...path, 'group'], exec.group),
          env: exec.env,
          cwd: exec.cwd,
        }),
      }
    }
    case 'file': {
      const file = given as Of<'file'>
      if (file.weight !== undefined && file.exists !== undefined)
        at.report.error(
          'file-exists-weight',
          [...path, 'exists'],
          'exists looks at the file, weight at the number in it: not both',
          { at: 'key' },
        )
      return { kind, path: file.path, ...defined({ weight: file.weight, exists: file.exists }) }
    }
    case 'push':
      return { kind, id: (given as Of<'push'>).id ?? at.name, ttl: (given as Of<'push'>).ttl }
    case 'agent':
      return { kind, ...defined({ send: (given as Of<'agent'>).send }) }
  }
}

function stream(at: Surroundings, given: Of<'tcp'> | Of<'tls'>) {
  const { path, report } = at
  if (given.steps !== undefined && (given.send !== undefined || given.expect !== undefined))
    report.error('send-and-steps', [...path, 'steps'], 'send and expect are steps: not both', {
      suggestion: 'put all of them into steps',
      at: 'key',
    })
  const steps: Step[] = []
  if (given.send !== undefined) steps.push({ send: given.send })
  const expect = match(at, [...path, 'expect'], given.expect)
  if (expect !== undefined) steps.push({ expect })
  for (const [index, step] of (given.steps ?? []).entries()) {
    if ('send' in step) steps.push({ send: step.send })
    else
      steps.push({ expect: match(at, [...path, 'steps', index, 'expect'], step.expect) ?? { contains: { text: '' } } })
  }
  return { steps, ...defined({ proxy: given.proxy as 1 | 2 | undefined, maxBytes: given.max_bytes }) }
}

function http(at: Surroundings, given: Of<'http'>): HttpProbe {
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

function auth({ path, secrets, report }: Surroundings, given: Of<'http'>['auth']): HttpProbe['auth'] {
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
  at: Surroundings,
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

function match(at: Surroundings, path: Path, given: MatchFile | undefined): Match | undefined {
  if (given === undefined) return undefined
  if (typeof given.contains === 'string') return { contains: { text: given.contains } }
  const { contains, equals, regex, flags } = given
  const ways = [contains, equals, regex].filter(way => way !== undefined)
  if (ways.length !== 1)
    at.report.error('match-one', path, 'an answer is matched in one way', {
      suggestion: 'one of: contains, equals, regex',
      at: 'key',
    })
  if (flags !== undefined && regex === undefined) needs(at, 'flags', 'regex')
  if (regex !== undefined) {
    checkRegex(at, [...path, 'regex'], regex, flags)
    return { regex, ...defined({ flags }) }
  }
  return equals === undefined ? { contains: contains ?? { text: '' } } : { equals }
}

type MatchFile = {
  readonly contains?: string | Bytes | undefined
  readonly equals?: Bytes | undefined
  readonly regex?: string | undefined
  readonly flags?: string | undefined
}

/** RE2 is the engine; its words for flags and names aside, what this accepts is a subset of JavaScript's syntax. */
function checkRegex({ report }: Surroundings, path: Path, regex: string, flags: string | undefined): void {
  if (/\(\?<?[=!]|\\[1-9]|\\k</.test(regex.replace(/\\\\/g, ''))) {
    report.error('bad-regex', path, 'look-around and back references are not available: the engine is RE2')
    return
  }
  try {
    new RegExp(
      regex
        .replace(/\(\?P</g, '(?<')
        .replace(/\(\?[imsU-]+:/g, '(?:')
        .replace(/\(\?[imsU-]+\)/g, ''),
      flags,
    )
  } catch (error) {
    report.error(
      'bad-regex',
      path,
      `the regular expression is broken: ${(error as Error).message.replace(/^Invalid regular expression: /, '')}`,
    )
  }
}

function needs({ path, report }: Surroundings, key: string, other: string): void {
  report.error('key-needs', [...path, key], `${key} needs ${other}`, { at: 'key' })
}

function password(
  { path, secrets }: Surroundings,
  given: { password?: string | undefined; password_file?: string | undefined },
) {
  return secrets.either(path, 'password', given.password, given.password_file)
}

function optionalTls(at: Surroundings, key: string, given: TlsFile | true | undefined): TlsConfig | undefined {
  return given === undefined ? undefined : tlsOf(at, [...at.path, key], given)
}

type TlsFile = Exclude<NonNullable<Of<'https'>['tls']>, true>

function tlsOf({ secrets, report }: Surroundings, path: Path, given: TlsFile | true, host?: string): TlsConfig {
  const file = given === true ? {} : given
  if ((file.cert_file === undefined) !== (file.key_file === undefined))
    report.error(
      'cert-and-key',
      [...path, file.cert_file === undefined ? 'key_file' : 'cert_file'],
      'cert_file and key_file go together',
      { at: 'key' },
    )
  return {
    verify: file.verify ?? 'full',
    warnDays: file.warn_days ?? 14,
    failDays: file.fail_days ?? 0,
    ...defined({
      sni: file.sni ?? host,
      ca: secrets.file([...path, 'ca_file'], file.ca_file),
      cert: secrets.file([...path, 'cert_file'], file.cert_file),
      key: secrets.file([...path, 'key_file'], file.key_file),
      pin: file.pin?.map(pin => pin.replace(/:/g, '').toLowerCase()),
      alpn: file.alpn,
      minVersion: file.min_version,
    }),
  }
}

/** The name in a Host header, if it is a name. */
function hostPart(host: string | undefined): string | undefined {
  const name = host?.replace(/:\d+$/, '')
  return name === undefined || /^[\d.]+$|^\[/.test(name) ? undefined : name
}
