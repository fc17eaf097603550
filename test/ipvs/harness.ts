import { type Context, desired } from '../../src/ipvs/desired.js'
import type { TableEvent } from '../../src/ipvs/events.js'
import type { WantedGlobals } from '../../src/ipvs/globals.js'
import type { RealServerInput, VirtualServerInput } from '../../src/ipvs/inputs.js'
import { manager } from '../../src/ipvs/manager.js'
import type { Clock, Journal, JournalContent, Kernel, Millis } from '../../src/ipvs/ports.js'
import type { Server, Service, ServiceId } from '../../src/ipvs/table.js'

export const WEB: ServiceId = { protocol: 'tcp', address: '10.9.0.100', port: 80 }
export const web: Service = { id: WEB, settings: { scheduler: 'wrr', flags: [], onePacket: false } }
export const FOREIGN: Service = { ...web, id: { protocol: 'udp', address: '10.9.0.200', port: 53 } }

export const rs = (last: number, weight = 1): Server => ({
  address: `10.9.0.${last}`,
  port: 80,
  settings: { weight, forward: 'dr', upper: 0, lower: 0 },
})

export const realServer = (last: number, more: Partial<RealServerInput> = {}): RealServerInput => ({
  ...rs(last),
  verdict: 'up',
  inhibit: false,
  ...more,
})

export const virtualServer = (
  servers: readonly RealServerInput[],
  more: Partial<VirtualServerInput> = {},
): VirtualServerInput => ({
  name: 'web',
  ids: [WEB],
  settings: web.settings,
  quorum: 1,
  hysteresis: 0,
  start: 'check',
  servers,
  ...more,
})

/** Time that passes only when told. */
export function virtualClock() {
  let now = 0
  const alarms = new Set<{ deadline: Millis; wake: () => void }>()
  const clock: Clock = {
    now: () => now,
    at(deadline, wake) {
      const alarm = { deadline, wake }
      alarms.add(alarm)
      return () => alarms.delete(alarm)
    },
  }
  return {
    clock,
    /** Wakes whoever is due, in order, and lets each finish. */
    async advance(ms: Millis, settle: () => Promise<void>) {
      const end = now + ms
      for (;;) {
        const due = [...alarms].filter(one => one.deadline <= end).sort((a, b) => a.deadline - b.deadline)[0]
        if (!due) break
        alarms.delete(due)
        now = Math.max(now, due.deadline)
        due.wake()
        await settle()
      }
      now = end
      await settle()
    },
  }
}

export function memoryJournal(content: Partial<JournalContent> = {}) {
  let kept: JournalContent = { services: [], quiet: {}, daemons: [], ...content }
  let failure: Error | undefined
  const journal: Journal = {
    read: async () => kept,
    async write(next) {
      if (failure) throw failure
      kept = next
    },
  }
  return {
    journal,
    content: () => kept,
    failWith(error: Error | undefined) {
      failure = error
    },
  }
}

/** A manager over any kernel, in virtual time, with the inputs in the test's hand. */
export function bench(kernel: Kernel, inputs: readonly VirtualServerInput[], journal = memoryJournal()) {
  const time = virtualClock()
  const events: TableEvent[] = []
  const wish = { inputs, drift: 'repair' as 'repair' | 'report', globals: {} as WantedGlobals }
  let passes = 0
  const one = manager(
    { kernel, clock: time.clock, journal: journal.journal },
    {
      want: (context: Context) => desired(wish.inputs, context),
      globals: () => wish.globals,
      drift: () => wish.drift,
      onEvent: event => events.push(event),
      onPass: () => passes++,
    },
  )
  return {
    manager: one,
    wish,
    journal,
    now: time.clock.now,
    /** Events since the last look. */
    events: () => events.splice(0),
    passes: () => passes,
    advance: (ms: Millis) => time.advance(ms, () => one.settled()),
    async say(...next: VirtualServerInput[]) {
      wish.inputs = next
      one.look()
      await one.settled()
    },
  }
}
