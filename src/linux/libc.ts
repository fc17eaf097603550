import koffi from 'koffi'
import { errnoName, KernelError } from './errno.js'

/** The process's own symbols: the libc that Node runs on, whichever it is. */
const library = koffi.load(null)
const close = library.func('int close(int fd)')

/** Calls that Node has not. Each answers as in its manual page (section 2): -1 and errno, which `must` and `attempt` read. */
export const libc = {
  socket: library.func('int socket(int domain, int type, int protocol)') as (
    domain: number,
    type: number,
    protocol: number,
  ) => number,
  bind: library.func('int bind(int fd, void *address, uint32_t length)') as (
    fd: number,
    address: Buffer,
    length: number,
  ) => number,
  connect: library.func('int connect(int fd, void *address, uint32_t length)') as (
    fd: number,
    address: Buffer,
    length: number,
  ) => number,
  setsockopt: library.func('int setsockopt(int fd, int level, int option, void *value, uint32_t length)') as (
    fd: number,
    level: number,
    option: number,
    value: Buffer,
    length: number,
  ) => number,
  getsockopt: library.func(
    'int getsockopt(int fd, int level, int option, _Out_ void *value, _Inout_ uint32_t *length)',
  ) as (fd: number, level: number, option: number, value: Buffer, length: [number]) => number,
  getsockname: library.func('int getsockname(int fd, _Out_ void *address, _Inout_ uint32_t *length)') as (
    fd: number,
    address: Buffer,
    length: [number],
  ) => number,
  sendto: library.func('long sendto(int fd, void *data, size_t length, int flags, void *address, uint32_t size)') as (
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
    address: Buffer,
    size: number,
  ) => number,
  recvfrom: library.func(
    'long recvfrom(int fd, _Out_ void *data, size_t length, int flags, _Out_ void *address, _Inout_ uint32_t *size)',
  ) as (fd: number, data: Buffer, length: number, flags: number, address: Buffer, size: [number]) => number,
  close: close as (fd: number) => number,
  /** In a thread of the pool, for what makes the kernel wait. Nothing may be done with `fd` any more. */
  closeAside: (fd: number): void => void close.async(fd, () => {}),
  ioctl: library.func('int ioctl(int fd, unsigned long request, _Out_ void *argument)') as (
    fd: number,
    request: number,
    argument: Buffer,
  ) => number,
  clockGettime: library.func('int clock_gettime(int clock, _Out_ void *time)') as (
    clock: number,
    time: Buffer,
  ) => number,
  timerfdCreate: library.func('int timerfd_create(int clock, int flags)') as (clock: number, flags: number) => number,
  timerfdSettime: library.func('int timerfd_settime(int fd, int flags, void *value, void *old)') as (
    fd: number,
    flags: number,
    value: Buffer,
    old: null,
  ) => number,
  schedSetscheduler: library.func('int sched_setscheduler(int pid, int policy, void *parameter)') as (
    pid: number,
    policy: number,
    parameter: Buffer,
  ) => number,
  ifNametoindex: library.func('uint32_t if_nametoindex(str name)') as (name: string) => number,
  strerror: library.func('str strerror(int errno)') as (errno: number) => string,
} as const

export type PollHandle = ReturnType<typeof koffi.node.poll>

/** Watches a file descriptor in the event loop (uv_poll). What `ready` throws ends the process like any uncaught error; koffi alone would drop it. */
export function poll(fd: number, events: { readable?: boolean; writable?: boolean }, ready: () => void): PollHandle {
  return koffi.node.poll(fd, events, () => {
    try {
      ready()
    } catch (error) {
      setImmediate(() => {
        throw error
      })
    }
  })
}

/** The address of a Buffer's memory. The caller keeps the Buffer alive as long as anyone may read it. */
export const addressOf = (buffer: Buffer): bigint => koffi.address(buffer)

/** Passes a result on, or throws the kernel's refusal. `call` names what was asked, for the message. */
export function must(result: number, call: string): number {
  if (result < 0) throw new KernelError(call, errnoName(koffi.errno()))
  return result
}

/** The errno name of a call that has just answered -1, else undefined. */
export function refusal(result: number): string | undefined {
  return result < 0 ? errnoName(koffi.errno()) : undefined
}

/** setsockopt with a number (4 bytes) or bytes; throws the kernel's refusal. */
export function setOption(fd: number, level: number, option: number, value: number | Buffer, call: string): void {
  const bytes = typeof value === 'number' ? int32(value) : value
  must(libc.setsockopt(fd, level, option, bytes, bytes.length), call)
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}
