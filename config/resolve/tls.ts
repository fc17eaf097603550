import type { TlsConfig } from '../check-config.js'
import type { Path } from '../problem.js'
import { defined } from './defined.js'
import type { Of, ProbeContext } from './probe-context.js'

export function optionalTls(at: ProbeContext, key: string, given: TlsFile | true | undefined): TlsConfig | undefined {
  return given === undefined ? undefined : tlsOf(at, [...at.path, key], given)
}

export type TlsFile = Exclude<NonNullable<Of<'https'>['tls']>, true>

/** TLS with its certificates loaded. */
export function tlsOf({ secrets, report }: ProbeContext, path: Path, given: TlsFile | true, host?: string): TlsConfig {
  const file = given === true ? {} : given
  if ((file.cert_file === undefined) !== (file.key_file === undefined))
    report.error(
      'cert-and-key',
      [...path, file.cert_file === undefined ? 'key_file' : 'cert_file'],
      'cert_file and key_file go together',
      { at: 'key' },
    )
  return {
    verify: file.verify ?? 'full',
    warnDays: file.warn_days ?? 14,
    failDays: file.fail_days ?? 0,
    ...defined({
      sni: file.sni ?? host,
      ca: secrets.file([...path, 'ca_file'], file.ca_file),
      cert: secrets.file([...path, 'cert_file'], file.cert_file, 'own'),
      key: secrets.file([...path, 'key_file'], file.key_file, 'own'),
      pin: file.pin?.map(pin => pin.replace(/:/g, '').toLowerCase()),
      alpn: file.alpn,
      minVersion: file.min_version,
    }),
  }
}
