import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadText } from '../../src/cli/load-file.js'

/** A file whose one router tracks a script. */
const tracking = (program: string, names = 'scripts: [uplink]') => `directors:
  d1: { address: 127.0.0.1 }
virtual_routers:
  web: { vrid: 51, interface: lo, vips: [10.9.0.100/32], track: { ${names} } }
scripts:
  uplink: { argv: [${program}] }
`

describe('the program of a tracked script', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'programs-'))
    for (const [name, mode] of [
      ['good', 0o755],
      ['plain', 0o644],
    ] as const) {
      writeFileSync(join(folder, name), '#!/bin/sh\n')
      chmodSync(join(folder, name), mode)
    }
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const found = (program: string, isStatic = false, names?: string) => {
    const loaded = loadText(tracking(program, names), '/x/lvskeeper.yaml', { node: 'd1', static: isStatic })
    const told = (list: readonly { readonly code: string; readonly message: string }[]) =>
      list.filter(({ code }) => code === 'program-missing').map(({ message }) => message)
    return { errors: loaded.ok ? [] : told(loaded.errors), warnings: told(loaded.warnings) }
  }

  test('that can be run is nothing to speak of', () => {
    expect(found(join(folder, 'good'))).toEqual({ errors: [], warnings: [] })
  })

  test('that cannot be run is an error on a director, whatever the reason', () => {
    expect(found(join(folder, 'none')).errors).toEqual([`${folder}/none cannot be run: no such file or folder`])
    expect(found(join(folder, 'plain')).errors).toEqual([`${folder}/plain cannot be run: it is not executable`])
    expect(found(folder).errors).toEqual([`${folder} cannot be run: it is no file`])
  })

  test('is a warning where the file is only looked at', () => {
    expect(found(join(folder, 'none'), true)).toMatchObject({ errors: [], warnings: [expect.any(String)] })
  })

  test('that no router tracks is not asked for', () => {
    expect(found(join(folder, 'none'), false, 'interfaces: {}')).toEqual({ errors: [], warnings: [] })
  })
})
