import { readFileSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { loadConfig } from '../../config/load.js'

/** Reads and resolves a configuration file as this machine sees it. Throws only when the file itself cannot be read. */
export function loadFile(
  file: string,
  options: { readonly node?: string | undefined; readonly static?: boolean } = {},
) {
  return loadText(readFileSync(file, 'utf8'), file, options)
}

export function loadText(
  text: string,
  file: string,
  options: { readonly node?: string | undefined; readonly static?: boolean },
) {
  const node = options.node ?? process.env['LVSKEEPER_NODE']
  return loadConfig(text, {
    file,
    hostname: hostname(),
    localAddresses: localAddresses(),
    env: process.env,
    readFile: path => readFileSync(isAbsolute(path) ? path : join(dirname(file), path), 'utf8'),
    ...(node === undefined ? {} : { node }),
    ...(options.static === undefined ? {} : { static: options.static }),
  })
}

/** Every address of this machine, without prefix and zone. */
export function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap(list =>
    (list ?? []).map(({ address }) => address.split('%')[0] ?? address),
  )
}
