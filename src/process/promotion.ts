import type { Envelope, Role } from '../messages.js'

/**
 * Resolves when it is this process' turn: at once, or for a spare when the parent says so. Until then a spare hears nothing else and says
 * only that it stands ready, and ends with its parent. What is awaited right after it misses no message: between two of them the microtasks run.
 */
export async function promotion(role: Role, env: NodeJS.ProcessEnv, standsReady: () => void): Promise<void> {
  if (env['LVSKEEPER_SPARE'] !== '1') return
  // It died while this process was still being loaded: nobody was there to hear of it.
  if (process.connected === false) process.exit(0)
  const gone = () => process.exit(0)
  process.once('disconnect', gone)
  standsReady()
  process.send?.({ to: 'parent', from: role, message: { type: 'stands-ready' } } satisfies Envelope)
  await new Promise<void>(begin => {
    process.on('message', function hear({ message }: Envelope) {
      if (message.type !== 'take-over') return
      process.off('message', hear)
      begin()
    })
  })
  process.off('disconnect', gone)
}
