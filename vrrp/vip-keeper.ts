import type { Addresses, Vip } from './ports.js'

export type VipKeeper = {
  /** From now on the kernel is to hold these. `done` is called with the kernel's answer unless something newer was asked meanwhile. */
  hold(vips: readonly Vip[], done: (error: string | undefined) => void): void
  /** From now on it is to hold none. */
  drop(): void
  /** Resolves when the kernel holds what was asked last. */
  settled(): Promise<void>
}

/** Brings the kernel to what was asked last, one request at a time: a claim and a release never overtake each other. */
export function vipKeeper(router: string, addresses: Addresses): VipKeeper {
  let wanted: { vips: readonly Vip[]; done: (error: string | undefined) => void } | undefined
  let generation = 0
  let tail: Promise<void> = Promise.resolve()
  let idle = true

  return {
    hold(vips, done) {
      wanted = { vips, done }
      turn()
    },
    drop() {
      wanted = undefined
      turn()
    },
    settled: () => tail,
  }

  function turn() {
    generation++
    // The first request reaches the kernel in this very turn of the loop: a takeover waits for nothing.
    tail = idle ? run(generation) : tail.then(() => run(generation))
  }

  async function run(asked: number): Promise<void> {
    if (asked !== generation) return
    idle = false
    const target = wanted
    let error: string | undefined
    try {
      if (target) await addresses.claim(router, target.vips)
      else await addresses.release(router)
    } catch (cause) {
      error = cause instanceof Error ? cause.message : String(cause)
    }
    idle = true
    if (asked === generation) target?.done(error)
  }
}
