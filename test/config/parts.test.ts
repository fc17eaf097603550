import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readDocument } from '../../config/document.js'
import { readParts } from '../../config/parts.js'
import type { Path } from '../../config/problem.js'

/** So long that it is read in parts, without changing what it says. */
const filler = `# ${'-'.repeat(120_000)}\n`
const large = (text: string) => `${text}${filler}`
const servers = `virtual_servers:
  # The first.
  web:
    address: 10.9.0.100:80
    real_servers: [10.9.0.21, { address: 10.9.0.22, weight: 2 }]

  "mail": { address: 10.9.0.101:25 }
  long-1:
    note: |
      a text
        of lines
    other: one
      that goes on
`
const before = 'directors:\n  d1: { address: 10.9.0.11 }\n'
const after = 'checks:\n  port: { tcp: {} }\n'

/** What the file says, and where, read as a whole: a short one is. */
function whole(text: string) {
  return readDocument('x.yaml', text, {})
}

describe('a large file', () => {
  test('says the same in parts as in one, key by key and place by place', () => {
    const text = before + servers.replace('"mail"', 'mail') + after
    const [one, parts] = [whole(text), readDocument('x.yaml', large(text), {})]
    expect(readParts(large(text), {})).toBeDefined()
    expect(parts.source.data).toEqual(one.source.data)
    expect(Object.keys(parts.source.data)).toEqual(['directors', 'virtual_servers', 'checks'])
    for (const path of pathsOf(one.source.data))
      for (const at of ['key', 'value'] as const)
        expect([path, at, parts.source.place(path, at)]).toEqual([path, at, one.source.place(path, at)])
  })

  test('with one changed part is that part anew, and the others as they were', () => {
    const first = readParts(large(before + servers.replace('"mail"', 'mail')), {})
    const second = readParts(
      large(`# moved\n${before}${servers.replace('"mail"', 'mail').replace('weight: 2', 'weight: 3')}`),
      {},
    )
    const [was, is] = [first, second].map(one => one?.data['virtual_servers'] as Record<string, unknown>)
    expect(is?.['mail']).toBe(was?.['mail'])
    expect(is?.['web']).toEqual({
      address: '10.9.0.100:80',
      real_servers: ['10.9.0.21', { address: '10.9.0.22', weight: 3 }],
    })
    expect(second?.place(['virtual_servers', 'mail', 'address'], 'key').line).toBe(10)
  })

  test.each([
    ['a key in quotes', servers],
    ['an anchor', 'virtual_servers:\n  web: &one { address: 10.9.0.100:80 }\n  mail: *one\n'],
    ['a merge', 'virtual_servers:\n  web:\n    <<: { quorum: 2 }\n'],
    ['a variable', `virtual_servers:\n  web: { address: "$${'{env:VIP}'}" }\n`],
    ['quotes over several lines', 'virtual_servers:\n  web: "one\n  mail: two"\n'],
    ['braces over several lines', 'virtual_servers:\n  web: { address: a,\n  mail: b }\n'],
    ['a key twice', 'virtual_servers:\n  web: {}\n  web: {}\n'],
    ['the section twice', 'virtual_servers:\n  web: {}\nvirtual_servers:\n  mail: {}\n'],
    ['a second document', 'virtual_servers:\n  web: {}\n---\nvirtual_servers:\n  mail: {}\n'],
    ['a directive', '%YAML 1.2\n---\nvirtual_servers:\n  web: {}\n'],
    ['a key of several lines', 'virtual_servers:\n  ? web\n  : {}\n'],
    ['a list', 'virtual_servers:\n  - web\n'],
    ['a tab', 'virtual_servers:\n  web:\n\t  quorum: 1\n'],
    ['less indentation', 'virtual_servers:\n   web: {}\n  mail: {}\n'],
    ['a mistake elsewhere', `${servers.replace('"mail"', 'mail')}checks: [\n`],
    ['no virtual server', 'virtual_servers:\nchecks: {}\n'],
  ])('with %s is read as a whole', (_, text) => {
    expect(readParts(large(text), {})).toBeUndefined()
    const [one, parts] = [whole(text), readDocument('x.yaml', large(text), {})]
    const said = (findings: typeof one.findings) => findings.map(({ code, message }) => [code, message])
    expect([parts.source.data, said(parts.findings)]).toEqual([one.source.data, said(one.findings)])
  })

  test('says the same in parts as in one, whatever is deleted of it, doubled or moved', () => {
    const lines = (before + servers + after).split('\n')
    const edit = fc.record({
      at: fc.nat(lines.length - 1),
      what: fc.constantFrom('drop', 'double', 'in', 'out', 'cut'),
    })
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), edits => {
        const text = `${edited(lines, edits).join('\n')}\n`
        const parts = readParts(large(text), {})
        const one = whole(text)
        if (!parts) return
        expect([parts.data, []]).toEqual([one.source.data, one.findings])
        for (const path of pathsOf(parts.data)) {
          const { line, col } = one.source.place(path, 'key')
          expect(parts.place(path, 'key')).toMatchObject({ line, col })
        }
      }),
      { numRuns: 500 },
    )
  })
})

function edited(lines: readonly string[], edits: readonly { readonly at: number; readonly what: string }[]): string[] {
  const result = [...lines]
  for (const { at, what } of edits) {
    const line = result[at] ?? ''
    if (what === 'drop') result.splice(at, 1)
    if (what === 'double') result.splice(at, 0, line)
    if (what === 'in') result[at] = ` ${line}`
    if (what === 'out') result[at] = line.replace(/^ /, '')
    if (what === 'cut') result[at] = line.slice(0, line.length / 2)
  }
  return result
}

/** Every way into the data. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const inner = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return [path, ...inner.flatMap(([key, one]) => pathsOf(one, [...path, key]))]
}
