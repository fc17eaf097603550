import { describe, expect, test } from 'vitest'
import { excerpt, failureOf } from '../../checkers/errors.js'

describe('an errno', () => {
  test.each(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'ENETDOWN', 'ENETUNREACH', 'EPERM', 'EACCES'])(
    '%s is the director’s own trouble',
    errno => expect(failureOf(errno)).toMatchObject({ reason: 'local-error', layer: 'SOCKERR' }),
  )

  test.each([
    ['ECONNREFUSED', 'refused', 'L4CON'],
    ['ECONNRESET', 'reset', 'L4CON'],
    ['EHOSTUNREACH', 'unreachable', 'L4CON'],
    ['ETIMEDOUT', 'timeout', 'L4TOUT'],
    ['ESOMETHING', 'bad-reply', 'L7RSP'],
  ])('%s is a failure of the server: %s', (errno, reason, layer) =>
    expect(failureOf(errno)).toMatchObject({ reason, layer }),
  )
})

test('the first bytes of an answer are shown as one printable line', () => {
  expect(excerpt(Buffer.from('a\r\n\t\0é'), 80)).toBe('a\\r\\n\\t\\x00\\xc3\\xa9')
  expect(excerpt('x'.repeat(100), 3)).toBe('xxx')
})
