import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { RouterConfig } from '../../config/config.js'
import { includeFiles } from '../../config/import/include-files.js'
import { importKeepalived } from '../../config/import/keepalived.js'
import { loadConfig } from '../../config/load.js'

const corpus = join(import.meta.dirname, 'corpus')
// It reads one configuration id at a time; these two it refuses to run, as their findings say.
const others = ['vrrp-bad-values.conf', 'vrrp-password-placeholder.conf']
const names = readdirSync(corpus).filter(name => /^vrrp-(?!conditions).*\.conf$/.test(name) && !others.includes(name))
const run = promisify(execFile)

/** What decides an election, and what moves with it. */
type Instance = {
  vrid: number
  version: number
  priority: number
  interval: number
  preempt: boolean
  delay: number
  vips: string[]
  excluded: string[]
  garp: number[]
  password: string | undefined
}

/**
 * What keepalived says it runs (SIGUSR1), from a namespace of its own with the interfaces it asks for. Its dump has a
 * fixed place in /tmp, so it gets a /tmp of its own too.
 */
async function byKeepalived(file: string, interfaces: readonly string[]): Promise<Map<string, Instance>> {
  const links = interfaces.map(
    (name, index) =>
      `ip link add ${name} type veth peer name p${index}; ip link set p${index} up; ip address add 10.9.${index}.11/24 dev ${name}; ip link set ${name} up; ip address add fe80::${index + 11}/64 dev ${name} nodad`,
  )
  const script = `
    set -e
    # The checkout itself may lie in /tmp.
    mount --bind "$(dirname "$1")" /mnt
    mount -t tmpfs tmpfs /tmp
    mkdir -p /tmp/run
    ip link set lo up
    ${links.join('\n')}
    keepalived -P -n -l -p /tmp/run/p -r /tmp/run/v -f "/mnt/$(basename "$1")" >/tmp/log 2>&1 &
    own=$!
    for i in $(seq 50); do [ -s /tmp/run/v ] && break; sleep 0.05; done
    sleep 0.5
    kill -USR1 $own
    for i in $(seq 50); do [ -s /tmp/keepalived.data ] && break; sleep 0.05; done
    sleep 0.3
    kill -TERM $own
    wait $own || true
    cat /tmp/keepalived.data || { cat /tmp/log >&2; exit 1; }`
  const shell = ['--net', '--mount', '--propagation', 'private', 'bash', '-c', script, 'keepalived', join(corpus, file)]
  const { stdout } = await run('unshare', shell, { timeout: 60_000 })
  return parseDump(stdout)
}

function parseDump(text: string): Map<string, Instance> {
  const found = new Map<string, Instance>()
  for (const part of text.split(/^ VRRP Instance = /m).slice(1)) {
    const [name = ''] = part.split('\n')
    const one = (key: string) => new RegExp(`^   ${key} = (.*)$`, 'm').exec(part)?.[1]
    const addresses = (title: string) => {
      const block = new RegExp(`^ {3}${title} (?:\\(\\d+\\))?:\\n((?: {5}.*\\n)*)`, 'm').exec(part)?.[1] ?? ''
      return block
        .split('\n')
        .flatMap(line => line.trim().split(' ')[0] || [])
        .map(whole)
        .sort()
    }
    const [, value = '1', unit = 'sec'] = /^([\d.]+) ?(milli-sec|sec)/.exec(one('Advert interval') ?? '') ?? []
    found.set(name.trim(), {
      vrid: Number(one('Virtual Router ID')),
      version: Number(one('VRRP Version')),
      priority: Number(one('Priority')),
      interval: Number(value) * (unit === 'sec' ? 1000 : 1),
      preempt: one('Preempt') === 'enabled',
      delay: Number.parseFloat(one('Preempt delay') ?? '0'),
      vips: addresses('Virtual IP'),
      excluded: addresses('Virtual IP Excluded'),
      garp: ['delay', 'repeat', 'refresh'].map(word => Number.parseFloat(one(`Gratuitous ARP ${word}`) ?? 'NaN')),
      password: one('Password'),
    })
  }
  return found
}

function whole(address: string): string {
  return address.includes('/') ? address : `${address}/${address.includes(':') ? 128 : 32}`
}

function byUs(router: RouterConfig): Instance {
  const shown = (vips: RouterConfig['vips']) => vips.map(({ address, prefix }) => `${address}/${prefix}`).sort()
  const { preempt, garp, authentication } = router
  return {
    vrid: router.vrid,
    version: router.version,
    priority: router.priority,
    interval: router.advertInterval,
    preempt: preempt.mode !== 'never',
    delay: preempt.mode === 'delayed' ? preempt.delay / 1000 : 0,
    vips: shown(router.vips),
    excluded: shown(router.excludedVips),
    garp: [garp.delay / 1000, garp.repeat, garp.refresh / 1000],
    password: authentication?.type === 'pass' ? authentication.password : undefined,
  }
}

describe('the election of the imported file is the election of the original', () => {
  test.concurrent.each(names)('%s', async file => {
    const path = join(corpus, file)
    const { yaml } = importKeepalived([{ file: path, text: readFileSync(path, 'utf8') }], { files: includeFiles })
    const loaded = loadConfig(yaml, { file: '/x', hostname: 'h', localAddresses: [], static: true, env: {} })
    if (!loaded.ok) throw new Error(loaded.errors.map(({ message }) => message).join('\n'))
    const { routers } = loaded.config
    const named = [...readFileSync(path, 'utf8').matchAll(/\b(eth\d|ens\d+)\b/g)].map(match => match[1]!)
    const theirs = await byKeepalived(file, [...new Set(['eth0', ...named])].sort())
    const ours = new Map(routers.map(router => [router.name, byUs(router)]))
    expect(ours).toEqual(theirs)
  })
})
