import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exit, type Run, text } from './command.js'
import { pathsOf, statusClient } from './daemon.js'

const execute = promisify(execFile)

/** What this machine says of itself; a command that is missing leaves its reason in its file. */
const commands: readonly (readonly [string, string, ...string[]])[] = [
  ['uname.txt', 'uname', '-a'],
  ['addresses.txt', 'ip', '-d', 'address'],
  ['routes.txt', 'ip', 'route', 'show', 'table', 'all'],
  ['neighbours.txt', 'ip', 'neighbour'],
  ['modules.txt', 'lsmod'],
]
const files: readonly (readonly [string, string])[] = [
  ['ip_vs.txt', '/proc/net/ip_vs'],
  ['ip_vs_stats.txt', '/proc/net/ip_vs_stats'],
  ['meminfo.txt', '/proc/meminfo'],
]
const secret = /^(\s*(?:-\s*)?(?:[\w-]*(?:password|secret|token|key|bearer)[\w-]*)\s*:\s*)(?!.*_file)(.+)$/gim

/** Collects what a second pair of eyes needs, secrets blanked. */
export const bundle: Run = async ({ options, out }) => {
  const paths = pathsOf(options)
  const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-bundle-'))
  const name = `lvskeeper-${hostname()}`
  try {
    const put = (file: string, content: string) => writeFileSync(join(folder, file), content)
    for (const [file, path] of [
      ['status.json', '/v1/status'],
      ['events.json', '/v1/events?last=2000'],
      ['metrics.txt', '/metrics'],
    ] as const)
      put(file, await answer(() => statusClient(options).get<unknown>(path)))
    put('lvskeeper.yaml', await answer(async () => readFileSync(paths.config, 'utf8').replace(secret, '$1***')))
    for (const [file, path] of files) put(file, await answer(async () => readFileSync(path, 'utf8')))
    for (const [file, program, ...args] of commands)
      put(
        file,
        await answer(async () => (await execute(program, args, { timeout: 10_000, maxBuffer: 64 << 20 })).stdout),
      )
    const target = text(options, 'output') ?? `${name}.tar.gz`
    await execute('tar', ['-czf', target, '-C', folder, '.'])
    out(`${target}: read it before you send it; passwords, keys and tokens of the configuration are blanked\n`)
    return exit.ok
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function answer(ask: () => Promise<unknown>): Promise<string> {
  try {
    const value = await ask()
    return typeof value === 'string' ? value : `${JSON.stringify(value, null, 2)}\n`
  } catch (error) {
    return `not available: ${error instanceof Error ? error.message : String(error)}\n`
  }
}
