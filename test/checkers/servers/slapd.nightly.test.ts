import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  ask,
  askNobody,
  certificates,
  debian,
  freePort,
  frozen,
  own,
  refused,
  start,
  tls,
  trusting,
  unheard,
  unshaken,
} from './real-server.js'

debian('/usr/sbin/slapd', 'slapd')

test('slapd answers an anonymous bind, and a bind with the right password only', async () => {
  const home = own('slapd')
  mkdirSync(join(home, 'data'))
  writeFileSync(
    join(home, 'conf'),
    `include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile ${home}/pid
TLSCertificateFile ${certificates}/server.crt\nTLSCertificateKeyFile ${certificates}/server.key
database mdb\nsuffix "dc=example"\nrootdn "cn=check,dc=example"\nrootpw secret\ndirectory ${home}/data\n`,
  )
  const port = await freePort()
  const tlsPort = await freePort()
  const listeners = `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${tlsPort}`
  const target = await start(port, 'slapd', ['-f', join(home, 'conf'), '-h', listeners, '-d', 'none'])
  const login = { kind: 'ldap', dn: 'cn=check,dc=example', password: 'secret' } as const
  expect(await ask({ kind: 'ldap' }, target)).toMatchObject({ passed: true })
  expect(await ask(login, target)).toMatchObject({ passed: true })
  expect(await ask({ ...login, password: 'wrong' }, target)).toMatchObject({ reason: 'auth', detail: 'result 49' })
  // A name without a password: unwillingToPerform.
  const nameless = { kind: 'ldap', dn: login.dn } as const
  expect(await ask(nameless, target)).toMatchObject({
    reason: 'not-serving',
    layer: 'L7STS',
    detail: expect.stringContaining('result 53'),
  })
  expect(await askNobody(login, target)).toMatchObject(refused)
  const secure = { ...target, port: tlsPort }
  expect(await ask({ ...login, tls: trusting }, secure)).toMatchObject({ passed: true })
  expect(await ask({ ...login, tls }, secure)).toMatchObject({ reason: 'certificate' })
  await frozen(target, { ldap: [login, unheard], ldaps: [{ ...login, tls: trusting }, unshaken, tlsPort] })
})
