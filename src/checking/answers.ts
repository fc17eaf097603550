import type { Monitor } from '../../checkers/monitor.js'
import type { Question } from '../messages.js'
import { Refusal } from '../refusal.js'
import type { Checks, Member, Pool } from './pool.js'
import type { createProbePorts } from './probe-ports.js'
import { checkResult } from './service-status.js'

/** Answers what control asks of the checks: reports of kind `push`, `explain`, `ready` of one with manual resume. */
export function createAnswers(
  pool: Pool,
  checks: Checks,
  monitor: () => Pick<Monitor, 'hasty' | 'resume'>,
  reports: ReturnType<typeof createProbePorts>['reports'],
) {
  function member(question: { readonly service: string; readonly address: string; readonly port: number }): Member {
    const found = pool.member(question.service, question.address, question.port)
    if (!found) throw new Refusal('not-found', 'no such real server')
    return found
  }

  function push({ id, passed, text }: Extract<Question, { what: 'push' }>): null {
    const keys = [...pool.services().values()].flatMap(({ members }) => members.flatMap(each => pushed(each, id)))
    if (keys.length === 0) throw new Refusal('not-found', `no check of kind push has the id ${id}`)
    const detail = text === undefined ? {} : { detail: text }
    reports.add(
      id,
      '*',
      passed
        ? { passed: true, layer: 'L7OK', ...detail }
        : { passed: false, reason: 'not-serving', layer: 'L7RSP', ...detail },
    )
    for (const key of keys) monitor().hasty(key, false, [0])
    return null
  }

  return (question: Question): unknown => {
    switch (question.what) {
      case 'push':
        return push(question)
      case 'resume': {
        const held = member(question).checkKeys.filter(key => checks.report(key)?.held === 'manual-resume')
        for (const key of held) monitor().resume(key)
        return held.length
      }
      case 'explain-server':
        return member(question)
          .checkKeys.flatMap(key => checks.report(key)?.results ?? [])
          .map(checkResult)
          .sort((a, b) => a.at - b.at)
      default:
        throw new Refusal('unknown', 'checkers cannot answer that')
    }
  }
}

/** The checks of a real server that reports with this id are for. */
function pushed({ server, checkKeys }: Member, id: string): string[] {
  return server.checks.flatMap(({ probe }, at) => {
    const key = checkKeys[at]
    return probe.kind === 'push' && probe.id === id && key !== undefined ? [key] : []
  })
}
