import { attempt } from './attempt.js'
import { excerpt } from './errors.js'
import type { Dial, Outcome, Probe, Wish } from './ports.js'
import type { AgentSpec } from './spec.js'

/**
 * HAProxy's agent-check: connects, sends if there is something to send, reads one line of words. What the agent says
 * of itself holds until it says something else; an agent that cannot be reached says nothing (HAProxy manual,
 * "agent-check").
 */
export function agentProbe({ send }: AgentSpec, dial: Dial): Probe {
  /** By target: what an agent said last. A probe belongs to one check, so this is one entry, or a few. */
  const said = new Map<string, Said>()
  return async (target, signal) => {
    const key = `${target.address} ${target.port}`
    const before = said.get(key) ?? {}
    let line = ''
    const outcome = await attempt(dial, target, signal, 'fin', (stream, settle) => ({
      connected() {
        if (send !== undefined) stream.send(Buffer.from(send, 'utf8'))
      },
      data(chunk) {
        line += chunk.toString('latin1')
        if (/[\r\n]/.test(line) || line.length > 4096) settle(done)
      },
      ended: () => settle(done),
    }))
    if (!outcome.passed || line.trim() === '') {
      const detail = outcome.passed ? 'the agent said nothing' : `the agent is silent: ${outcome.reason}`
      return outcomeOf(before, detail)
    }
    const after = hear(before, line.split(/[\r\n]/)[0] ?? '')
    said.set(key, after)
    return outcomeOf(after, excerpt(line.trim()))
  }
}

const done: Outcome = { passed: true, layer: 'L7OK' }

type Said = { readonly wish?: Wish; readonly down?: string }

/** Words in any order, separated by blanks, commas or tabs; missing words change nothing. */
export function hear(before: Said, line: string): Said {
  let wish: Wish = before.wish ?? {}
  let down = before.down
  const [words = '', reason] = line.split('#', 2)
  for (const word of words.toLowerCase().split(/[\s,]+/)) {
    const [, percent, weight, connections] =
      /^(?:weight:)?(\d{1,5})%$|^weight:(\d{1,5})$|^maxconn:(\d{1,9})$/.exec(word) ?? []
    if (percent !== undefined) {
      const { weight: _, ...rest } = wish
      wish = { ...rest, percent: Number(percent) }
    } else if (weight !== undefined) {
      const { percent: _, ...rest } = wish
      wish = { ...rest, weight: Number(weight) }
    } else if (connections !== undefined) wish = { ...wish, maxConnections: Number(connections) }
    else if (word === 'ready' || word === 'drain' || word === 'maint') wish = { ...wish, state: word }
    else if (word === 'up') down = undefined
    else if (word === 'down' || word === 'fail' || word === 'failed' || word === 'stopped')
      down = reason === undefined ? word : `${word}: ${excerpt(reason.trim())}`
  }
  return { wish, ...(down === undefined ? {} : { down }) }
}

function outcomeOf({ wish, down }: Said, detail: string): Outcome {
  const asked = wish && Object.keys(wish).length > 0 ? { wish } : {}
  if (down !== undefined) return { passed: false, reason: 'not-serving', layer: 'L7STS', detail: down, ...asked }
  return { passed: true, layer: 'L7OK', detail, ...asked }
}
