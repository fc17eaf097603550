import type { ProbeConfig, Step } from '../check-config.js'
import type { CheckFile } from '../schema/check.js'
import { defined } from './defined.js'
import { hostPart, http } from './http-probe.js'
import { match, needs } from './match.js'
import type { Kind, Of, ProbeContext } from './probe-context.js'
import { optionalTls, tlsOf } from './tls.js'

/** What is asked, with every default and every secret filled in. */
export function probe(at: ProbeContext, check: CheckFile, kind: Kind): ProbeConfig {
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
          gid: secrets.group([...path, 'group'], exec.group, exec.user),
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

function stream(at: ProbeContext, given: Of<'tcp'> | Of<'tls'>) {
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

function password(
  { path, secrets }: ProbeContext,
  given: { password?: string | undefined; password_file?: string | undefined },
) {
  return secrets.either(path, 'password', given.password, given.password_file)
}
