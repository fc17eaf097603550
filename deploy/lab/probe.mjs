#!/usr/bin/env node
// A client that never stops asking: one new connection every few milliseconds, each attempt on its own, so that one that
// hangs holds up no other. Says at the end for how long nobody answered.
import { createWriteStream } from 'node:fs'
import { connect } from 'node:net'
import { parseArgs } from 'node:util'

const usage = `usage: probe.mjs [--target 10.9.0.100:80] [--path /] [--every MS] [--timeout MS] [--duration SECONDS]
                 [--threshold MS] [--sockets N] [--log FILE] [--tell]
  --every      a new attempt every so many milliseconds (2)
  --timeout    of one attempt, from its SYN to the end of the answer (250)
  --duration   ends by itself after so many seconds; SIGTERM and SIGINT end it too
  --threshold  gaps longer than so many milliseconds are listed (50)
  --sockets    at most so many attempts at a time (1000); one that finds no room counts as skipped
  --log        one JSON line for each attempt
  --tell       says 'asking' on standard error once it asks: before that, a signal ends it without a word
Prints one JSON object: times in epoch milliseconds; a gap lies between one success and the next.
SIGUSR1 prints the object of the moment and goes on.`

const { values: option } = parseArgs({
  options: {
    target: { type: 'string', default: '10.9.0.100:80' },
    path: { type: 'string', default: '/' },
    every: { type: 'string', default: '2' },
    timeout: { type: 'string', default: '250' },
    duration: { type: 'string' },
    threshold: { type: 'string', default: '50' },
    sockets: { type: 'string', default: '1000' },
    log: { type: 'string' },
    tell: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
})
if (option.help) {
  console.log(usage)
  process.exit(0)
}
const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(option.target) ?? []
const every = Number(option.every)
const timeout = Number(option.timeout)
const threshold = Number(option.threshold)
const sockets = Number(option.sockets)
if (!host || !(every > 0) || !(timeout > 0) || !(sockets > 0) || !(threshold >= 0)) {
  console.error(usage)
  process.exit(64)
}
const request = `GET ${option.path} HTTP/1.0\r\nHost: ${host}\r\n\r\n`
const log = option.log ? createWriteStream(option.log) : undefined

/** Epoch milliseconds from the monotonic clock: never jumps, has fractions. */
const now = () => performance.timeOrigin + performance.now()

const began = now()
const errors = {}
const servers = {}
const gaps = []
let attempts = 0
let ok = 0
let skipped = 0
let open = 0
let worstLateness = 0
let lastSuccess = began
let longest = { start: began, end: began, ms: 0 }

function attempt() {
  if (open >= sockets) {
    skipped++
    return
  }
  open++
  const number = ++attempts
  const start = now()
  const socket = connect({ host, port: Number(port) })
  let text = ''
  let over = false
  const timer = setTimeout(() => finish('timeout'), timeout)
  socket.setEncoding('latin1')
  socket.on('connect', () => socket.write(request))
  socket.on('data', piece => {
    text += piece
  })
  socket.on('error', error => finish(error.code ?? error.message))
  socket.on('end', () => {
    const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(text) ?? []
    const body = text.slice(text.indexOf('\r\n\r\n') + 4).trim()
    if (status === '200') finish(undefined, body.split(/\s/)[0])
    else finish(status ? `status ${status}` : 'no answer')
  })

  function finish(error, server) {
    if (over) return
    over = true
    clearTimeout(timer)
    open--
    if (error) socket.resetAndDestroy()
    else socket.destroy()
    const end = now()
    if (error) errors[error] = (errors[error] ?? 0) + 1
    else {
      ok++
      servers[server] = (servers[server] ?? 0) + 1
      endGap(end)
    }
    log?.write(`${JSON.stringify({ number, start, end, error, server })}\n`)
  }
}

function endGap(end) {
  const gap = { start: lastSuccess, end, ms: end - lastSuccess }
  lastSuccess = end
  if (gap.ms > longest.ms) longest = gap
  if (gap.ms > threshold) gaps.push(gap)
}

function summary() {
  const unfinished = { start: lastSuccess, end: now(), ms: now() - lastSuccess, open: true }
  const all = unfinished.ms > threshold ? [...gaps, unfinished] : gaps
  return {
    target: option.target,
    start: began,
    end: now(),
    attempts,
    ok,
    skipped,
    longestGapMs: Math.max(longest.ms, unfinished.ms > threshold ? unfinished.ms : 0),
    gaps: all,
    errors,
    servers,
    worstLatenessMs: worstLateness,
  }
}

// Times of attempts are fixed beforehand; those that this process itself was too late for are left out, not caught up with.
let due = performance.now()
function next() {
  const lateness = performance.now() - due
  worstLateness = Math.max(worstLateness, lateness)
  attempt()
  due += every * Math.max(1, Math.ceil(lateness / every))
  pending = setTimeout(next, due - performance.now())
}
let pending = setTimeout(next, 0)

function stop() {
  clearTimeout(pending)
  const text = `${JSON.stringify(summary())}\n`
  const leave = () => process.stdout.write(text, () => process.exit(0))
  if (log) log.end(leave)
  else leave()
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
process.on('SIGUSR1', () => process.stdout.write(`${JSON.stringify(summary())}\n`))
if (option.tell) console.error('asking')
if (option.duration) setTimeout(stop, Number(option.duration) * 1000)
