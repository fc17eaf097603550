import { writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { formatProblem } from '../../config/problem.js'
import { fileTrouble } from '../file-trouble.js'
import { exit, type Options, type Run, text } from './command.js'
import { loadText } from './load-file.js'

/** Writes a first file from what the command line says, and looks at it as `check` does before anybody gets it. */
export const init: Run = async ({ options, out, err }) => {
  const directors = list(options, 'directors').map(word => word.split('='))
  const vip = text(options, 'vip')
  if (
    vip === undefined ||
    directors.length === 0 ||
    directors.some(words => words.length !== 2 || words.includes(''))
  ) {
    err('init: --directors NAME=ADDRESS,NAME=ADDRESS and --vip ADDRESS are needed\n')
    return exit.usage
  }
  const named = directors.map(([name = '', address = '']) => ({ name, address }))
  const yaml = firstFile(named, vip, options)
  const output = text(options, 'output')
  const result = loadText(yaml, output ?? 'lvskeeper.yaml', { static: true })
  if (!result.ok) {
    if (options['json'])
      out(`${JSON.stringify({ error: { code: 'config', text: 'that makes no valid file', details: result } })}\n`)
    else for (const problem of result.errors) err(`${formatProblem(problem)}\n`)
    return exit.config
  }
  if (output !== undefined) {
    try {
      writeFileSync(output, yaml, { flag: 'wx', mode: 0o640 })
    } catch (error) {
      err(`init: ${output}: ${fileTrouble(error)}\n`)
      return exit.failed
    }
    err(`written to ${output}; copy it to every director\n${next(output)}`)
  }
  if (options['json']) out(`${JSON.stringify({ yaml, ...(output === undefined ? {} : { output }) })}\n`)
  else if (output === undefined) out(yaml)
  return exit.ok
}

const keyFile = '/etc/lvskeeper/peer.key'

const next = (file: string) =>
  `  once, for all directors: head -c 32 /dev/urandom | base64 > ${keyFile}; chmod 600 ${keyFile}
  then on each:            lvskeeper check --host ${file}
`

function firstFile(directors: readonly { name: string; address: string }[], vip: string, options: Options): string {
  const name = text(options, 'name') ?? 'web'
  const port = text(options, 'port') ?? '80'
  const bare = vip.split('/')[0] ?? vip
  const v6 = bare.includes(':')
  const width = Math.max(...directors.map(each => each.name.length))
  const servers = list(options, 'servers')
  return [
    '# The same file on every director; each finds itself by its address. `lvskeeper check` says what is wrong with it.',
    'directors:',
    ...directors.map(
      (each, at) =>
        `  ${`${each.name}:`.padEnd(width + 1)} { address: ${quoted(each.address)}, priority: ${Math.max(10, 150 - 50 * at)} }`,
    ),
    ...(directors.length < 2
      ? []
      : [
          '# With the same key everywhere they tell each other what they run, and whether they are ready.',
          `peer_key_file: ${keyFile}`,
        ]),
    '',
    'virtual_routers:',
    `  ${name}:`,
    '    # From 1 to 255, and nobody else on this network has it.',
    `    vrid: ${text(options, 'vrid') ?? '51'}`,
    `    interface: ${text(options, 'interface') ?? interfaceOf(directors.map(({ address }) => address)) ?? 'eth0'}`,
    `    vips: [${quoted(vip.includes('/') ? vip : `${vip}/${v6 ? 128 : 32}`)}]`,
    ...(servers.length === 0
      ? []
      : [
          '',
          'virtual_servers:',
          `  ${name}:`,
          `    address: ${v6 ? `'[${bare}]:${port}'` : `${bare}:${port}`}`,
          '    # dr: real servers answer clients themselves (`lvskeeper realserver prepare`); nat and tun are the others.',
          `    forward: ${text(options, 'forward') ?? 'dr'}`,
          '    # What counts as up; an http check with a path says more than a connection does.',
          '    check: { tcp: {} }',
          '    real_servers:',
          ...servers.map(server => `      - { address: ${quoted(server)} }`),
        ]),
    '',
  ].join('\n')
}

/** A colon in a flow mapping would begin a value. */
function quoted(word: string): string {
  return /^[\w.-]+(\/\d+)?$/.test(word) ? word : `'${word.replaceAll("'", "''")}'`
}

function list(options: Options, name: string): string[] {
  return (text(options, name) ?? '').split(',').filter(word => word !== '')
}

/** The interface of this machine that has one of these addresses. */
function interfaceOf(addresses: readonly string[]): string | undefined {
  return Object.entries(networkInterfaces()).find(([, found]) =>
    found?.some(({ address }) => addresses.includes(address)),
  )?.[0]
}
