import { setTimeout as sleep } from 'node:timers/promises'
import { ipvsadm } from './lab.js'

/**
 * Other people's hands on the table of 10.9.0.100 (port 80: 21..23, 443, and 81 by a hash) and on their own service, at random: the
 * same for the same seed. What they do to what is not there does nothing.
 */
export async function otherHands(seed: number, seconds: number, foreign: readonly string[]) {
  let state = seed
  const random = (n: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * n)
  }
  const edit = (rule: string) => ipvsadm(...rule.split(' '))
  const some = (port = 80) => `10.9.0.${21 + random(3)}:${port}`
  const theirs = new Set(foreign)
  const own = (rule: string) => {
    edit(rule)
    theirs.add(rule)
  }
  const hands: (() => void)[] = [
    () => edit(`-d -t 10.9.0.100:80 -r ${some()}`),
    () => edit(`-e -t 10.9.0.100:80 -r ${some()} -g -w ${random(50)}`),
    () => edit(`-e -t 10.9.0.100:80 -r ${some()} -g -w 1 -x ${1 + random(50)}`),
    () => edit(`-a -t 10.9.0.100:80 -r 10.9.0.${60 + random(9)}:80 -g`),
    () => edit(`-E -t 10.9.0.100:80 -s ${['lc', 'rr', 'sh', 'mh'][random(4)]}`),
    () => edit('-D -t 10.9.0.100:443'),
    () => {
      const server = some(81)
      edit(`-d -t 10.9.0.100:81 -r ${server}`)
      edit(`-a -t 10.9.0.100:81 -r ${server} -g -w 1`)
    },
    () => edit(`-e -t 10.9.0.100:81 -r ${some(81)} -g -w 0`),
    () => own(`-a -u 10.9.0.200:53 -r 10.9.0.${100 + random(100)}:53 -m -w 1`),
    () => {
      // Rarer than the rest.
      if (random(4) > 0) return
      ipvsadm('-C')
      theirs.clear()
      for (const rule of foreign) own(rule)
    },
  ]
  const end = performance.now() + 1000 * seconds
  let edits = 0
  while (performance.now() < end) {
    try {
      hands[random(hands.length)]?.()
      edits++
    } catch {
      // Already as that hand would have it.
    }
    await sleep(100 + random(300))
  }
  return { edits, theirs }
}
