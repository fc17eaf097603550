import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { includeFiles } from '../../config/import/include-files.js'
import { importKeepalived } from '../../config/import/keepalived.js'
import { loadConfig } from '../../config/load.js'
import { checkerInput } from '../../src/checking/input.js'
import { desired } from '../../src/ipvs/desired.js'
import { plan } from '../../src/ipvs/plan.js'
import { type Ipvs, openIpvs } from '../../src/linux/ipvs.js'

const corpus = join(import.meta.dirname, 'corpus')
const names = readdirSync(corpus).filter(name => name.startsWith('lvs-') && name.endsWith('.conf'))
const sleep = (ms: number) => new Promise(wake => setTimeout(wake, ms))
const saved = ['ipvsadm', '-Sn']
const thresholds = ['ipvsadm', '-Ln', '--thresholds', '--nosort']

let folder: string
let kernel: Ipvs
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lk-tables-'))
  kernel = await openIpvs()
})
afterAll(() => {
  kernel.close()
  execFileSync('ipvsadm', ['-C'])
  rmSync(folder, { recursive: true })
})

/** What a command prints, line by line, without order: keepalived adds in its own. */
function lines([program = '', ...args]: readonly string[]): string[] {
  const text = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return text
    .split('\n')
    .map(line => line.trim().replace(/\s+/g, ' '))
    .filter(Boolean)
    .sort()
}

type Tables = { readonly rules: string[]; readonly limits: string[] }

/** The table that keepalived's checker process programs, in a namespace of its own. */
async function byKeepalived(file: string): Promise<Tables> {
  const space = `lkt-${process.pid}-${names.indexOf(file)}`
  execFileSync('ip', ['netns', 'add', space])
  const batch = (lines: readonly string[]) =>
    execFileSync('ip', ['-n', space, '-batch', '-'], { input: `${lines.join('\n')}\n` })
  let child: ChildProcess | undefined
  const inside = (command: readonly string[]) => ['ip', 'netns', 'exec', space, ...command]
  try {
    batch([
      // Without it the kernel refuses every real server.
      'link set lo up',
      // A segment on which nobody answers: checks are still waiting while the table is read.
      'link add eth0 type veth peer name sink',
      'link set sink up',
      'link set eth0 up',
      ...['10.9.0.11/16', '10.8.0.11/16', 'fd00:9::11/64'].map(address => `address add ${address} dev eth0`),
    ])
    const pids = ['p', 'c', 'r'].map(kind => join(folder, `${file}.${kind}`))
    const options = ['-C', '-n', '-l', '-f', join(corpus, file), '-p', pids[0]!, '-c', pids[1]!, '-r', pids[2]!]
    child = spawn('ip', ['netns', 'exec', space, 'keepalived', ...options], { stdio: 'ignore' })
    const { pid } = child
    const netns = (of: number | 'self' | undefined) => readlinkSync(`/proc/${of}/ns/net`)
    const table = () => (netns(pid) === netns('self') ? '' : readFileSync(`/proc/${pid}/net/ip_vs`, 'utf8'))
    for (let round = 0, steady = 0, before = ''; round < 60 && steady < 3; round++) {
      await sleep(50)
      // Three lines are its head.
      const now = table()
      steady = now.split('\n').length > 4 && now === before ? steady + 1 : 0
      before = now
    }
    return { rules: lines(inside(saved)), limits: lines(inside(thresholds)) }
  } finally {
    if (child) await killed(child)
    execFileSync('ip', ['netns', 'del', space])
  }
}

/** Its table goes with the namespace. */
function killed(child: ChildProcess): Promise<void> {
  return new Promise(done => {
    child.once('exit', () => done())
    child.kill('SIGKILL')
  })
}

/** The table that lvskeeper programs from the YAML that the import wrote, before the first verdicts. */
async function byUs(file: string): Promise<Tables> {
  const path = join(corpus, file)
  const { yaml } = importKeepalived([{ file: path, text: readFileSync(path, 'utf8') }], { files: includeFiles })
  const loaded = loadConfig(yaml, { file: '/x.yaml', hostname: 'h', localAddresses: [], static: true, env: {} })
  if (!loaded.ok) throw new Error(loaded.errors.map(({ message }) => message).join('\n'))
  const inputs = loaded.config.services.map(service => checkerInput(service, () => ({ verdict: 'unknown' })))
  execFileSync('ipvsadm', ['-C'])
  const failed = (await kernel.apply(plan(desired(inputs, { now: 0 }).table, new Map()))).filter(Boolean)
  expect(failed).toEqual([])
  return { rules: lines(saved), limits: lines(thresholds) }
}

describe('the table that lvskeeper programs equals the one that keepalived programs from the original', () => {
  test('there are at least 20 files to compare', () => expect(names.length).toBeGreaterThanOrEqual(20))

  test.each(names)('%s', async file => {
    const theirs = await byKeepalived(file)
    expect(theirs.rules).not.toEqual([])
    const ours = await byUs(file)
    expect(ours).toEqual(theirs)
  })
})
