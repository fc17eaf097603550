import type { Target } from '../../checkers/ports.js'
import type { Link, Links } from '../linux/links.js'
import { sourceTowards } from '../linux/source-address.js'

/** Which interface leads to each real server, and what is wrong with it: trouble of our own that no real server is blamed for. */
export function createWays(
  links: Pick<Links, 'addresses' | 'byIndex' | 'watch'>,
  towards: typeof sourceTowards = sourceTowards,
) {
  /** Interface index by address of the target; kept while it is down, lest a default route takes its place. */
  const ways = new Map<string, number>()

  function learn(address: string): Link | undefined {
    const found = towards(address)
    if ('errno' in found || found.source === address) return undefined
    const index = links.addresses().find(own => own.address === found.source)?.index
    const link = index === undefined ? undefined : links.byIndex(index)
    if (link) ways.set(address, link.index)
    return link
  }

  function linkTo(address: string): Link | undefined {
    const known = ways.get(address)
    const link = known === undefined ? undefined : links.byIndex(known)
    return link ?? learn(address)
  }

  return {
    /** Looks once where each of them is reached, before anything breaks. */
    learn(addresses: Iterable<string>): void {
      const wanted = new Set(addresses)
      for (const known of ways.keys()) if (!wanted.has(known)) ways.delete(known)
      for (const address of wanted) if (!ways.has(address)) learn(address)
    },
    linkTo,
    /** Why a failure at this target says nothing about it just now; undefined: it does. */
    excuse({ address }: Target): string | undefined {
      const link = linkTo(address)
      if (link && !link.running) return `${link.name} ${link.up ? 'has no carrier' : 'is down'}`
      const found = towards(address)
      return 'errno' in found ? `no route to ${address} (${found.errno})` : undefined
    },
    /** A link that leads to real servers went up or down: `changed` is told which addresses are behind it. */
    watch(changed: (addresses: readonly string[], link: Link) => void): () => void {
      return links.watch(event => {
        if (event.type === 'address' || event.type === 'address-gone') {
          // Another address may be another way, but never in the place of one whose interface is down.
          for (const [address, index] of ways) if (links.byIndex(index)?.running) ways.delete(address)
          return
        }
        if (event.type === 'link-gone') {
          for (const [address, index] of ways) if (index === event.link.index) ways.delete(address)
          return
        }
        if (event.type === 'link-moved') return
        if (!event.before || event.before.running === event.link.running) return
        const behind = [...ways].filter(([, index]) => index === event.link.index).map(([address]) => address)
        if (behind.length > 0) changed(behind, event.link)
      })
    },
    /** Of the interfaces that lead to these: are all of them up? undefined: none is known. */
    up(addresses: Iterable<string>): boolean | undefined {
      const found = new Set<Link>()
      for (const address of addresses) {
        const link = linkTo(address)
        if (link) found.add(link)
      }
      return found.size === 0 ? undefined : [...found].every(link => link.running)
    },
  }
}

export type Ways = ReturnType<typeof createWays>
