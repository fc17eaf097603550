import { jsonSchema } from '../../config/json-schema.js'
import { exit, type Run } from './command.js'

/** Prints the JSON Schema that editors complete and check the file with. */
export const schema: Run = async ({ out }) => {
  out(`${JSON.stringify(jsonSchema(), null, 2)}\n`)
  return exit.ok
}
