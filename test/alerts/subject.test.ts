import { expect, test } from 'vitest'
import { concerns } from '../../src/alerts/subject.js'

const about = [
  'router web',
  'service web',
  'server web/10.9.0.21:80',
  'server web/[fd00:9::21]:80',
  'server mail/10.9.0.21:25',
  'director d1',
  'table',
]
const chosen = (pattern: string) => about.filter(subject => concerns(subject, pattern))

test.each([
  ['router web', ['router web']],
  ['router *', ['router web']],
  ['service web', ['service web', 'server web/10.9.0.21:80', 'server web/[fd00:9::21]:80']],
  ['service w*', ['service web', 'server web/10.9.0.21:80', 'server web/[fd00:9::21]:80']],
  ['service eb', []],
  ['server web/10.9.0.21:80', ['server web/10.9.0.21:80']],
  ['server web/10.9.0.21', ['server web/10.9.0.21:80']],
  ['server 10.9.0.21', ['server web/10.9.0.21:80', 'server mail/10.9.0.21:25']],
  ['server */10.9.0.2*', ['server web/10.9.0.21:80', 'server mail/10.9.0.21:25']],
  ['server 10x9.0.21', []],
  ['server web/10.9.0.2', []],
  ['server fd00:9::21', ['server web/[fd00:9::21]:80']],
  ['server web/[fd00:9::21]', ['server web/[fd00:9::21]:80']],
  ['server *:25', ['server mail/10.9.0.21:25']],
  ['director *', ['director d1']],
])('an alert for %s is about these', (pattern, subjects) => {
  expect(chosen(pattern)).toEqual(subjects)
})
