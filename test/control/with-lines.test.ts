import { expect, test } from 'vitest'
import { withLines } from '../../src/control/with-lines.js'
import type { Event } from '../../src/messages.js'

const refused = (...services: string[]): Event => ({
  at: 1,
  name: 'table.error',
  level: 'alarm',
  subject: 'table',
  text: 'the kernel refused it; it will be tried again',
  data: { services },
})
const lines = {
  'virtual_servers.web': '/etc/lvskeeper/lvskeeper.yaml:12',
  'virtual_servers.mail': '/etc/lvskeeper/mail.yaml:3',
}

test('what the kernel refuses names the lines of the file that want it', () => {
  const { text, data } = withLines(refused('web', 'tcp 10.9.0.9:80', 'mail'), () => lines)
  expect(text).toBe(
    'the kernel refused it; it will be tried again (web in /etc/lvskeeper/lvskeeper.yaml:12, mail in /etc/lvskeeper/mail.yaml:3)',
  )
  expect(data?.['places']).toHaveLength(2)
  const many = refused('web', 'web', 'web', 'web')
  expect(withLines(many, () => lines).text).toMatch(/12, \.\.\.\)$/)
})

test('an event without virtual servers, or one whose lines nobody knows, is as it was, and costs no look at the file', () => {
  const never = () => {
    throw new Error('asked')
  }
  const other = { ...refused('web'), name: 'table.drift' }
  expect(withLines(other, never)).toBe(other)
  const { data: _, ...bare } = refused()
  expect(withLines(bare, never)).toBe(bare)
  const gone = refused('web')
  expect(withLines(gone, () => ({}))).toBe(gone)
})
