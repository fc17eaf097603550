import { widthOf } from './paint.js'

/** Rows of cells under each other; a row is cut at `width`. */
export function columns(rows: readonly (readonly string[])[], width = Number.POSITIVE_INFINITY): string[] {
  const widths: number[] = []
  for (const row of rows)
    for (const [index, cell] of row.entries()) {
      // The last cell pads nobody: a long reason must not push the next row's.
      if (index < row.length - 1) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell))
    }
  return rows.map(row => {
    const cells = row.map((cell, index) => (index === row.length - 1 ? cell : pad(cell, widths[index] ?? 0)))
    return cut(cells.join('  ').trimEnd(), width)
  })
}

const esc = String.fromCharCode(27)
const parts = new RegExp(`${esc}\\[[0-9;]*m|.`, 'gsu')

/** Shortens a line to the width of the screen; colours take no room and end with it. */
export function cut(line: string, width: number): string {
  if (widthOf(line) <= width) return line
  let shown = ''
  let room = Math.max(0, width - 1)
  for (const [part] of line.matchAll(parts)) {
    if (part.length > 1 && part.startsWith(esc)) shown += part
    else if (room-- > 0) shown += part
  }
  return `${shown}…`
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}
