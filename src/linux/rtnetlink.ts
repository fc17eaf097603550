/** Message types of linux/rtnetlink.h. */
export const rtm = {
  newLink: 16,
  delLink: 17,
  getLink: 18,
  newAddress: 20,
  delAddress: 21,
  getAddress: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
  getNeighbour: 30,
  newRule: 32,
  delRule: 33,
  getRule: 34,
} as const

/** Flags of requests that make something (linux/netlink.h). */
export const nlm = { replace: 0x100, exclusive: 0x200, create: 0x400 } as const

/**
 * The number in IFA_PROTO, rtm_protocol and FRA_PROTOCOL that marks what is ours: the IP protocol number of VRRP, which neither the kernel
 * nor a well-known routing daemon uses there (linux/rtnetlink.h, linux/if_addr.h).
 */
export const ownProtocol = 112
