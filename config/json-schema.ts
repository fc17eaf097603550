import { z } from 'zod'
import { file } from './schema/file.js'

/** JSON Schema (draft 7, which editors take) of the file, with descriptions. */
export function jsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(file, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    reused: 'ref',
  })
  return {
    $schema,
    title: 'lvskeeper',
    ...rest,
    patternProperties: { '^x-': { description: 'Yours: for anchors. Not read.' } },
  }
}
