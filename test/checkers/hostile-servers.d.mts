import type { Socket } from 'node:net'

/** The beginning of a good answer. */
export const ok: string
export const hostile: Readonly<Record<string, (socket: Socket) => void>>
