import { assemble, attachFilter, type Instruction } from './bpf.js'
import { int32, libc, must, poll, refusal, setOption } from './libc.js'

/** Whole Ethernet frames of one interface index (packet(7)). */
export type PacketSocket = {
  /** Sends one frame. Returns the errno name when the kernel refused it. */
  send(index: number, frame: Uint8Array): string | undefined
  close(): void
}

/** linux/socket.h, packet(7) */
const afPacket = 17
const sockRaw = 3
const cloexecNonblock = 0o2000000 | 0o4000
const solPacket = 263
const packetIgnoreOutgoing = 23

/** A socket that only sends: protocol 0 receives nothing, so that it costs nothing between two announcements. */
export function openSender(): PacketSocket {
  const fd = must(libc.socket(afPacket, sockRaw | cloexecNonblock, 0), 'open a packet socket')
  const address = linkLayerAddress(0, 0)
  let open = true
  return {
    send(index, frame) {
      if (!open) return 'EBADF'
      address.writeInt32LE(index, 4)
      const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
      return refusal(libc.sendto(fd, bytes, bytes.length, 0, address, address.length))
    },
    close() {
      if (open) libc.close(fd)
      open = false
    },
  }
}

export type Listener = PacketSocket & {
  /** errno name of what ended the listening, if anything did. */
  problem(): string | undefined
}

/**
 * Receives the frames of one interface and ethertype that pass the filter; not those that this machine sends. `onFrame` keeps no frame: the buffer is used
 * again. Throws a KernelError when the socket cannot be made.
 */
export function listenFrames(
  index: number,
  ethertype: number,
  filter: readonly Instruction[],
  onFrame: (frame: Buffer) => void,
): Listener {
  // Protocol 0 until the filter is loaded: nothing unfiltered may wait in the queue.
  const fd = must(libc.socket(afPacket, sockRaw | cloexecNonblock, 0), 'open a packet socket')
  const buffer = Buffer.alloc(2048)
  const from = Buffer.alloc(20)
  let problem: string | undefined
  let open = true
  try {
    const { option } = assemble(filter)
    setOption(fd, 1, attachFilter, option, 'load a filter')
    // Linux 4.20; older ones show our own frames, which the caller tells by their MAC.
    libc.setsockopt(fd, solPacket, packetIgnoreOutgoing, int32(1), 4)
    const address = linkLayerAddress(ethertype, index)
    must(libc.bind(fd, address, address.length), 'listen on an interface')
  } catch (error) {
    libc.close(fd)
    throw error
  }
  const watcher = poll(fd, { readable: true }, () => {
    // A filtered flood ends in the kernel; what passes is bounded per turn.
    for (let count = 0; count < 64 && open; count++) {
      const length = libc.recvfrom(fd, buffer, buffer.length, 0, from, [from.length])
      const refused = refusal(length)
      if (refused !== undefined) {
        if (refused !== 'EAGAIN') problem = refused
        return
      }
      onFrame(buffer.subarray(0, length))
    }
  })
  const outgoing = linkLayerAddress(0, index)
  return {
    send: (_, frame) => {
      if (!open) return 'EBADF'
      const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
      return refusal(libc.sendto(fd, bytes, bytes.length, 0, outgoing, outgoing.length))
    },
    problem: () => problem,
    close() {
      if (!open) return
      open = false
      watcher.close()
      // The kernel lets every processor finish with the packets under way first (packet_release): 5 to 30 ms, in which an advert may be due.
      libc.closeAside(fd)
    },
  }
}

/** struct sockaddr_ll: family, protocol (network order), index; the rest is not needed to send or bind. */
function linkLayerAddress(ethertype: number, index: number): Buffer {
  const address = Buffer.alloc(20)
  address.writeUInt16LE(afPacket, 0)
  address.writeUInt16BE(ethertype, 2)
  address.writeInt32LE(index, 4)
  return address
}
