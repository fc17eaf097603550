import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { badReply } from './conversation.js'

/** AuthenticationMD5Password: md5(md5(password + user) + salt). */
export function md5Password(user: string, password: string, salt: Buffer): string {
  const md5 = (...parts: (string | Buffer)[]) => {
    const hash = createHash('md5')
    for (const part of parts) hash.update(part)
    return hash.digest('hex')
  }
  return `md5${md5(md5(password, user), salt)}`
}

/** SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677), in the messages of PostgreSQL. */
export function scramClient(password: string, nonce = randomBytes(18).toString('base64')) {
  const bare = `n=,r=${nonce}`
  let serverSignature: Buffer | undefined

  return {
    /** SASLInitialResponse */
    first(): Buffer {
      const text = Buffer.from(`n,,${bare}`)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(text.length)
      return Buffer.concat([Buffer.from('SCRAM-SHA-256\0'), length, text])
    },

    final(serverFirst: string): Buffer {
      const { r = '', s = '', i = '' } = attributes(serverFirst)
      const iterations = Number(i)
      // A server may not make us compute for seconds: PostgreSQL's own default is 4096.
      if (!r.startsWith(nonce) || !(iterations >= 1 && iterations <= 100_000)) throw badReply('to SCRAM', serverFirst)
      const salted = pbkdf2Sync(password.normalize('NFKC'), Buffer.from(s, 'base64'), iterations, 32, 'sha256')
      const clientKey = hmac(salted, 'Client Key')
      const unproved = `c=biws,r=${r}`
      const message = `${bare},${serverFirst},${unproved}`
      const signature = hmac(createHash('sha256').update(clientKey).digest(), message)
      serverSignature = hmac(hmac(salted, 'Server Key'), message)
      const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)))
      return Buffer.from(`${unproved},p=${proof.toString('base64')}`)
    },

    verify(serverFinal: string): boolean {
      const signature = Buffer.from(attributes(serverFinal)['v'] ?? '', 'base64')
      return signature.length === serverSignature?.length && timingSafeEqual(signature, serverSignature)
    },
  }
}

function attributes(text: string): Record<string, string> {
  return Object.fromEntries(text.split(',').map(part => [part[0] ?? '', part.slice(2)]))
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
