/**
 * A refusal after a dying connection may take out at most half of a service's servers: were it wrong, the other half
 * would still serve. The rest go by `fall`. Pure: who is out by watch alone is asked, not remembered.
 */
export function mayBeFinal(
  key: string,
  /** The checks of each service that this check takes part in, one or more per server. */
  services: Iterable<readonly { readonly server: string; readonly keys: readonly string[] }[]>,
  outByWatch: (key: string) => boolean,
): boolean {
  for (const servers of services) {
    const out = servers.filter(({ keys }) => keys.some(other => other === key || outByWatch(other)))
    if (out.length * 2 > servers.length) return false
  }
  return true
}
