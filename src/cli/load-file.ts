import { readFileSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { loadConfig } from '../../config/load.js'
import { programLook } from './program-look.js'

type Options = {
  readonly node?: string | undefined
  readonly static?: boolean
  /** false: whether the programs that the file names can be run is not looked at. On a dead network mount that look lasts two seconds. */
  readonly programs?: boolean
}

/** Reads and resolves a configuration file as this machine sees it. Throws only when the file itself cannot be read. */
export function loadFile(file: string, options: Options = {}) {
  return loadText(readFileSync(file, 'utf8'), file, options)
}

export function loadText(text: string, file: string, options: Options) {
  const node = options.node ?? process.env['LVSKEEPER_NODE']
  return loadConfig(text, {
    file,
    hostname: hostname(),
    localAddresses: localAddresses(),
    env: process.env,
    readFile: path => readFileSync(isAbsolute(path) ? path : join(dirname(file), path), 'utf8'),
    ...(options.programs === false ? {} : { notRunnable: programLook() }),
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
