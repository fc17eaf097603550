import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { withoutSecrets } from '../../config/without-secrets.js'
import { runDoctor } from '../doctor/doctor.js'
import { formatReport } from '../doctor/finding.js'
import { fileTrouble } from '../file-trouble.js'
import type { Status } from '../status/status.js'
import { exit, type Options, type Run, text } from './command.js'
import { pathsOf, statusClient } from './daemon.js'
import { loadFile } from './load-file.js'

const execute = promisify(execFile)

/** What this machine says of itself; a command that is missing leaves its reason in its file. */
const commands: readonly (readonly [string, string, ...string[]])[] = [
  ['uname.txt', 'uname', '-a'],
  ['addresses.txt', 'ip', '-d', 'address'],
  ['routes.txt', 'ip', 'route', 'show', 'table', 'all'],
  ['neighbours.txt', 'ip', 'neighbour'],
  ['modules.txt', 'lsmod'],
  ['journal.txt', 'journalctl', '-u', 'lvskeeper', '-n', '5000', '--no-pager'],
]
const files: readonly (readonly [string, string])[] = [
  ['ip_vs.txt', '/proc/net/ip_vs'],
  ['ip_vs_stats.txt', '/proc/net/ip_vs_stats'],
  ['meminfo.txt', '/proc/meminfo'],
]
/** Collects what a second pair of eyes needs, secrets blanked. */
export const bundle: Run = async ({ options, out, err }) => {
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
    const { file, node } = await running(options, paths.config)
    const loaded = load(file, node)
    const read = loaded?.ok ? loaded.config.files : (loaded?.files ?? [file])
    for (const [at, file] of read.entries())
      put(`config-${at}-${basename(file)}`, await answer(async () => blanked(file)))
    put(
      'doctor.txt',
      await answer(async () =>
        formatReport(runDoctor({ run: paths.run, ...(loaded?.ok ? { config: loaded.config } : {}) })),
      ),
    )
    for (const [file, path] of files) put(file, await answer(async () => readFileSync(path, 'utf8')))
    for (const [file, program, ...args] of commands)
      put(
        file,
        await answer(async () => (await execute(program, args, { timeout: 10_000, maxBuffer: 64 << 20 })).stdout),
      )
    const target = text(options, 'output') ?? `${name}.tar.gz`
    await execute('tar', ['-czf', target, '-C', folder, '.'])
    if (options['json']) out(`${JSON.stringify({ output: target })}\n`)
    else out(`${target}: read it before you send it; passwords, keys and tokens of the configuration are blanked\n`)
    return exit.ok
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    err(`bundle: ${stderr?.trim() || fileTrouble(error)}\n`)
    return exit.failed
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The file that runs here, whatever it is called, and as whom; without a director the one that is named. */
async function running(options: Options, file: string): Promise<{ readonly file: string; readonly node?: string }> {
  if (text(options, 'config') !== undefined) return { file }
  try {
    const { node, config } = await statusClient(options).get<Status>('/v1/status')
    return { file: config.file, node }
  } catch {
    return { file }
  }
}

function load(file: string, node: string | undefined): ReturnType<typeof loadFile> | undefined {
  try {
    return loadFile(file, { static: true, node })
  } catch {
    return undefined
  }
}

function blanked(file: string): string {
  const content = withoutSecrets(readFileSync(file, 'utf8'))
  if (content === undefined) throw new Error('it cannot be read as YAML, so its secrets cannot be found')
  return content
}

async function answer(ask: () => Promise<unknown>): Promise<string> {
  try {
    const value = await ask()
    return typeof value === 'string' ? value : `${JSON.stringify(value, null, 2)}\n`
  } catch (error) {
    return `not available: ${error instanceof Error ? error.message : String(error)}\n`
  }
}
