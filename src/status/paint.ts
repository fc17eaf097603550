import { stripVTControlCharacters, styleText } from 'node:util'

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold' | 'inverse'
export type Paint = (colour: Colour, text: string) => string

/** Leaves text as it is: pipes, files, NO_COLOR. */
export const plain: Paint = (_, text) => text

/** For a terminal. Whether there is one has been asked before (`coloured`). */
export const colours: Paint = (colour, text) => styleText(colour, text, { validateStream: false })

/** Colours on a terminal only, and never against NO_COLOR (no-color.org: set and not empty) or TERM=dumb. */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): Paint {
  const wanted = stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  return wanted ? colours : plain
}

/** How many columns a text takes, colours not counted. */
export function widthOf(text: string): number {
  return stripVTControlCharacters(text).length
}
