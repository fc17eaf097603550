/** The part of raw-socket 1.8 that is used here: the wrapped native socket, whose calls are synchronous and non-blocking. */
declare module 'raw-socket' {
  import type { EventEmitter } from 'node:events'

  /** `recv` and `send` throw an Error with strerror's text; EAGAIN among them. */
  export interface SocketWrap extends EventEmitter {
    recv(buffer: Buffer, callback: (buffer: Buffer, bytes: number, source: string) => void): void
    send(buffer: Buffer, offset: number, length: number, address: string, callback: (bytes: number) => void): void
    pause(receive: boolean, send: boolean): void
    setOption(level: number, option: number, value: Buffer, length: number): void
    setOption(level: number, option: number, value: number): void
    getOption(level: number, option: number, value: Buffer, length: number): number
    close(): void
  }

  export interface Socket extends EventEmitter {
    readonly wrap: SocketWrap
    close(): this
  }

  export enum AddressFamily {
    IPv4 = 1,
    IPv6 = 2,
  }

  export function createSocket(options: { protocol: number; addressFamily: AddressFamily; bufferSize?: number }): Socket
}
