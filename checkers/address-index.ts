import type { Target } from './ports.js'

/** What is aimed at an address, whatever the port. */
export function createAddressIndex<T extends { readonly target: Target }>() {
  const all = new Map<string, Set<T>>()
  return {
    add(item: T): void {
      const known = all.get(item.target.address)
      if (known) known.add(item)
      else all.set(item.target.address, new Set([item]))
    },
    remove(item: T): void {
      const known = all.get(item.target.address)
      if (known?.delete(item) && known.size === 0) all.delete(item.target.address)
    },
    at: (address: string): Iterable<T> => all.get(address) ?? [],
  }
}
