import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ask, askNobody, debian, freePort, frozen, own, refused, start, unheard } from './real-server.js'

debian('/usr/sbin/unbound', 'unbound')

test('unbound answers questions by UDP and by TCP', async () => {
  const home = own('unbound')
  const port = await freePort()
  writeFileSync(
    join(home, 'conf'),
    `server:\n interface: 127.0.0.1\n port: ${port}\n do-daemonize: no\n chroot: ""\n username: ""\n directory: "${home}"\n pidfile: "${home}/pid"
 use-syslog: no\n local-zone: "example." static\n local-data: "web.example. A 192.0.2.7"\n local-data: "example. SOA ns.example. mail.example. 7 1 1 1 1"
 local-zone: "closed.example." always_refuse\n local-zone: "lost.example." transparent\n do-not-query-localhost: no\n outgoing-interface: 127.0.0.2\n access-control: 127.0.0.2/32 refuse
forward-zone:\n name: "lost.example."\n forward-addr: 127.0.0.1@${port}\n`,
  )
  // What it cannot answer it asks itself, and refuses to say.
  const target = await start(port, 'unbound', ['-d', '-c', join(home, 'conf')])
  for (const transport of ['udp', 'tcp'] as const) {
    const dns = {
      kind: 'dns',
      transport,
      name: 'web.example',
      type: 'A',
      rcode: ['NOERROR'],
      minAnswers: 1,
      recurse: true,
    } as const
    expect(await ask({ ...dns, answer: { equals: { text: '192.0.2.7' } } }, target)).toMatchObject({ passed: true })
    expect(await ask({ ...dns, answer: { equals: { text: '192.0.2.8' } } }, target)).toMatchObject({
      reason: 'bad-body',
    })
    expect(await ask({ ...dns, name: 'none.example' }, target)).toMatchObject({
      reason: 'bad-status',
      detail: 'NXDOMAIN',
    })
    const soa = { ...dns, name: 'example', type: 'SOA', answer: { regex: '^ns.example mail.example 7 ' } }
    expect(await ask(soa, target)).toMatchObject({ passed: true })
    expect(await ask({ ...dns, minAnswers: 2 }, target)).toMatchObject({ reason: 'bad-reply', detail: '1 answers' })
    expect(await askNobody(dns, target)).toMatchObject(refused)
    for (const [name, rcode] of [
      ['web.closed.example', 'REFUSED'],
      ['web.lost.example', 'SERVFAIL'],
    ] as const) {
      expect(await ask({ ...dns, name }, target)).toMatchObject({ reason: 'bad-status', layer: 'L7STS', detail: rcode })
      expect(await ask({ ...dns, name, minAnswers: 0, rcode: [rcode] }, target)).toMatchObject({ passed: true })
    }
    await frozen(target, { [`dns by ${transport}`]: [dns, unheard] })
  }
  // The same server, asked as any that speaks UDP: id 0, recursion, one question, web.example A.
  const send = { hex: '0000 0100 0001 0000 0000 0000 03776562 076578616d706c65 00 0001 0001' }
  const udp = { kind: 'udp', send, requireReply: true } as const
  const address = { contains: { hex: 'c0000207' } }
  expect(await ask({ ...udp, expect: address }, target)).toMatchObject({ passed: true, layer: 'L7OK' })
  expect(await ask({ ...udp, expect: { contains: { hex: 'c0000208' } } }, target)).toMatchObject({
    reason: 'bad-reply',
  })
  expect(await askNobody(udp, target)).toMatchObject({ reason: 'refused' })
  await frozen(target, {
    udp: [udp, unheard],
    'udp without an answer': [
      { kind: 'udp', send, requireReply: false },
      { passed: true, layer: 'L4OK' },
    ],
  })
})
