/** A service's key in the quick view: its `serviceKey`, less the family of a mark, which the kernel does not print. */
export function fastKey(serviceKey: string): string {
  return serviceKey.startsWith('mark ') ? serviceKey.slice(0, serviceKey.lastIndexOf(' ')) : serviceKey
}
