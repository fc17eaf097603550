import { current, type Orders, writeOrders } from './behind.js'
import type { Keep } from './keep.js'
import { ordersFile, type State } from './state.js'
import { createTimer } from './timer.js'

/** Orders to stay behind (`failover`, `maintenance`): kept on disk, told to vrrp, ended in time. */
export function createOrderBook(state: State, folder: string, keep: Keep, tell: (orders: Orders) => void) {
  const timer = createTimer(() => set(current(state.orders, Date.now())))

  function arm(): void {
    const ends = Object.values(state.orders).flatMap(({ until }) => (until === undefined ? [] : [until]))
    timer.set(ends.length > 0 ? Math.min(...ends) : undefined)
  }

  function set(orders: Orders): void {
    state.orders = orders
    keep('orders', 'a restart would go back to the failover and maintenance kept last', () =>
      writeOrders(ordersFile(folder), orders),
    )
    tell(orders)
    arm()
  }

  return {
    arm,
    set,
    /** The router has done what was asked, or could not: the order ends. */
    done(router: string): void {
      const { [router]: order, ...rest } = state.orders
      if (order) set(rest)
    },
  }
}
