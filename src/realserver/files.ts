import type { Half } from './half.js'
import { deviceOf, isV6, type Step, shell, stepsFor } from './steps.js'

export type Format = 'plan' | 'script' | 'networkd' | 'sysctl'
export type Artefact = { readonly path: string; readonly mode: number; readonly content: string }

const head = '# Made by `lvskeeper realserver prepare`.'

/** The steps as text: numbered, each with its reason. */
export function planText(half: Half): string {
  return stepsFor(half)
    .map(({ why, run }, index) => `${index + 1}. ${why}\n   ${shell(run)}\n`)
    .join('')
}

/** A shell script that does it (`start`) or undoes it (`stop`); both may be run again. */
export function script(half: Half): Artefact {
  const steps = stepsFor(half)
  const lines = (commands: readonly string[]) => (commands.length > 0 ? commands : [':']).map(line => `  ${line}`)
  const start = steps.flatMap(({ why, run }) => [`# ${why}`, again(run)])
  const stop = [...steps].reverse().flatMap(({ undo }) => (undo ? [`${shell(undo)} 2>/dev/null || true`] : []))
  const content = [
    '#!/bin/sh',
    head,
    'set -eu',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that is the shell's
    'case "${1:-start}" in',
    'start)',
    ...lines(start),
    '  ;;',
    'stop)',
    ...lines(stop),
    '  ;;',
    '*)',
    '  echo "usage: $0 start|stop" >&2',
    '  exit 64',
    '  ;;',
    'esac',
    '',
  ].join('\n')
  return { path: '/usr/local/sbin/lvskeeper-realserver', mode: 0o755, content }
}

/** What is there already is fine: a port of `ip fou` cannot be replaced. */
function again(run: Step['run']): string {
  return run[1] === 'fou' ? `${shell(run)} 2>/dev/null || true` : shell(run)
}

/** Settings that systemd-sysctl applies at boot, before any network is there: so before the VIP. */
export function sysctlFile(half: Half): Artefact {
  const settings = stepsFor(half).flatMap(({ why, run }) => (run[0] === 'sysctl' ? [`# ${why}`, run[2] ?? ''] : []))
  // The tunnel's own settings do not exist before its module is loaded: the leading - ignores that, default covers it.
  const tolerant = settings.map(line => line.replace(/^(net\.ipv4\.conf\.(?!all)\S+)/, '-$1'))
  const fallback = half.mode === 'tun' ? ['net.ipv4.conf.default.rp_filter=2'] : []
  return {
    path: '/etc/sysctl.d/60-lvskeeper-realserver.conf',
    mode: 0o644,
    content: [head, ...tolerant, ...fallback, ''].join('\n'),
  }
}

/** For systemd-networkd: the VIPs (and the modules) at boot. Goes with the sysctl file. */
export function networkdFiles(half: Half): Artefact[] {
  if (half.mode === 'nat') return natNetworkd(half)
  const { v4, v6 } = deviceOf(half)
  const files: Artefact[] = [sysctlFile(half)]
  const modules = stepsFor(half).flatMap(({ run }) => (run[0] === 'modprobe' ? (run[1] ?? []) : []))
  if (modules.length > 0)
    files.push({
      path: '/etc/modules-load.d/lvskeeper-realserver.conf',
      mode: 0o644,
      content: [head, ...modules, ''].join('\n'),
    })
  for (const device of new Set(half.vips.map(vip => (isV6(vip) ? v6 : v4)))) {
    const addresses = half.vips
      .filter(vip => (isV6(vip) ? v6 : v4) === device)
      .flatMap(vip => [
        '',
        '[Address]',
        `Address=${vip}/${isV6(vip) ? 128 : 32}`,
        ...(isV6(vip) ? ['PreferredLifetime=0', 'DuplicateAddressDetection=none'] : []),
      ])
    files.push({
      path: `/etc/systemd/network/60-lvskeeper-${device}.network`,
      mode: 0o644,
      content: [head, '[Match]', `Name=${device}`, ...addresses, ''].join('\n'),
    })
  }
  return files
}

/** The real server's own interface has a file already: a drop-in would have to know its name. */
function natNetworkd({ gateway }: Half): Artefact[] {
  if (gateway === undefined) return []
  return [
    {
      path: '/etc/systemd/network/YOUR-INTERFACE.network.d/60-lvskeeper.conf',
      mode: 0o644,
      content: [head, '[Route]', `Gateway=${gateway}`, ''].join('\n'),
    },
  ]
}
