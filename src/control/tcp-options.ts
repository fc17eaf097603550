import type { Config } from '../../config/config.js'
import type { TcpOptions } from '../api/tcp.js'

/** The TCP listeners that the file asks for: the API with TLS and tokens; metrics and status page, read only. */
export function tcpOptions({ api: { listen }, metrics }: Config): readonly TcpOptions[] {
  const listeners: TcpOptions[] = []
  if (listen) {
    const { address, port, certFile, keyFile, clientCaFile } = listen
    const tokens = [...token(listen.readTokenFile, 'read'), ...token(listen.adminTokenFile, 'admin')]
    listeners.push({ address, port, tls: { certFile, keyFile, clientCaFile }, tokens })
  }
  if (metrics) {
    const { address, port, tokenFile, page } = metrics
    const anonymous = tokenFile === undefined ? 'read' : 'probe'
    listeners.push({ address, port, tokens: token(tokenFile, 'read'), anonymous, page })
  }
  return listeners
}

function token(file: string | undefined, access: 'read' | 'admin'): TcpOptions['tokens'] {
  return file === undefined ? [] : [{ name: `token-${access}`, access, file }]
}
