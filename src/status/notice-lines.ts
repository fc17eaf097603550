import { columns, cut } from './columns.js'
import { oneLine } from './one-line.js'
import { type Paint, widthOf } from './paint.js'
import type { Notice } from './status.js'

const noticeColours = { info: 'dim', notice: 'cyan', warning: 'yellow', alarm: 'red' } as const

/** One line each: level, subject, what is different, and what to type next. A narrow screen costs words, not the command. */
export function noticeLines(notices: readonly Notice[], paint: Paint, width = Number.POSITIVE_INFINITY): string[] {
  const heads = columns(notices.map(({ level, subject }) => [paint(noticeColours[level], level), subject, '.']))
  return notices.map(({ text, next }, index) => {
    const head = heads[index]?.slice(0, -1) ?? ''
    const hint = next === undefined ? '' : `  -> ${next}`
    const room = width - widthOf(head) - hint.length
    return room < 20 ? cut(head + oneLine(text), width) : `${head}${cut(oneLine(text), room)}${hint}`
  })
}
