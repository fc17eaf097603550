import { widthOf } from './paint.js'

/** Rows of cells under each other; the last cell of a row is cut at `width`. */
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

/** Shortens a line to the width of the screen; one with colours is shorter than it looks and left alone. */
export function cut(line: string, width: number): string {
  if (widthOf(line) <= width || widthOf(line) !== line.length) return line
  return `${line.slice(0, Math.max(0, width - 1))}…`
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}
