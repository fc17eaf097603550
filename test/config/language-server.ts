import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

export type Diagnostic = {
  readonly message: string
  readonly range: { readonly start: { readonly line: number; readonly character: number } }
}
export type Suggestion = { readonly label: string; readonly documentation?: string | { readonly value: string } }

type Message = { readonly id?: number; readonly method?: string; readonly result?: unknown; readonly params?: unknown }

/** A real yaml-language-server, as an editor runs it: JSON-RPC over its standard input and output. */
export function startLanguageServer() {
  const server = resolve(import.meta.dirname, '../../node_modules/yaml-language-server/bin/yaml-language-server')
  const child = spawn(process.execPath, [server, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = new Map<number, (result: unknown) => void>()
  const diagnostics = new Map<string, (found: readonly Diagnostic[]) => void>()
  let buffer = Buffer.alloc(0)
  let last = 0

  child.stdout.on('data', (chunk: Buffer) => {
    buffer = Buffer.concat([buffer, chunk])
    for (;;) {
      const end = buffer.indexOf('\r\n\r\n')
      if (end < 0) return
      const length = Number(/Content-Length: (\d+)/.exec(buffer.subarray(0, end).toString())?.[1])
      if (buffer.length < end + 4 + length) return
      receive(JSON.parse(buffer.subarray(end + 4, end + 4 + length).toString()) as Message)
      buffer = buffer.subarray(end + 4 + length)
    }
  })

  function receive({ id, method, result, params }: Message): void {
    if (id !== undefined && method === undefined) answers.get(id)?.(result)
    else if (id !== undefined) send({ id, result: method === 'workspace/configuration' ? [{}, {}, {}, {}, {}] : null })
    else if (method === 'textDocument/publishDiagnostics') {
      const { uri, diagnostics: found } = params as { uri: string; diagnostics: Diagnostic[] }
      diagnostics.get(uri)?.(found)
    }
  }

  function send(message: object): void {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message })
    child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }

  function ask(method: string, params: object): Promise<unknown> {
    const id = ++last
    return new Promise(answer => {
      answers.set(id, answer)
      send({ id, method, params })
    })
  }

  return {
    async initialize(): Promise<void> {
      await ask('initialize', { processId: null, rootUri: null, capabilities: {} })
      send({ method: 'initialized', params: {} })
    },
    /** Opens a document and resolves with what the server finds in it. */
    check(uri: string, text: string): Promise<readonly Diagnostic[]> {
      return new Promise(found => {
        diagnostics.set(uri, found)
        send({
          method: 'textDocument/didOpen',
          params: { textDocument: { uri, languageId: 'yaml', version: 1, text } },
        })
      })
    },
    async complete(uri: string, line: number, character: number): Promise<readonly Suggestion[]> {
      const result = await ask('textDocument/completion', { textDocument: { uri }, position: { line, character } })
      return (result as { items?: Suggestion[] } | undefined)?.items ?? []
    },
    stop: () => child.kill(),
  }
}
