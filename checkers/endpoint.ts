import type { Target } from './ports.js'

/** `10.9.0.21:80`, `[fd00:9::21]:80`; without the port where it is the default one. A zone (`%eth0`) is left out. */
export function endpointHost({ address, port }: Target, defaultPort: number): string {
  const host = address.includes(':') ? `[${address.replace(/%.*$/, '')}]` : address
  return port === defaultPort ? host : `${host}:${port}`
}
