import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')

/** One third-party package, one home (DESIGN section 3). */
const homes: Record<string, readonly string[]> = {
  yaml: ['config'],
  zod: ['config'],
  undici: ['checkers', 'src/alerts'],
  'raw-socket': ['src/linux'],
  netlink: ['src/linux'],
  koffi: ['src/linux'],
  pino: ['src/log.ts'],
  commander: ['src/cli', 'src/main.ts'],
  hono: ['src/api'],
  '@hono/node-server': ['src/api'],
  'prom-client': ['src/api'],
  nodemailer: ['src/alerts'],
  'dns-packet': ['checkers'],
  re2js: ['checkers'],
  'ipaddr.js': ['config', 'src', 'vrrp', 'checkers'],
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .map(file => `${folder}/${file}`)
}

function imports(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  // A statement's own line, or the last one of a list of names; "from" inside other strings is none.
  const statements = text.matchAll(/^(?:(?:import|export|\}) ?[^'\n]*from|import) '([^']+)'/gm)
  const calls = text.matchAll(/\b(?:import|require)\('([^']+)'\)/g)
  return [...statements, ...calls].map(match => match[1]!)
}

const files = ['config', 'vrrp', 'checkers', 'src'].flatMap(sources)

describe('the seams between the folders', () => {
  test('there are files to look at', () => expect(files.length).toBeGreaterThan(3))

  test('config, vrrp and checkers import nothing of ours from elsewhere', () => {
    const wrong = files.flatMap(file => {
      const top = file.split('/')[0]!
      if (top === 'src') return []
      return imports(file)
        .filter(name => name.startsWith('.'))
        .filter(name => !relative(root, resolve(root, file, '..', name)).startsWith(`${top}/`))
        .map(name => `${file} imports ${name}`)
    })
    expect(wrong).toEqual([])
  })

  test('each third-party package is imported only in its home', () => {
    const wrong = files.flatMap(file =>
      imports(file)
        .filter(name => !name.startsWith('.') && !name.startsWith('node:'))
        .map(name => (name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : name.split('/')[0]!))
        .filter(name => !homes[name]?.some(home => file === home || file.startsWith(`${home}/`)))
        .map(name => `${file} imports ${name}`),
    )
    expect(wrong).toEqual([])
  })

  test('no barrels and no utils', () => {
    expect(files.filter(file => /(^|\/)(index|utils?)\.ts$/.test(file))).toEqual([])
  })
})
