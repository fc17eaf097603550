/** An answer that says no: a stable code for programs, a sentence for people. */
export class Refusal extends Error {
  readonly code: string
  constructor(code: string, text: string) {
    super(text)
    this.code = code
  }
}
