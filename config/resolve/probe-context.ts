import type { Reporter } from '../context.js'
import type { Path } from '../problem.js'
import type { CheckFile } from '../schema/check.js'
import type { kindNames } from '../schema/check-kinds.js'
import type { Secrets } from './secrets.js'

export type Kind = (typeof kindNames)[number]
/** Where a probe stands, and what its resolution needs. */
export type ProbeContext = {
  readonly path: Path
  readonly name: string
  readonly secrets: Secrets
  readonly hostname: string
  readonly report: Reporter
}
/** What the file says of one kind. */
export type Of<K extends Kind> = NonNullable<CheckFile[K]>
