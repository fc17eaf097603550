import { execFileSync } from 'node:child_process'
import { table as tableCommand } from '../../src/cli/table.js'

/** Real kernel, real ipvsadm: only inside the lab, whose namespace (and table) is ours. */
if (!process.env['LVSKEEPER_LAB']) throw new Error('run this with: deploy/lab/lab run -- npx vitest run --project lab')

export function sh(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
}

export function shInput(input: string, command: string, ...args: string[]): void {
  execFileSync(command, args, { input, maxBuffer: 64 * 1024 * 1024 })
}

export const ipvsadm = (...args: string[]): string => sh('ipvsadm', ...args)

/** `lvskeeper table` with these options. */
export async function ourTable(options: Record<string, boolean>): Promise<string> {
  let text = ''
  const code = await tableCommand({
    args: [],
    options,
    out: part => {
      text += part
    },
    err: part => {
      text += part
    },
  })
  if (code !== 0) throw new Error(text)
  return text
}

export const lines = (text: string): string[] => text.split('\n').filter(line => line !== '')
