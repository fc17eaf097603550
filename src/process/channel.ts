import type { Address, Answer, Envelope, Message, Question, Role } from '../messages.js'
import { Refusal } from '../refusal.js'

/** One child's end of the messages: everything goes through the parent, which carries it to `to`. */
export interface Channel {
  readonly role: Role
  send(to: Address, message: Message): void
  /** Asks another process; rejects after `timeout` ms, or with the error that was answered. */
  ask(to: Address, question: Question, timeout?: number): Promise<unknown>
}

export type Receive = (from: Address, message: Message) => void
export type Answerer = (question: Question) => Promise<unknown> | unknown

/**
 * Opens the channel to the parent that forked us.
 * `gone` is called once when the parent died: a child without its parent leaves as in a restart.
 */
export function openChannel(role: Role, receive: Receive, answer: Answerer, gone: () => void): Channel {
  const waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void; timer: NodeJS.Timeout }
  >()
  let lastId = 0

  function send(to: Address, message: Message): void {
    const envelope: Envelope = { to, from: role, message }
    // A closed channel is reported by 'disconnect'; a message lost with it is told again by the next hello.
    if (process.connected) process.send?.(envelope, undefined, undefined, () => {})
  }

  function settle(message: Answer): void {
    const request = waiting.get(message.id)
    if (!request) return
    waiting.delete(message.id)
    clearTimeout(request.timer)
    if (message.error) request.reject(new Refusal(message.error.code, message.error.text))
    else request.resolve(message.result)
  }

  async function reply(from: Address, id: number, question: Question): Promise<void> {
    try {
      const result = await answer(question)
      send(from, { type: 'answer', id, result: result === undefined ? null : result })
    } catch (error) {
      const code = error instanceof Refusal ? error.code : 'failed'
      send(from, { type: 'answer', id, error: { code, text: error instanceof Error ? error.message : String(error) } })
    }
  }

  process.on('message', (envelope: Envelope) => {
    const { from, message } = envelope
    if (message.type === 'answer') settle(message)
    else if (message.type === 'ask') void reply(from, message.id, message.question)
    else receive(from, message)
  })
  // It died while this process was still being loaded: nobody was there to hear of it, and nothing is begun yet.
  if (process.connected === false) process.exit(0)
  process.on('disconnect', gone)

  return {
    role,
    send,
    ask(to, question, timeout = 5_000) {
      const id = ++lastId
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(id)
          reject(new Refusal('no-answer', `${to} did not answer within ${timeout} ms`))
        }, timeout)
        waiting.set(id, { resolve, reject, timer })
        send(to, { type: 'ask', id, question })
      })
    },
  }
}

/** Tells the parent every `period` ms that this process' loop turns. */
export function sayAlive(channel: Channel, period: number): NodeJS.Timeout {
  const timer = setInterval(() => channel.send('parent', { type: 'alive' }), period)
  timer.unref()
  return timer
}
