import { z } from 'zod'
import { file } from './schema/file.js'

/** JSON Schema (draft 7, which editors take) of the file, with descriptions and examples. */
export function jsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(file, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // What an entry lacks may stand in `defaults`: only the whole file can tell.
      if (z.globalRegistry.get(zodSchema)?.id === 'virtual_router') delete jsonSchema.required
      // A key written as a number (`1:`) is a name all the same, but editors call it no string.
      const { propertyNames } = jsonSchema
      if (typeof propertyNames === 'object') delete (propertyNames as { type?: unknown }).type
    },
  })
  return {
    $schema,
    title: 'lvskeeper',
    ...rest,
    patternProperties: { '^x-': { description: 'Yours, for anchors; not read.' } },
  }
}
