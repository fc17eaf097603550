import { ipvsadmLine } from './ipvsadm.js'
import type { Op } from './plan.js'

/** One sentence for a person: what the kernel refused, what that means here, and what to do. */
export function explainError(op: Op, errno: string): string {
  return `the kernel refused "${ipvsadmLine(op)}" (${errno}): ${meaning(op, errno)}`
}

/** net/netfilter/ipvs/ip_vs_ctl.c: which check answers with which errno. */
function meaning(op: Op, errno: string): string {
  const { settings } = op.service
  switch (errno) {
    case 'ENOENT':
      if (op.op === 'add-service' || op.op === 'edit-service') {
        const engine = settings.persistence?.engine
        const modules = [`ip_vs_${settings.scheduler}`, ...(engine ? [`ip_vs_pe_${engine}`] : [])]
        return `this kernel has no scheduler "${settings.scheduler}"${engine ? ` or no persistence engine "${engine}"` : ''}: try "modprobe ${modules.join(' ')}" (kernel module missing)`
      }
      return 'there is no such real server (any more)'
    case 'ESRCH':
      return 'there is no such service (any more)'
    case 'EEXIST':
      return 'somebody else has just added it'
    case 'EINVAL':
      return op.op === 'add-server' || op.op === 'edit-server'
        ? 'these settings do not go together; a real server of the other address family needs a tunnel and no sync daemon, and the loopback interface of this namespace must be up'
        : 'these settings do not go together, or an IPv6 address is not a unicast one'
    case 'ERANGE':
      return 'a weight or threshold is out of range; the lower threshold must not be above the upper one'
    case 'EAFNOSUPPORT':
    case 'EPROTONOSUPPORT':
      return 'this kernel balances no such protocol or address family'
    case 'ENOMEM':
      return 'it is out of memory'
    case 'EPERM':
      return 'CAP_NET_ADMIN is missing: run as root'
    case 'ENOBUFS':
      return 'its answers were lost; some of it may have been done'
    default:
      return 'unexpected'
  }
}
