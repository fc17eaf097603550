import type { Change } from '../api/handlers.js'
import { given, type Run } from './command.js'
import { controlClient, printChange, withDaemon } from './daemon.js'

/** The next process resumes: VIPs, adverts and table stay. */
export const restart: Run = call =>
  withDaemon(call, async () =>
    printChange(call, await controlClient(call.options).post<Change>('/v1/restart', given(call.options, 'reason'))),
  )

/** Hands over and ends. */
export const stop: Run = call =>
  withDaemon(call, async () =>
    printChange(
      call,
      await controlClient(call.options).post<Change>('/v1/stop', {
        clear: call.options['clear'] === true,
        ...given(call.options, 'reason'),
      }),
    ),
  )
