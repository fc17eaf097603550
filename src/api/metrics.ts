import type { Status } from '../status/status.js'

export type Metrics = {
  render(status: Status, scopes: readonly string[]): Promise<{ readonly text: string; readonly contentType: string }>
}
