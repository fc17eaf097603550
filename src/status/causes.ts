import type { RouterStatus } from '../messages.js'

/** Why a virtual router is in its state, in words; the codes are those of the machine. */
export const causes: Readonly<Record<string, string>> = {
  'no-response': 'no advert came from the master',
  preempted: 'it has the higher priority',
  priority: 'a director of higher priority is master',
  'master-left': 'the master said that it leaves',
  owner: 'it owns the address',
  resumed: 'the process before it was master',
  startup: 'it has started',
  'higher-priority-master': 'a director of higher priority became master',
  'higher-address-master': 'another master of equal priority has the higher address',
  stalled: 'it slept longer than the others wait',
  'handed-over': 'it was handed over by order',
  'given-back': 'it was given back by order',
  fault: 'something that it needs has failed',
  'fault-cleared': 'its faults are gone',
  'claim-refused': 'the kernel refused a VIP',
  'send-failed': 'the kernel refused its adverts',
  'sync-group': 'its sync group moved',
  shutdown: 'it was told to stop',
  restart: 'it restarts',
}

/** What people read; a cause that has no words of its own stands for itself. */
export function causeText({ state, cause, faults }: Pick<RouterStatus, 'state' | 'cause' | 'faults'>): string {
  if (state === 'fault' && faults.length > 0) return faults.join(', ')
  return causes[cause] ?? cause
}
