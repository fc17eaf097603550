import type { Listener } from './facts.js'

const listening = '0A' // include/net/tcp_states.h: TCP_LISTEN
const unconnected = '07' // UDP sockets that are not connected show TCP_CLOSE

/** Sockets that wait for clients, from /proc/net/{tcp,udp}{,6}. `read` hands over the file's text. */
export function readListeners(read: (path: string) => string): Listener[] {
  return (['tcp', 'udp'] as const).flatMap(protocol =>
    ['', '6'].flatMap(suffix =>
      read(`/proc/net/${protocol}${suffix}`)
        .split('\n')
        .slice(1)
        .flatMap(line => parseLine(protocol, line) ?? []),
    ),
  )
}

function parseLine(protocol: 'tcp' | 'udp', line: string): Listener | undefined {
  const [, local = '', remote = '', state] = line.trim().split(/\s+/)
  if (state !== (protocol === 'tcp' ? listening : unconnected)) return undefined
  if (protocol === 'udp' && !/^0+:0000$/.test(remote)) return undefined
  const [address = '', port = ''] = local.split(':')
  return { protocol, address: addressOf(address), port: Number.parseInt(port, 16) }
}

/** The kernel prints 32-bit words in host order: little-endian on every machine this runs on but s390x. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap(word => (word.match(/../g) ?? []).reverse())
  if (bytes.length === 4) return bytes.map(byte => Number.parseInt(byte, 16)).join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    Number.parseInt(`${bytes[2 * i]}${bytes[2 * i + 1]}`, 16).toString(16),
  )
  if (groups.every(group => group === '0')) return '::'
  return groups.slice(0, 6).join(' ') === '0 0 0 0 0 ffff'
    ? bytes
        .slice(12)
        .map(byte => Number.parseInt(byte, 16))
        .join('.')
    : canonical(groups)
}

/** RFC 5952: the longest run of zeros becomes `::`. */
function canonical(groups: readonly string[]): string {
  const runs = [...groups.join(':').matchAll(/(?:^|:)(0(?::0)+)(?=:|$)/g)]
  const longest = runs.sort((a, b) => b[0].length - a[0].length)[0]
  if (!longest) return groups.join(':')
  const text = groups.join(':')
  return `${text.slice(0, longest.index)}::${text.slice(longest.index + longest[0].length).replace(/^:/, '')}`
}
