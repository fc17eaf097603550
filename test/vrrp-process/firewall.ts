import type { Topology } from '../lab/harness.js'

/** nfnetlink(7) by hand: NFT_MSG_GETGEN. The kernel counts every change of the rules of a network namespace. */
const ask = `
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
s.send(struct.pack('=IHHIIBBH', 20, (10 << 8) | 16, 1, 1, 0, 0, 0, 0))
answer = s.recv(4096)
# Behind two headers, NFTA_GEN_ID: length, type, number.
print(struct.unpack('>I', answer[24:28])[0])
`

/** How often the firewall of a node was changed (nftables, and iptables where it is a front end of that). */
export async function firewallChanges(topology: Topology, name: 'd1' | 'd2' | 'cl'): Promise<number> {
  const { status, stdout, stderr } = await topology.exec(name, ['python3', '-c', ask])
  if (status !== 0) throw new Error(stderr)
  return Number(stdout)
}
