import { type Loaded, type LoadOptions, loadConfig } from '../../config/load.js'
import { formatProblem } from '../../config/problem.js'

/** Files that are there in a test: absolute path -> content. */
export type Files = Readonly<Record<string, string>>

/** Loads a text as director d1 would, with nothing of this machine in it. */
export function load(text: string, files: Files = {}, more: Partial<LoadOptions> = {}): Loaded {
  return loadConfig(text, {
    file: '/etc/lvskeeper/lvskeeper.yaml',
    hostname: 'd1',
    localAddresses: ['127.0.0.1', '10.9.0.11'],
    env: {},
    readFile: path => {
      const content = files[path]
      if (content === undefined) throw Object.assign(new Error('not there'), { code: 'ENOENT' })
      return content
    },
    listFolder: folder => {
      const names = Object.keys(files).filter(path => path.slice(0, path.lastIndexOf('/')) === folder)
      if (names.length === 0) throw Object.assign(new Error('not there'), { code: 'ENOENT' })
      return names.map(path => path.slice(path.lastIndexOf('/') + 1))
    },
    ...more,
  })
}

/** The configuration, or the reasons as the failure of the test. */
export function good(text: string, files?: Files, more?: Partial<LoadOptions>) {
  const loaded = load(text, files, more)
  if (!loaded.ok) throw new Error(loaded.errors.map(formatProblem).join('\n'))
  return loaded.config
}

/** `line:col: message [code] | suggestion` of every error, then of every warning. */
export function problems(text: string, files?: Files, more?: Partial<LoadOptions>): string[] {
  const loaded = load(text, files, more)
  const errors = loaded.ok ? [] : loaded.errors
  return [...errors.map(one => short(one)), ...loaded.warnings.map(one => `warning ${short(one)}`)]
}

function short({
  file,
  line,
  col,
  message,
  code,
  suggestion,
}: Extract<Loaded, { ok: false }>['errors'][number]): string {
  const name = file === '/etc/lvskeeper/lvskeeper.yaml' ? '' : `${file}:`
  return `${name}${line}:${col}: ${message} [${code}]${suggestion === undefined ? '' : ` | ${suggestion}`}`
}
