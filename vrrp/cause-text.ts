import type { Cause } from './state.js'

/** Each cause as the end of a sentence: "router web: backup -> master, ...". */
export const causeText: Readonly<Record<Cause, string>> = {
  'no-response': 'no advert came from the master in time',
  preempted: 'it is better than the master it heard',
  'master-left': 'the master said that it leaves',
  owner: 'the VIPs are its own addresses',
  resumed: 'the process before it was master',
  startup: 'it started',
  'higher-priority-master': 'a director of higher priority is master',
  'higher-address-master': 'a director of equal priority and higher address is master',
  stalled: 'it slept longer than the others wait, and another took over',
  'handed-over': 'it handed over, as it was told to',
  'given-back': 'it was given back, as it was told to',
  fault: 'it has a fault',
  'fault-cleared': 'its fault is gone',
  'claim-refused': 'the kernel refused its VIPs',
  'send-failed': 'the kernel refused its adverts',
  'sync-group': 'another router of its sync group is no master',
  shutdown: 'it was told to stop',
  restart: 'it makes way for the next process, which goes on',
}
