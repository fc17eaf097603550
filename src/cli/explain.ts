import type { Explanation } from '../status/explain.js'
import { explainText } from '../status/explain-text.js'
import { paintFor } from '../status/paint.js'
import { exit, type Run } from './command.js'
import { statusClient, withDaemon } from './daemon.js'

/** Why a real server is down, or why this director is not master. */
export const explain: Run = call =>
  withDaemon(call, async () => {
    const { args, options, out } = call
    const found = await statusClient(options).get<Explanation>(
      `/v1/explain?subject=${encodeURIComponent(args[0] ?? '')}`,
    )
    out(options['json'] ? `${JSON.stringify(found)}\n` : explainText(found, paintFor(process.stdout, process.env)))
    return exit.ok
  })
