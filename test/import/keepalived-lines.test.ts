// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of the language that is read here
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collector } from '../../config/import/finding.js'
import { type IncludeFiles, type LineOptions, readPieces } from '../../config/import/keepalived-lines.js'
import { decomment, splitBraces, splitCommand, splitWords } from '../../config/import/keepalived-words.js'

function read(text: string, options: Partial<LineOptions> = {}) {
  const { report, findings } = collector()
  const { pieces } = readPieces('/etc/keepalived/k.conf', text, { id: 'd1', ...options }, report)
  return { pieces, findings, texts: pieces.map(piece => piece.text), codes: findings.map(finding => finding.code) }
}

describe('comments', () => {
  test.each([
    ['priority 100 # high', 'priority 100', ' high'],
    ['priority 100! high', 'priority 100', ' high'],
    ['auth_pass P@##D321!', 'auth_pass P@', '#D321!'],
    ['script "echo #1 !2" ! tail', 'script "echo #1 !2"', ' tail'],
    ['auth_pass a\\#b\\!c', 'auth_pass a#b!c', undefined],
    ["script 'a # b'", "script 'a", " b'"],
    ['   # alone', '', ' alone'],
  ])('%s', (line, text, comment) => {
    expect(decomment(line)).toEqual(expect.objectContaining({ text, ...(comment === undefined ? {} : { comment }) }))
  })

  test('an odd number of quotes is reported and the text is kept', () => {
    const { texts, codes } = read('router_id "lvs\n')
    expect(texts).toEqual(['router_id "lvs'])
    expect(codes).toEqual(['odd-quotes'])
  })

  test('comment lines go with the statement below them, a comment behind a statement stays behind it', () => {
    const { pieces } = read('# one\n! two\n\nstate MASTER # three\npriority 1\n')
    expect(pieces[0]).toMatchObject({ text: 'state MASTER', before: [' one', ' two'], after: ' three', line: 4 })
    expect(pieces[1]).toMatchObject({ text: 'priority 1', before: [], line: 5 })
  })
})

describe('words', () => {
  test('a quote ends a bare word and starts another', () =>
    expect(splitWords('ab"c d" "" e')).toEqual(['ab', 'c d', '', 'e']))

  test('in scripts adjacent pieces join, both quotes protect, backslashes escape', () => {
    expect(splitCommand(`ab"c d"'e "f"' g\\ h \\x41\\102`)).toEqual(['abc de "f"', 'g h', 'AB'])
  })

  test('each brace outside quotes stands alone', () => {
    expect(splitBraces('a { b "x{y}" } c')).toEqual(['a', '{', 'b "x{y}"', '}', 'c'])
  })
})

describe('conditions', () => {
  test('keep a line for its own configuration id only', () => {
    const text = '@d1 priority 150\n@d2 priority 100\n@^d1 state BACKUP\n@^d2 state MASTER\n'
    expect(read(text).texts).toEqual(['priority 150', 'state MASTER'])
    expect(read(text, { id: 'd2' }).texts).toEqual(['priority 100', 'state BACKUP'])
  })

  test('may be repeated: all must hold', () => expect(read('@d1 @d2 x\n@d1 @^d2 y\n').texts).toEqual(['y']))
})

describe('definitions', () => {
  test('are replaced at the time of use, again and again', () => {
    const text = '$BASE=10.2.${SUB}\n$SUB=0\n${BASE}.100/32\n$SUB=10\n${BASE}.100/32\n$SUB alone\n'
    expect(read(text).texts).toEqual(['10.2.0.100/32', '10.2.10.100/32', '10 alone'])
  })

  test('with a blank before = are none, and unknown names stay', () => {
    expect(read('$A =1\nx $A ${B}\n').texts).toEqual(['$A =1', 'x $A $', '{', 'B', '}'])
  })

  test('may have many lines, with definitions and conditions inside', () => {
    const text =
      '$RS= \\\n real_server 10.0.0.${N} 80 { \\\n  @d2 weight 9 \\\n  weight ${N} \\\n }\n$N=1\n$RS\n$N=2\n$RS\n'
    expect(read(text).texts).toEqual([
      ...['real_server 10.0.0.1 80', '{', 'weight 1', '}'],
      ...['real_server 10.0.0.2 80', '{', 'weight 2', '}'],
    ])
  })

  test('that contain themselves end with a finding', () => {
    const { codes } = read('$A=$A $A\nx $A\n')
    expect(codes).toEqual(['too-large'])
  })

  test('the built-in names: folder, id, environment, # and !', () => {
    const { texts } = read('a ${_PWD}/x ${_INSTANCE} ${_ENV HOME} ${_HASH}1 ${_BANG}\n', { env: { HOME: '/root' } })
    expect(texts).toEqual(['a /etc/keepalived/x d1 /root #1 !'])
  })

  test('a random number is reported as lost', () => {
    const { texts, codes } = read('x ${_RANDOM 5 9}\n')
    expect(texts).toEqual(['x 5'])
    expect(codes).toEqual(['random-value'])
  })
})

describe('repetitions', () => {
  test.each([
    ['~SEQ(S, 0, 3) ip 10.0.${S}.1', ['0', '1', '2', '3'].map(n => `ip 10.0.${n}.1`)],
    ['~SEQ(S, 3) x$S y', ['x$S y', 'x$S y', 'x$S y'].map((text, n) => text.replace('$S', String(n + 1)))],
    ['~SEQ(S, 8, -4, 0) ${S}', ['8', '4', '0']],
    ['~SEQx(S, 0x90, 0x10, 0xc0) fe80::${S}', ['90', 'a0', 'b0', 'c0'].map(n => `fe80::${n}`)],
    ['~LST(A, x, y) ~SEQ(B, 2) ${A}${B}', ['x1', 'x2', 'y1', 'y2']],
    ['~LST({A, B}, {10,1},{20,4}) 1.${A}.${B}', ['1.10.1', '1.20.4']],
  ])('%s', (line, expected) => expect(read(line).texts).toEqual(expected))

  test.each(['~SEQ(S, 1', '~SEQ(S)', '~SEQ(S, 1, 0, 5) x', '~LST({A,B}, {1}) x', '~SEQ(S,1,9999999) x'])(
    'malformed or endless: %s',
    line => expect(read(line)).toMatchObject({ texts: [], codes: ['bad-repetition'] }),
  )
})

describe('includes', () => {
  const files: Record<string, { text: string; executable: boolean }> = {
    '/etc/keepalived/conf.d/a.conf': { text: 'from a\ninclude b.conf\n', executable: false },
    '/etc/keepalived/conf.d/b.conf': { text: 'from b ${_PWD}\n', executable: false },
    '/etc/keepalived/conf.d/c.conf': { text: 'from c\n', executable: true },
    '/etc/keepalived/loop.conf': { text: 'include loop.conf\n', executable: false },
  }
  const reader: IncludeFiles = {
    list: pattern =>
      Object.keys(files).filter(
        path => path === pattern || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1))),
      ),
    read: path => files[path],
  }

  test('are read in place, relative to the file that includes, with their own lines', () => {
    const { pieces, codes } = read('first\ninclude conf.d/*\nlast\n', { files: reader })
    expect(pieces.map(piece => [piece.text, piece.file, piece.line])).toEqual([
      ['first', '/etc/keepalived/k.conf', 1],
      ['from a', '/etc/keepalived/conf.d/a.conf', 1],
      ['from b /etc/keepalived/conf.d', '/etc/keepalived/conf.d/b.conf', 1],
      ['from b /etc/keepalived/conf.d', '/etc/keepalived/conf.d/b.conf', 1],
      ['last', '/etc/keepalived/k.conf', 3],
    ])
    expect(codes).toEqual(['include-executable'])
  })

  test('that cannot be followed are reported', () => {
    expect(read('include x\n').codes).toEqual(['include-not-read'])
    expect(read('include none\n', { files: reader }).codes).toEqual(['include-nothing'])
    expect(read('include loop.conf\n', { files: reader }).codes).toEqual(['include-not-read'])
  })
})

describe('lines', () => {
  test('of more than 1023 bytes lose their beginning', () => {
    const { texts, codes } = read(`${'x'.repeat(1023)}state MASTER\n`)
    expect(texts).toEqual(['state MASTER'])
    expect(codes).toEqual(['line-too-long'])
  })

  test('with a NUL byte are ignored', () =>
    expect(read('a\0b\nc\n')).toMatchObject({ texts: ['c'], codes: ['nul-byte'] }))

  test('may end as on another system', () => expect(read('a\r\nb {\r\n}\r\n').texts).toEqual(['a', 'b', '{', '}']))
})

const fragment = fc.constantFrom(
  ...[
    'vrrp_instance VI_1',
    '{',
    '}',
    ' ',
    '\n',
    '\r\n',
    '"',
    "'",
    '#',
    '!',
    '\\',
    '\\#',
    '$A=',
    '$A',
    '${A}',
    '${',
    '@d1 ',
    '@^d1 ',
  ],
  ...[
    '~SEQ(A,1,3) ',
    '~LST(A,x,y) ',
    'include *',
    'priority 100',
    'state MASTER',
    '\0',
    '\t',
    '${_RANDOM}',
    '${_HASH}',
    'é',
  ],
)

describe('any text at all', () => {
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fragment, { maxLength: 40 }).map(parts => parts.join('')),
  )

  test('is read without an exception, and every piece names a line that exists', () => {
    fc.assert(
      fc.property(anything, text => {
        const { pieces, findings } = read(text)
        const lines = text.split('\n').length
        for (const { line } of [...pieces, ...findings]) expect(line).toBeGreaterThan(0)
        for (const { line } of [...pieces, ...findings]) expect(line).toBeLessThanOrEqual(lines)
        for (const piece of pieces) expect(piece.text.trim()).not.toBe('')
      }),
      { numRuns: 500, seed: 1 },
    )
  }, 120_000)

  test('without definitions gives each statement the number of the line that holds it', () => {
    const word = fc.stringMatching(/^[a-z0-9_./]{1,12}$/)
    const line = fc
      .array(fc.oneof(word, fc.constantFrom('{', '}', '"q { # r"')), { maxLength: 6 })
      .map(words => words.join(' '))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), lines => {
        const { pieces } = read(lines.join('\n'))
        const rebuilt = lines.map((_, index) =>
          pieces
            .filter(piece => piece.line === index + 1)
            .map(piece => piece.text)
            .join(' '),
        )
        expect(rebuilt).toEqual(lines.map(text => text.trim().replace(/ +/g, ' ')))
      }),
      { numRuns: 300, seed: 2 },
    )
  }, 120_000)
})
