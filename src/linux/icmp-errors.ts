/**
 * The error of a connection attempt that had begun: an ICMP message about the other side. No route and "prohibited"
 * (ICMP code 0, ICMPv6 codes 0 and 1) have the names of what this host itself may lack, and would not count against the server.
 */
export function fromAfar(errno: string): string {
  return errno === 'ENETUNREACH' || errno === 'EACCES' ? 'EHOSTUNREACH' : errno
}

/** linux/in.h, linux/in6.h: level and option that keep ICMP messages in the socket's error queue, and end its connect at once. */
export const errorQueue = { 4: [0, 11], 6: [41, 25] } as const
