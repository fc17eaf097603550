import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { sh } from './lab.js'

/**
 * Around a director that is the test's own namespace: two real servers and a client on its segment (DR and tunnels
 * answer the client directly), and a client on another network (NAT answers pass the director).
 *
 *   near 10.9.0.5 ──┬── bridge 10.9.0.11, VIP 10.9.0.100 ── far 10.10.0.2
 *   rs1  10.9.0.21 ─┤
 *   rs2  10.9.0.22 ─┘          (and fd00:9::/64, fd00:10::/64 alike)
 */
export async function segment(id: string) {
  const ns = (name: string) => `${id}-${name}`
  const inside = (name: string, ...command: string[]) => sh('ip', 'netns', 'exec', ns(name), ...command)
  const children: ChildProcess[] = []
  const bridge = 'ipvsbr'

  function node(name: string, four: string, six: string, gateway: readonly [string, string]): void {
    sh('ip', 'netns', 'add', ns(name))
    sh('ip', 'link', 'add', `v-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', ns(name))
    sh('ip', 'link', 'set', `v-${name}`, 'up')
    for (const link of ['lo', 'eth0']) inside(name, 'ip', 'link', 'set', link, 'up')
    inside(name, 'ip', 'addr', 'add', four, 'dev', 'eth0')
    inside(name, 'ip', 'addr', 'add', six, 'dev', 'eth0', 'nodad')
    inside(name, 'ip', 'route', 'add', 'default', 'via', gateway[0])
    inside(name, 'ip', '-6', 'route', 'add', 'default', 'via', gateway[1])
  }

  sh('ip', 'link', 'add', bridge, 'type', 'bridge')
  for (const address of ['10.9.0.11/24', '10.9.0.100/32']) sh('ip', 'addr', 'add', address, 'dev', bridge)
  sh('ip', 'addr', 'add', 'fd00:9::11/64', 'dev', bridge, 'nodad')
  // Deprecated, as lvskeeper adds VIPs: else tunnels would start from it, and the real servers hold it themselves.
  sh('ip', 'addr', 'add', 'fd00:9::100/128', 'dev', bridge, 'preferred_lft', '0', 'nodad')
  sh('ip', 'link', 'set', bridge, 'up')
  const director = ['10.9.0.11', 'fd00:9::11'] as const
  node('near', '10.9.0.5/24', 'fd00:9::5/64', director)
  node('far', '10.10.0.2/24', 'fd00:10::2/64', ['10.10.0.1', 'fd00:10::1'])
  sh('ip', 'addr', 'add', '10.10.0.1/24', 'dev', 'v-far')
  sh('ip', 'addr', 'add', 'fd00:10::1/64', 'dev', 'v-far', 'nodad')
  for (const [name, last] of [
    ['rs1', 21],
    ['rs2', 22],
  ] as const) {
    node(name, `10.9.0.${last}/24`, `fd00:9::${last}/64`, director)
    // The guides' order: first no ARP for it, then the VIP.
    inside(
      name,
      'sysctl',
      '-qw',
      'net.ipv4.conf.all.arp_ignore=1',
      'net.ipv4.conf.all.arp_announce=2',
      'net.ipv4.conf.all.rp_filter=0',
    )
    inside(name, 'ip', 'addr', 'add', '10.9.0.100/32', 'dev', 'lo')
    inside(name, 'ip', 'addr', 'add', 'fd00:9::100/128', 'dev', 'lo', 'nodad')
    // Whatever comes out of a tunnel: ipip and gue (tunl0), gre, and IPv6 in either.
    inside(name, 'ip', 'fou', 'add', 'port', '6080', 'gue')
    inside(name, 'ip', '-6', 'fou', 'add', 'port', '6080', 'gue')
    for (const device of ['tunl0', 'gre0', 'sit0', 'ip6tnl0', 'ip6gre0'])
      try {
        inside(name, 'ip', 'link', 'set', device, 'up')
        inside(name, 'sysctl', '-qw', `net.ipv4.conf.${device}.rp_filter=0`)
      } catch {
        // This kernel has no such tunnel: the row that needs it will say so.
      }
    const addresses = [`10.9.0.${last}`, `fd00:9::${last}`, '10.9.0.100', 'fd00:9::100']
    const child = spawn('ip', ['netns', 'exec', ns(name), 'python3', '-c', SERVER, name, ...addresses], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    await once(child.stdout, 'data')
  }
  for (const name of ['near', 'rs1', 'rs2']) sh('ip', 'link', 'set', `v-${name}`, 'master', bridge)

  const clients = { near: client('near'), far: client('far') }

  /** One process that asks whenever it is told to: to start one each time is most of what a question costs in the lab. */
  function client(name: string): (question: string) => Promise<string> {
    const child = spawn('ip', ['netns', 'exec', ns(name), 'python3', '-c', CLIENT], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    children.push(child)
    const answers = createInterface(child.stdout)[Symbol.asyncIterator]()
    return async question => {
      child.stdin.write(`${question}\n`)
      const { value } = await answers.next()
      return String(value)
    }
  }

  return {
    bridge,
    /** Which real servers answer `count` requests from that client, in order; `-` for no answer within `patience` s. */
    ask: (from: 'near' | 'far', protocol: string, address: string, port: number, count = 4, patience = 2) =>
      clients[from](`${protocol} ${address} ${port} ${count} ${patience}`).then(answer => answer.split(' ')),
    /** Opens a connection and keeps it, saying nothing. */
    async hold(from: 'near' | 'far', address: string, port: number): Promise<void> {
      const child = spawn('ip', ['netns', 'exec', ns(from), 'python3', '-c', HOLD, address, `${port}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      children.push(child)
      await once(child.stdout, 'data')
    },
    /** Asks again and again, `gap` ms apart, until `stop`: how many answers came from whom, `-` for none. */
    keepAsking(from: 'near' | 'far', address: string, port: number, gap: number) {
      const args = ['netns', 'exec', ns(from), 'python3', '-c', LOOP, address, `${port}`, `${gap}`]
      const child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] })
      children.push(child)
      let text = ''
      child.stdout.on('data', part => {
        text += part
      })
      return {
        async stop(): Promise<Record<string, number>> {
          child.stdin.end()
          await once(child, 'close')
          return JSON.parse(text)
        },
      }
    },
    /** The real servers' end of a tunnel, for what the kernel's own fallback devices do not take. */
    receive(...type: string[]) {
      for (const [name, last] of [
        ['rs1', 21],
        ['rs2', 22],
      ] as const) {
        const local = type[0] === 'gre' ? `10.9.0.${last}` : `fd00:9::${last}`
        inside(name, 'ip', 'link', 'add', 'in0', 'type', ...type, 'local', local, 'remote', 'any')
        inside(name, 'ip', 'link', 'set', 'in0', 'up')
        inside(name, 'sysctl', '-qw', 'net.ipv4.conf.in0.rp_filter=0')
      }
    },
    stopReceiving() {
      for (const name of ['rs1', 'rs2']) inside(name, 'ip', 'link', 'del', 'in0')
    },
    down() {
      for (const child of children) child.kill('SIGKILL')
      for (const name of ['near', 'far', 'rs1', 'rs2']) {
        // At once: a namespace takes its links along some time later, and the next file makes links of the same names.
        sh('ip', 'link', 'del', `v-${name}`)
        sh('ip', 'netns', 'del', ns(name))
      }
      sh('ip', 'link', 'del', bridge)
    },
  }
}

/** Answers with its name over TCP, UDP and SCTP, on each address: a UDP answer must come from the address asked. */
const SERVER = `
import socket, sys, threading
name = sys.argv[1].encode()
def stream(s):
    while True:
        c, _ = s.accept()
        c.recv(100); c.sendall(name); c.close()
def datagram(s):
    while True:
        _, peer = s.recvfrom(100)
        s.sendto(name, peer)
for a in sys.argv[2:]:
    family = socket.AF_INET6 if ':' in a else socket.AF_INET
    for port in (80, 8080):
        for kind, proto in ((socket.SOCK_STREAM, 6), (socket.SOCK_STREAM, 132), (socket.SOCK_DGRAM, 17)):
            s = socket.socket(family, kind, proto)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((a, port))
            if kind == socket.SOCK_STREAM: s.listen(50)
            threading.Thread(target=stream if kind == socket.SOCK_STREAM else datagram, args=(s,), daemon=True).start()
print('ready', flush=True)
threading.Event().wait()
`

const CLIENT = `
import socket, sys
kinds = {'tcp': (socket.SOCK_STREAM, 6), 'sctp': (socket.SOCK_STREAM, 132), 'udp': (socket.SOCK_DGRAM, 17)}
for line in sys.stdin:
    protocol, address, port, count, patience = line.split()
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    answers = []
    for _ in range(int(count)):
        s = socket.socket(family, *kinds[protocol])
        s.settimeout(float(patience))
        try:
            s.connect((address, int(port)))
            s.send(b'?')
            answers.append(s.recv(100).decode() or '-')
        except OSError as error:
            answers.append('-')
        s.close()
    print(*answers, flush=True)
`

const LOOP = `
import collections, json, select, socket, sys, time
address, port, gap = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) / 1000
answers = collections.Counter()
while not select.select([sys.stdin], [], [], gap)[0]:
    s = socket.socket()
    s.settimeout(3)
    try:
        s.connect((address, port)); s.send(b'?'); answers[s.recv(100).decode() or '-'] += 1
    except OSError:
        answers['-'] += 1
    s.close()
print(json.dumps(answers))
`

const HOLD = `
import socket, sys, time
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print('open', flush=True)
time.sleep(600)
`
