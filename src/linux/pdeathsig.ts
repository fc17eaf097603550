import { libc, must } from './libc.js'

const setParentDeathSignal = 1
const signals = { SIGTERM: 15, SIGKILL: 9 } as const

/**
 * Has the kernel signal this process when its parent dies (prctl(2), PR_SET_PDEATHSIG). `parent` is the process id that the caller knows as its parent: when it is
 * gone already, the signal never comes, so this answers false and the caller leaves by itself.
 */
export function signalWhenParentDies(signal: keyof typeof signals, parent: number): boolean {
  must(libc.prctl(setParentDeathSignal, signals[signal], 0, 0, 0), 'ask for a signal at the death of the parent')
  return libc.getppid() === parent
}
