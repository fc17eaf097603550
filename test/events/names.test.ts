import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const text = (file: string) => readFileSync(join(root, file), 'utf8')
const sources = ['src', 'vrrp', 'checkers'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .map(file => text(join(folder, file))),
)

/** Names as they stand in the sources: literal ones, and the families that are put together from a list. */
function raised(): string[] {
  const literal = sources.flatMap(source =>
    [...source.matchAll(/(?:\bevent\(|\bname:|\btell\()\s*'([a-z]+\.[a-z-]+)'/g)].map(([, name]) => name!),
  )
  const union = (file: string, type: string) =>
    [...(new RegExp(`type ${type} =([\\s|'a-z-]+)`).exec(text(file))?.[1] ?? '').matchAll(/'([a-z-]+)'/g)].map(
      ([, word]) => word!,
    )
  const vrrp = union('vrrp/note.ts', 'NoticeCode').filter(code => code !== 'wants-master')
  const alarms = text('src/peer/alarms.ts')
  const endings = [...(/const endings = \{([^}]+)\}/.exec(alarms)?.[1] ?? '').matchAll(/(\w+): '(\w+)'/g)]
  const changes = [...text('src/api/change-routes.ts').matchAll(/change\(c, '([a-z]+)'/g)].map(([, verb]) => verb!)
  const overrides = ['drain', 'maint', 'weight', 'force-up', 'force-down']
  return [
    ...literal,
    ...vrrp.map(code => `vrrp.${code}`),
    ...endings.flatMap(([, begin, end]) => [`peer.${begin}`, `peer.${end}`]),
    ...[...changes, ...overrides].map(verb => `audit.${verb}`),
    'service.up',
    'service.down',
  ]
}

describe('docs/events.md', () => {
  const documented = new Set([...text('docs/events.md').matchAll(/`([a-z]+\.[a-z-]+)`/g)].map(([, name]) => name!))

  test('explains every event that the program raises', () => {
    const names = [...new Set(raised())]
    expect(names.length).toBeGreaterThan(40)
    expect(names.filter(name => !documented.has(name)).sort()).toEqual([])
  })

  test('explains none that does not exist', () => {
    const known = new Set(raised())
    const others = /^data\.|\.jsonl$/
    expect([...documented].filter(name => !known.has(name) && !others.test(name)).sort()).toEqual([])
  })
})
