import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The first KiB of a file; or why it cannot be read: what errno says (ENOENT: it is not there). */
export type FileStart = { readonly text: string } | { readonly errno: string; readonly message: string }

/** Reads at once that get on. */
const TOGETHER = 4
/** One that takes longer, ms, is no longer waited for by the files of other folders. */
const STUCK = 100
/** A read on a dead network mount never ends, and keeps its thread. So many may go (UV_THREADPOOL_SIZE in process/child.ts); the rest are for others. */
const THREADS = 2
/** Folders that are being read, each by a thread or a process of its own. */
const MOST = 100

type Read = { readonly began: number; readonly at: number; readonly thread: boolean }
type Wait = { readonly path: string; readonly folder: string; readonly done: (start: FileStart) => void }

/** By folder, one file of each at a time: all that a dead mount has there holds one thread or process. */
const reading = new Map<string, Read>()
const waiting = new Set<Wait>()
let armed = false

/**
 * Reads the start of a file when it is its turn, however many other folders are on file systems that do not answer: where those
 * keep the threads, a small process reads. Returns how to give up; a read that has begun goes on, and nobody hears of it.
 */
export function readStart(path: string, done: (start: FileStart) => void): () => void {
  const wait = { path, folder: dirname(path), done }
  waiting.add(wait)
  fill()
  return () => waiting.delete(wait)
}

/** Why a file that was asked for has not been read. */
export function unread(path: string): string {
  const own = reading.get(dirname(path))
  if (own) return `no answer from the file system since ${new Date(own.at).toISOString()}`
  return reading.size < MOST
    ? 'other files are still being read'
    : `not read while ${reading.size} folders do not answer`
}

/** Whether a thread is at a file: process.exit waits for it, on a dead mount for ever. */
export function isReading(): boolean {
  return threads() > 0
}

function threads(): number {
  return [...reading.values()].filter(({ thread }) => thread).length
}

function fill(): void {
  for (const wait of waiting) {
    if (reading.has(wait.folder)) continue
    const moving = [...reading.values()].map(({ began }) => began + STUCK - performance.now()).filter(ms => ms > 0)
    if (reading.size >= MOST) return
    if (moving.length >= TOGETHER) {
      if (!armed) setTimeout(refill, Math.min(...moving) + 1)
      armed = true
      return
    }
    waiting.delete(wait)
    const thread = threads() < THREADS
    reading.set(wait.folder, { began: performance.now(), at: Date.now(), thread })
    void (thread ? byThread(wait.path) : byProcess(wait.path)).then(start => {
      reading.delete(wait.folder)
      wait.done(start)
      fill()
    })
  }
}

function refill(): void {
  armed = false
  fill()
}

/** A pipe that nobody writes is empty, and a long file is read no further. */
async function byThread(path: string): Promise<FileStart> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, null)
      return { text: buffer.toString('utf8', 0, bytesRead) }
    } finally {
      await file.close()
    }
  } catch (error) {
    const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException
    return { errno: code, message }
  }
}

const reader = ['--pdeathsig', 'KILL', 'dd', 'iflag=nonblock', 'bs=1024', 'count=1', 'status=none']
const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }

/** The same, by a process that ends with this one. */
function byProcess(path: string): Promise<FileStart> {
  return new Promise<FileStart>(resolve => {
    execFile('setpriv', [...reader, `if=${path}`], { env }, (error, text, complaint) => {
      if (!error) return resolve({ text })
      // Not dd has failed, but what starts it: that is no word about the file.
      if (typeof error.code !== 'number') return resolve({ errno: 'EAGAIN', message: error.message })
      const missing = /: (No such file or directory|Not a directory)$/m.test(complaint)
      resolve({ errno: missing ? 'ENOENT' : 'EIO', message: complaint.trim() || error.message })
    })
  }).catch((error: Error) => ({ errno: 'EAGAIN', message: error.message }))
}
