import type { Facts, Route } from '../doctor/facts.js'
import type { Finding } from '../doctor/finding.js'
import type { Half } from './half.js'
import { shell, stepsFor } from './steps.js'

export function finding(level: Finding['level'], code: string, text: string, fix: readonly string[] = []): Finding {
  return { level, code, text, fix }
}

/** The commands of `prepare` that mention a word. */
export function commands(half: Half, word: string): string[] {
  return stepsFor(half)
    .filter(({ run }) => run.some(part => part.includes(word)))
    .map(({ run }) => shell(run))
}

export function defaultRoute(facts: Facts, family: 4 | 6): Route | undefined {
  return facts.routes.find(
    route => route.family === family && route.destination === 'default' && route.table === 'main',
  )
}
