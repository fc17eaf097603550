import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export type Rival = { readonly pid: number; readonly name: string }

const names = new Set(['keepalived', 'ldirectord'])

/** Other programs that write VIPs or the IPVS table of this network namespace (DESIGN invariant 3). */
export function rivals(proc = '/proc'): Rival[] {
  const ours = link(`${proc}/self/ns/net`)
  return readdirSync(proc)
    .filter(entry => /^\d+$/.test(entry))
    .flatMap(entry => {
      const name = command(`${proc}/${entry}`)
      return names.has(name) && link(`${proc}/${entry}/ns/net`) === ours ? [{ pid: Number(entry), name }] : []
    })
}

/** comm, or for a script (ldirectord is Perl) the file it runs. */
function command(folder: string): string {
  try {
    const comm = readFileSync(`${folder}/comm`, 'utf8').trim()
    if (names.has(comm)) return comm
    const words = readFileSync(`${folder}/cmdline`, 'utf8').split('\0')
    return (
      words
        .slice(0, 3)
        .map(word => word.split('/').at(-1) ?? '')
        .find(word => names.has(word)) ?? comm
    )
  } catch {
    // It ended while we looked.
    return ''
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
