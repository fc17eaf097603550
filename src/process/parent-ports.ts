import { createLog, type LogLevel } from '../log.js'
import type { ParentPorts } from './parent.js'

/** The parent's share of Linux. Native parts load only when they are needed. */
export function parentPorts(level: string, node: string): ParentPorts {
  const log = createLog({ level: level as LogLevel, role: 'parent', node })
  return {
    async withdraw(held) {
      const { withdraw } = await import('../linux/withdraw.js')
      const refused = await withdraw(held.flatMap(router => router.vips))
      if (refused.length > 0) log.error({ event: 'vip.withdraw-failed', refused }, 'vip.withdraw-failed')
    },
    notify(state) {
      if (!process.env['NOTIFY_SOCKET']) return
      void import('../linux/sd-notify.js').then(({ notifySystemd }) => notifySystemd(state))
    },
    log: (severity, event, data) => log[severity]({ event, ...data }, event),
  }
}
