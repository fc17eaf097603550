import type { RouterStatus } from '../messages.js'

/** Why a virtual router is in its state, in words; the codes are those of the machine. */
export const causes: Readonly<Record<string, string>> = {
  startup: 'it has started',
  resumed: 'the process before it was master',
  'no-response': 'no advert came from the master',
  priority: 'a director of higher priority is master',
  preempted: 'it has the higher priority',
  'not-master': 'another director is master',
  shutdown: 'it was told to stop',
}

/** What people read; a cause that has no words of its own stands for itself. */
export function causeText({ state, cause, faults }: Pick<RouterStatus, 'state' | 'cause' | 'faults'>): string {
  if (state === 'fault' && faults.length > 0) return faults.join(', ')
  return causes[cause] ?? cause
}
