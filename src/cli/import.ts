import { readFileSync, writeFileSync } from 'node:fs'
import { formatFinding, type ImportResult, type Status } from '../../config/import/finding.js'
import { includeFiles } from '../../config/import/include-files.js'
import { importIpvsadm } from '../../config/import/ipvsadm.js'
import { importKeepalived } from '../../config/import/keepalived.js'
import { importLdirectord } from '../../config/import/ldirectord.js'
import { fileTrouble } from '../file-trouble.js'
import { type Call, exit, type Run, text } from './command.js'

type Source = { readonly file: string; readonly text: string }

const formats: Readonly<Record<string, (sources: readonly Source[], call: Call) => ImportResult>> = {
  keepalived: (sources, { options }) => {
    const nodes = list(text(options, 'nodes'))
    const addresses = list(text(options, 'addresses'))
    return importKeepalived(
      sources.map((source, at) => {
        const [node, address] = [nodes[at], addresses[at]]
        return { ...source, ...(node ? { node } : {}), ...(address ? { addresses: [address] } : {}) }
      }),
      { files: includeFiles, env: process.env },
    )
  },
  ldirectord: single(importLdirectord),
  ipvsadm: single(importIpvsadm),
}

/** Formats of one file each; keepalived alone has one per director. */
function single(read: (text: string, file: string) => ImportResult) {
  return ([source]: readonly Source[]) => read(source?.text ?? '', source?.file ?? '')
}

const codes: Readonly<Record<Status, number>> = { complete: exit.ok, partial: exit.changes, unreadable: exit.failed }

/** Another program's configuration as our YAML; what could not be carried over is said on standard error. */
export const importCommand: Run = async call => {
  const { args, options, out, err } = call
  const [format = '', ...files] = args
  const read = formats[format]
  if (!read) {
    err(`import: unknown format '${format}' (known: ${Object.keys(formats).join(', ')})\n`)
    return exit.usage
  }
  if (format !== 'keepalived' && files.length > 1) {
    err(`import: ${format} takes one file\n`)
    return exit.usage
  }
  let sources: readonly Source[]
  try {
    sources = files.map((file = '') => ({ file, text: readFileSync(file === '-' ? 0 : file, 'utf8') }))
  } catch (error) {
    const { path } = error as NodeJS.ErrnoException
    err(`import: ${path === undefined ? '' : `${path}: `}${fileTrouble(error)}\n`)
    return exit.failed
  }
  const result = read(sources, call)
  const output = text(options, 'output')
  const { status, findings, yaml } = result
  if (output !== undefined && status !== 'unreadable' && !written(call, output, yaml)) return exit.failed
  if (options['json']) {
    out(`${JSON.stringify(output === undefined ? result : { status, findings, output })}\n`)
    return codes[status]
  }
  for (const finding of findings) err(`${formatFinding(finding)}\n`)
  if (output === undefined) out(yaml)
  err(`${summary(result)}${output === undefined || status === 'unreadable' ? '' : `; written to ${output}`}\n`)
  return codes[status]
}

function written({ err }: Call, path: string, yaml: string): boolean {
  try {
    // A file that is there may be edited by hand: it is never replaced. Passwords may stand in it.
    writeFileSync(path, yaml, { mode: 0o640, flag: 'wx' })
    return true
  } catch (error) {
    err(`import: ${path}: ${fileTrouble(error)}\n`)
    return false
  }
}

function summary({ status, findings }: ImportResult): string {
  const of = (severity: string) => findings.filter(finding => finding.severity === severity).length
  return `${status}: ${of('lost')} lost, ${of('trap')} traps, ${of('note')} notes`
}

function list(words: string | undefined): readonly string[] {
  return words === undefined ? [] : words.split(',').map(word => word.trim())
}
