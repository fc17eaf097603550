import { familyOf } from '../ipvs/address.js'
import type { ArpLeak } from '../messages.js'

/** One sentence for a person. */
export function leakText({ vip, mac, server }: ArpLeak): string {
  const who =
    server === undefined ? `a machine that is no real server of it (${mac})` : `the real server ${server} (${mac})`
  return `${who} answers ${word(vip)} for ${vip}: clients may reach it past the director; there: ${mending(vip)[0]}`
}

/** What to type on the real server, in this order. */
export function mending(vip: string): readonly string[] {
  if (familyOf(vip) === 6) return [`ip address replace ${vip}/128 dev lo nodad`]
  return [
    'sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2',
    `ip address replace ${vip}/32 dev lo`,
  ]
}

/** What is answered too much. */
export function word(vip: string): string {
  return familyOf(vip) === 4 ? 'ARP' : 'neighbour discovery'
}
