import type { Addresses } from '../../vrrp/ports.js'
import type { VirtualRouter } from '../../vrrp/virtual-router.js'
import type { Routes } from './routes.js'

/**
 * Addresses whose routes and rules move with them: added when the VIPs are there (a route may name one as its source), removed with them. A route that cannot be
 * added refuses the claim like a VIP. `find` answers what a router's configuration is now.
 */
export function withRoutes(
  addresses: Addresses,
  routes: Routes,
  find: (router: string) => Pick<VirtualRouter, 'routes' | 'rules'> | undefined,
): Addresses {
  const holding = new Set<string>()
  return {
    async claim(router, vips) {
      await addresses.claim(router, vips)
      const { routes: wanted = [], rules = [] } = find(router) ?? {}
      if (wanted.length === 0 && rules.length === 0 && !holding.has(router)) return
      holding.add(router)
      await routes.claim(router, wanted, rules)
    },
    renew: (router, lasts) => addresses.renew(router, lasts),
    async release(router) {
      // Both at once: the VIP must not wait for a route.
      await Promise.all([holding.delete(router) ? routes.release(router) : undefined, addresses.release(router)])
    },
  }
}
