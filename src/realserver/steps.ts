import type { Half } from './half.js'

/** One thing to do, and how to undo it. Commands may be run again: they say what shall be so. */
export type Step = { readonly why: string; readonly run: readonly string[]; readonly undo?: readonly string[] }

/** Where VIPs live on a real server and how packets reach them. */
export function deviceOf({ mode, tunnel, vips }: Half): {
  readonly v4: string
  readonly v6: string
  readonly module?: string
} {
  if (mode !== 'tun') return { v4: 'lo', v6: 'lo' }
  if (tunnel.type === 'gre') return { v4: 'gre0', v6: 'ip6gre0', module: vips.some(isV6) ? 'ip6_gre' : 'ip_gre' }
  return { v4: 'tunl0', v6: 'ip6tnl0', module: 'ipip' }
}

/**
 * Everything a real server needs, in the order in which it is safe: first what keeps it silent about the VIP, then the
 * VIP (an address that appears before the ARP settings is announced to the whole segment at once).
 */
export function stepsFor(half: Half): Step[] {
  if (half.mode === 'nat') return natSteps(half)
  return [...tunnelSteps(half), ...silence(half), ...vipSteps(half)]
}

function silence({ vips, mode, tunnel }: Half): Step[] {
  if (!vips.some(vip => !isV6(vip))) return []
  const steps: Step[] = [
    set(
      'net.ipv4.conf.all.arp_ignore',
      1,
      'answer ARP only for addresses of the interface that is asked: not for a VIP on lo',
    ),
    set('net.ipv4.conf.all.arp_announce', 2, 'never name a VIP as sender in own ARP requests'),
  ]
  if (mode === 'tun') {
    const { v4 } = deviceOf({ vips, mode, tunnel } as Half)
    steps.push(
      set(
        `net.ipv4.conf.${v4}.rp_filter`,
        2,
        'packets out of the tunnel come from clients that are reached another way: loose check',
      ),
    )
  }
  return steps
}

function set(name: string, value: number, why: string): Step {
  return { why, run: ['sysctl', '-w', `${name}=${value}`] }
}

function tunnelSteps(half: Half): Step[] {
  if (half.mode !== 'tun') return []
  const { v4, v6, module } = deviceOf(half)
  const kinds = [...(half.vips.some(vip => !isV6(vip)) ? [v4] : []), ...(half.vips.some(isV6) ? [v6] : [])]
  const modules = [
    ...(half.vips.some(vip => !isV6(vip)) && module ? [module] : []),
    ...(half.vips.some(isV6) && half.tunnel.type !== 'gre' ? ['ip6_tunnel'] : []),
  ]
  const steps: Step[] = modules.map(name => ({
    why: `the kernel's ${name} takes the packets out of the tunnel`,
    run: ['modprobe', name],
  }))
  if (half.tunnel.type === 'gue') {
    const port = String(half.tunnel.port)
    steps.push(
      { why: 'GUE is carried over UDP', run: ['modprobe', 'fou'] },
      {
        why: `GUE packets arrive on UDP port ${port}`,
        run: ['ip', 'fou', 'add', 'port', port, 'gue'],
        undo: ['ip', 'fou', 'del', 'port', port],
      },
    )
  }
  for (const name of kinds)
    steps.push({
      why: 'the tunnel must be up',
      run: ['ip', 'link', 'set', name, 'up'],
      undo: ['ip', 'link', 'set', name, 'down'],
    })
  return steps
}

function vipSteps(half: Half): Step[] {
  const { v4, v6 } = deviceOf(half)
  return half.vips.map(vip => {
    const six = isV6(vip)
    const cidr = `${vip}/${six ? 128 : 32}`
    const dev = six ? v6 : v4
    const more = six ? ['nodad', 'preferred_lft', '0'] : []
    return {
      why: `packets to ${vip} are for this machine; /${six ? 128 : 32}, or the whole network would seem to be on ${dev}`,
      run: ['ip', 'address', 'replace', cidr, 'dev', dev, ...more],
      undo: ['ip', 'address', 'del', cidr, 'dev', dev],
    }
  })
}

function natSteps({ gateway }: Half): Step[] {
  if (gateway === undefined) return []
  return [
    {
      why: 'answers must go back through the director, which puts the VIP back into them',
      run: ['ip', ...(isV6(gateway) ? ['-6'] : []), 'route', 'replace', 'default', 'via', gateway],
    },
  ]
}

export function isV6(address: string): boolean {
  return address.includes(':')
}

/** As somebody would type it. */
export function shell(command: readonly string[]): string {
  return command.map(word => (/^[\w./:=@+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')
}
