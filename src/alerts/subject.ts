/**
 * Whether an event's subject (`server web/10.9.0.21:80`) is one that an alert is for. `service web` means its real servers
 * too; a real server may be named without its port, and without its service; `*` stands for anything.
 */
export function concerns(subject: string, pattern: string): boolean {
  const [kind, name] = parts(subject)
  const [wanted, text] = parts(pattern)
  const matches = glob(text)
  if (wanted === 'service' && kind === 'server') return matches(name.slice(0, Math.max(0, name.indexOf('/'))))
  if (wanted !== kind) return false
  return kind === 'server' ? serverNames(name).some(matches) : matches(name)
}

/** Kind and name. */
export function parts(text: string): readonly [kind: string, name: string] {
  const blank = text.indexOf(' ')
  return blank < 0 ? [text, ''] : [text.slice(0, blank), text.slice(blank + 1)]
}

/** `web/10.9.0.21:80` as people may call it: with and without port and service, IPv6 with and without brackets. */
function serverNames(name: string): string[] {
  const slash = name.indexOf('/')
  const service = name.slice(0, slash + 1)
  const endpoint = name.slice(slash + 1)
  const address = endpoint.replace(/^\[(.*)\](:\d+)?$/, '$1').replace(/^([0-9.]+):\d+$/, '$1')
  const ends = [endpoint, endpoint.replace(/\]:\d+$/, ']'), address]
  return ends.flatMap(end => [end, `${service}${end}`])
}

function glob(pattern: string): (text: string) => boolean {
  if (!pattern.includes('*')) return text => text === pattern
  const words = pattern.split('*').map(word => word.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  const regex = new RegExp(`^${words.join('.*')}$`)
  return text => regex.test(text)
}
