import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'

// `npm test` itself, deploy/test, in a checkout where nothing but the tests' programs is made up: what fails must be counted, and
// what is counted must have run.
const deploy = resolve(import.meta.dirname, '../../deploy')
const root = mkdtempSync(join(tmpdir(), 'lvskeeper-suite-'))
const put = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
  chmodSync(join(root, path), 0o755)
}

/** Tells of each file that it passed, unless BAD (at first) or BAD_AGAIN (when it is run once more) is part of its name. */
const vitest = `#!/bin/bash
[ "$2" = run ] || exit 0
out=$(printf '%s\\n' "$@" | sed -n 's/^--outputFile.json=//p')
case $out in */again/*) bad=$BAD_AGAIN ;; *) bad=$BAD ;; esac
files=()
for word in "$@"; do case $word in */) files+=("$word"*) ;; test/*) files+=("$word") ;; esac; done
[ \${#files[@]} -gt 0 ] || files=(test/one.$4.test.ts)
status=0 json=''
for file in "\${files[@]}"; do
  result=passed
  [ -z "$bad" ] || case $file in *$bad*) result=failed status=1 ;; esac
  json+="\${json:+,}{\\"name\\":\\"$PWD/$file\\",\\"status\\":\\"$result\\",\\"message\\":\\"\\",\\"assertionResults\\":[{\\"status\\":\\"$result\\",\\"fullName\\":\\"it\\"}]}"
done
echo "{\\"testResults\\":[$json]}" >"$out"
exit $status
`
/** A guest that dies when DEAD is part of what it is told, or runs the command: run --timeout N -- COMMAND. */
const lab = `#!/bin/bash
[ -z "$DEAD" ] || case "$*" in *$DEAD*) exit 125 ;; esac
shift 4
exec "$@"
`

beforeEach(() => {
  for (const file of ['test', 'count-tests.mjs', 'failed-files.mjs'])
    spawnSync('cp', [join(deploy, file), join(root, 'deploy')])
})
afterAll(() => rmSync(root, { recursive: true, force: true }))
put('deploy/setup', '#!/bin/bash\n')
put('deploy/lab/lab', lab)
put('bin/npx', vitest)
const labFiles = ['pair/a', 'pair/b', 'pair/c', 'ipvs/d', 'ipvs/e', 'ipvs/f', 'import/g', 'lab/h']
for (const name of labFiles) put(`test/${name}.lab.test.ts`, '')

function run(env: Record<string, string> = {}) {
  const { status, stdout } = spawnSync(join(root, 'deploy/test'), {
    encoding: 'utf8',
    env: { BAD: '', BAD_AGAIN: '', DEAD: '', ...env, PATH: `${join(root, 'bin')}:${process.env['PATH']}` },
  })
  const lines = stdout.trim().split('\n')
  return { status, lines, last: lines.at(-1) }
}

describe('npm test', () => {
  test('runs each lab test once, in guests of a few folders, and counts them all in its last line', () => {
    const { status, lines, last } = run()
    expect([status, last]).toEqual([0, `${2 + labFiles.length} passed, 0 failed`])
    expect(lines.filter(line => /^== lab [^:]*$/.test(line)).sort()).toEqual([
      '== lab test/ipvs/',
      '== lab test/lab/ test/import/',
      '== lab test/pair/',
    ])
  })

  test('runs once more, alone, what failed, and says so when it passes then', () => {
    const { status, lines, last } = run({ BAD: 'pair/b' })
    expect([status, last]).toEqual([0, '10 passed, 0 failed'])
    expect(lines).toContain('== lab: once more, alone: test/pair/b.lab.test.ts')
    expect(lines).toContain('passed only when run alone: pair/b.lab.test.ts')
  })

  test.each([
    ['fast', 'one.fast'],
    ['namespace', 'one.netns'],
    ['lab', 'pair/b'],
  ])('counts a %s test that fails twice', (_, name) => {
    const { status, lines, last } = run({ BAD: name, BAD_AGAIN: name })
    expect([status, last]).toEqual([1, '9 passed, 1 failed'])
    expect(lines.at(-2)).toMatch(new RegExp(`^FAILED .*${name}.*: it$`))
  })

  test.each([
    ['', 7],
    ['pair/b', 7],
  ])('is no success when a guest dies, also where a test of another one (%j) passes the second time', (bad, passed) => {
    const { status, last } = run({ DEAD: 'test/ipvs', BAD: bad })
    expect([status, last]).toEqual([1, `${passed} passed, 1 failed`])
  })

  test('runs a part', () => {
    const { status, last } = run({ LVSKEEPER_TEST_ONLY: 'fast netns' })
    expect([status, last]).toEqual([0, '2 passed, 0 failed'])
  })
})
