/**
 * A PROXY protocol header that says "this is the proxy itself, not a client": version 2 LOCAL (haproxy's
 * proxy-protocol.txt 2.2), version 1 UNKNOWN (2.1).
 */
export function proxyHeader(version: 1 | 2 | undefined): Buffer | undefined {
  if (version === undefined) return undefined
  if (version === 1) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1')
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), Buffer.from([0x20, 0x00, 0x00, 0x00])])
}
