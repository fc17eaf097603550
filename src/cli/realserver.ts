import { isIP } from 'node:net'
import { formatReport } from '../doctor/finding.js'
import { fileTrouble } from '../file-trouble.js'
import type { Format } from '../realserver/files.js'
import { type Half, halvesOf } from '../realserver/half.js'
import { applyRealServer, prepareRealServer } from '../realserver/prepare.js'
import { verifyRealServer } from '../realserver/verify.js'
import { type Call, exit, type Options, type Run, text } from './command.js'
import { pathsOf } from './daemon.js'
import { loadFile, localAddresses } from './load-file.js'

const formatNames: readonly string[] = ['plan', 'script', 'networkd', 'sysctl'] satisfies Format[]

/** The real server's half: what it needs, done, or looked at. */
export const realserver: Run = async call => {
  const { args, options, err } = call
  const [verb] = args
  if (verb !== 'prepare' && verb !== 'verify') {
    err(`realserver: expected prepare or verify, not '${verb ?? ''}'\n`)
    return exit.usage
  }
  const halves = text(options, 'vip') === undefined ? fromFile(call) : fromOptions(options)
  if (typeof halves === 'string') {
    err(`realserver: ${halves}\n`)
    return exit.usage
  }
  if (typeof halves === 'number') return halves
  return verb === 'verify' ? verify(call, halves) : prepare(call, halves)
}

function verify({ options, out }: Call, halves: readonly Half[]): number {
  const report = verifyRealServer(halves)
  out(options['json'] ? `${JSON.stringify(report)}\n` : formatReport(report))
  return report.problems > 0 ? exit.failed : exit.ok
}

function prepare({ options, out, err }: Call, halves: readonly Half[]): number {
  const format = text(options, 'format') ?? 'plan'
  if (!isFormat(format)) {
    err(`realserver: --format ${format}: expected ${formatNames.join(', ')}\n`)
    return exit.usage
  }
  if (!options['apply']) {
    if (options['json']) out(`${JSON.stringify(halves)}\n`)
    else for (const half of halves) out(prepareRealServer(half, format))
    return exit.ok
  }
  if (process.getuid?.() !== 0) {
    err('realserver: --apply needs root\n')
    return exit.permission
  }
  const done = halves.flatMap(applyRealServer)
  if (options['json']) out(`${JSON.stringify(done)}\n`)
  else for (const { command, error } of done) out(`${command}${error === undefined ? '' : `  FAILED: ${error}`}\n`)
  return done.some(({ error }) => error !== undefined) ? exit.failed : exit.ok
}

/** What the file asks of the real server with these addresses. A number: an exit code, its reason is said. */
function fromFile({ options, err }: Call): readonly Half[] | number {
  const file = pathsOf(options).config
  let result: ReturnType<typeof loadFile>
  try {
    result = loadFile(file, { static: true })
  } catch (error) {
    err(`${file}: ${fileTrouble(error)}\n`)
    err('realserver: name the file with -c, or the virtual addresses with --vip\n')
    return exit.config
  }
  if (!result.ok) {
    err(`${file} is not valid (see \`lvskeeper check ${file}\`)\n`)
    return exit.config
  }
  const given = words(text(options, 'address'))
  const addresses = given.length > 0 ? given : localAddresses()
  const halves = halvesOf(result.config, { addresses })
  if (halves.length > 0) return halves
  err(`realserver: no virtual server of ${file} has the real server ${addresses.join(' or ')}\n`)
  return exit.failed
}

/** A real server that has no file at hand. A string: what is wrong with the options. */
function fromOptions(options: Options): readonly Half[] | string {
  const vips = words(text(options, 'vip'))
  const mode = text(options, 'mode') ?? 'dr'
  const gateway = text(options, 'gateway')
  const wrong = [...vips, ...(gateway ? [gateway] : [])].find(address => !isIP(address))
  if (wrong !== undefined) return `'${wrong}' is no address`
  if (mode !== 'dr' && mode !== 'tun' && mode !== 'nat') return `--mode ${mode}: expected dr, tun or nat`
  if (mode === 'nat' && gateway === undefined)
    return '--mode nat needs --gateway: the address that moves with the directors'
  return [{ mode, tunnel: { type: 'ipip' }, vips, services: [], directors: [], ...(gateway ? { gateway } : {}) }]
}

function isFormat(name: string): name is Format {
  return formatNames.includes(name)
}

function words(list: string | undefined): string[] {
  return list === undefined ? [] : list.split(',').map(word => word.trim())
}
