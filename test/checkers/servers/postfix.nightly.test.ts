import { chownSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  ask,
  askNobody,
  certificates,
  debian,
  freePort,
  frozen,
  idOf,
  own,
  refused,
  start,
  tls,
  trusting,
  unheard,
} from './real-server.js'

debian('/usr/sbin/postfix', 'postfix')

test('postfix greets, and goes over to TLS', async () => {
  const home = own('postfix')
  const [conf, queue, data] = [join(home, 'conf'), join(home, 'queue'), join(home, 'data')]
  for (const path of [conf, queue, data]) mkdirSync(path)
  chownSync(data, idOf('postfix').uid, 0)
  for (const name of ['server.crt', 'server.key']) cpSync(join(certificates, name), join(conf, name))
  const port = await freePort()
  writeFileSync(
    join(conf, 'main.cf'),
    `compatibility_level = 3.6\nqueue_directory = ${queue}\ndata_directory = ${data}\nmyhostname = mail.example\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4
maillog_file = ${home}/log\nmaillog_file_prefixes = ${home}\nsmtpd_tls_security_level = may\nsmtpd_tls_cert_file = ${conf}/server.crt\nsmtpd_tls_key_file = ${conf}/server.key\nalias_maps =\nmydestination =\n`,
  )
  const services = [
    'rewrite unix - - n - - trivial-rewrite',
    'proxymap unix - - n - - proxymap',
    'cleanup unix n - n - 0 cleanup',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'anvil unix - - n - 1 anvil',
    'scache unix - - n - 1 scache',
    'postlog unix-dgram n - n - 1 postlogd',
  ]
  const moods = {
    plain: ['smtpd_tls_security_level=none'],
    deferring: ['smtpd_delay_reject=no', 'smtpd_client_restrictions=defer'],
    rejecting: ['smtpd_delay_reject=no', 'smtpd_client_restrictions=reject'],
    'rejecting the name': ['smtpd_delay_reject=no', 'smtpd_helo_restrictions=reject'],
  }
  const ports = { plain: 0, deferring: 0, rejecting: 0, 'rejecting the name': 0 }
  for (const [name, options] of Object.entries(moods)) {
    const other = await freePort()
    ports[name as keyof typeof ports] = other
    services.push(`127.0.0.1:${other} inet n - n - - smtpd ${options.map(option => `-o ${option}`).join(' ')}`)
  }
  writeFileSync(join(conf, 'master.cf'), `127.0.0.1:${port} inet n - n - - smtpd\n${services.join('\n')}\n`)
  const target = await start(port, 'postfix', ['-c', conf, 'start-fg'])
  expect(await ask({ kind: 'smtp', helo: 'd1.example' }, target)).toMatchObject({ passed: true })
  expect(await ask({ kind: 'smtp', helo: 'd1.example', startTls: trusting }, target)).toMatchObject({ passed: true })
  expect(await ask({ kind: 'smtp', helo: 'd1.example', startTls: tls }, target)).toMatchObject({
    reason: 'certificate',
  })
  const look = (name: keyof typeof ports, startTls?: typeof tls) =>
    ask({ kind: 'smtp', helo: 'd1.example', startTls }, { ...target, port: ports[name] })
  expect(await look('plain')).toMatchObject({ passed: true })
  expect(await look('plain', trusting)).toMatchObject({ reason: 'bad-reply', detail: 'no STARTTLS' })
  const says = (code: number, to: string) => ({
    reason: 'bad-status',
    layer: 'L7STS',
    detail: expect.stringMatching(`^code ${code} to ${to}`),
  })
  expect(await look('deferring')).toMatchObject(says(450, ''))
  expect(await look('rejecting')).toMatchObject(says(554, ''))
  expect(await look('rejecting the name')).toMatchObject(says(554, 'EHLO'))
  expect(await askNobody({ kind: 'smtp', helo: 'd1.example' }, target)).toMatchObject(refused)
  await frozen(target, { smtp: [{ kind: 'smtp', helo: 'd1.example' }, unheard] })
}, 120_000)
