import type { Config, RouterConfig } from '../../config/config.js'

/**
 * In which order to reload when advertised VIPs change beside a keepalived before 2.3.3: it drops adverts whose addresses are not its own, and becomes master as
 * well. While it is the master itself nothing of ours is compared. `known`: the directors that are heard as lvskeeper.
 */
export function vipOrder(now: Config, next: Config, known: ReadonlySet<string>): readonly string[] {
  const before = new Map(now.routers.map(router => [router.name, router]))
  const unknown = next.directors.map(({ name }) => name).filter(name => name !== next.node.name && !known.has(name))
  if (unknown.length === 0) return []
  const them = unknown.join(', ')
  return next.routers
    .filter(router => advertised(before.get(router.name) ?? router) !== advertised(router))
    .map(
      ({ name }) =>
        `virtual router ${name}: ${them} ${unknown.length === 1 ? 'is' : 'are'} not heard as lvskeeper. A keepalived before 2.3.3 drops adverts with other VIPs and becomes master as well: let it be master first (\`lvskeeper failover ${name} --force\`), reload here, reload it, then \`lvskeeper failover ${name} --back\``,
    )
}

function advertised({ vips }: RouterConfig): string {
  return vips
    .map(({ address }) => address)
    .sort()
    .join(' ')
}
