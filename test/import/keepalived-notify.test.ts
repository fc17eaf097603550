import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { importKeepalived } from '../../config/import/keepalived.js'
import { loadConfig } from '../../config/load.js'
import { createAlerter } from '../../src/alerts/alerter.js'
import type { Event } from '../../src/messages.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lk-notify-'))
  writeFileSync(join(folder, 'say.sh'), `#!/bin/sh\necho "$@" >> ${folder}/said\n`)
  chmodSync(join(folder, 'say.sh'), 0o755)
})
afterAll(() => rmSync(folder, { recursive: true }))

type Happened = Omit<Event, 'at' | 'level' | 'text'> & Partial<Pick<Event, 'level'>>
const instance = (more: string, priority = 150) => `vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority ${priority}
    virtual_ipaddress {
        10.9.0.100
    }
    ${more}
}`

/** Gives events to the imported alerts, as lvskeeper does on one director, and tells what the programs were called with. */
async function told(files: readonly string[], events: readonly Happened[], node = 0): Promise<string[]> {
  const inputs = files.map((text, index) => ({ file: `/k${index}.conf`, text, addresses: [`10.9.0.1${index + 1}`] }))
  const { yaml } = importKeepalived(inputs)
  const surroundings = { hostname: 'h', localAddresses: [`10.9.0.1${node + 1}`], static: true, env: {} }
  const loaded = loadConfig(yaml, { file: '/x', ...surroundings })
  if (!loaded.ok) throw new Error(`${yaml}\n${JSON.stringify(loaded.errors)}`)
  writeFileSync(join(folder, 'said'), '')
  const stateDir = mkdtempSync(join(folder, 'state-'))
  const { alerts } = loaded.config
  const alerter = createAlerter({ alerts, stateDir, node: loaded.config.node.name, master: () => true, report() {} })
  for (const happened of events) {
    alerter.raise({ at: Date.now(), level: 'notice', text: 'x', ...happened })
    await alerter.flush(10_000)
  }
  expect(alerter.queue().filter(({ queued, failed }) => queued + failed > 0)).toEqual([])
  alerter.stop()
  return readFileSync(join(folder, 'said'), 'utf8').split('\n').filter(Boolean)
}
const said = (more: string, rest: string, ...events: readonly Happened[]) =>
  told([`${instance(more)}\n${rest}`], events)

const state = (to: string, router = 'VI_1', from = 'backup') => ({
  name: 'vrrp.state',
  subject: `router ${router}`,
  data: { from, to },
})

test('notify_master runs when its router becomes master, and at no other time', async () => {
  const line = `notify_master "${folder}/say.sh 'two words' up"`
  expect(await said(line, '', state('master'))).toEqual(['two words up'])
  expect(await said(line, '', state('backup'))).toEqual([])
  expect(await said(line, '', state('master', 'other'))).toEqual([])
})

test('notify_fault runs each time its router enters fault, and not when it leaves it', async () => {
  const line = `notify_fault "${folder}/say.sh fault"`
  const fault = state('fault')
  const mended = state('backup', 'VI_1', 'fault')
  expect(await said(line, '', fault, mended, fault)).toEqual(['fault', 'fault'])
  expect(await said(`notify_backup "${folder}/say.sh backup"`, '', fault, mended)).toEqual(['backup'])
})

test('a program that fails is not run again, as keepalived does not', async () => {
  writeFileSync(join(folder, 'fail.sh'), `#!/bin/sh\necho ran >> ${folder}/said\nexit 3\n`)
  chmodSync(join(folder, 'fail.sh'), 0o755)
  const line = `notify_master ${folder}/fail.sh`
  expect(await said(line, '', state('master'), state('master'))).toEqual(['ran', 'ran'])
})

test('each director runs the programs of its own file, with its own priority', async () => {
  const files = [
    instance(`notify ${folder}/say.sh`),
    instance(`notify ${folder}/say.sh\n    notify_master "${folder}/say.sh second"`, 100),
  ]
  expect(await told(files, [state('master')], 0)).toEqual(['INSTANCE VI_1 MASTER 150'])
  expect((await told(files, [state('master')], 1)).sort()).toEqual(['INSTANCE VI_1 MASTER 100', 'second'])
})

test('notify runs at every change, with the four arguments that keepalived appends', async () => {
  const line = `notify ${folder}/say.sh`
  expect(await said(line, '', state('master'))).toEqual(['INSTANCE VI_1 MASTER 150'])
  expect(await said(line, '', state('fault'))).toEqual(['INSTANCE VI_1 FAULT 150'])
})

test('notify_down and quorum_down run for their own real server and virtual server', async () => {
  const rest = `virtual_server 10.9.0.100 80 {
    lb_kind DR
    protocol TCP
    quorum_down "${folder}/say.sh quorum"
    real_server 10.9.0.21 80 {
        notify_down "${folder}/say.sh one"
    }
    real_server 10.9.0.22 80 {
        notify_down "${folder}/say.sh two"
    }
}`
  expect(await said('', rest, { name: 'server.down', subject: 'server tcp-10.9.0.100-80/10.9.0.22:80' })).toEqual([
    'two',
  ])
  expect(await said('', rest, { name: 'service.down', subject: 'service tcp-10.9.0.100-80' })).toEqual(['quorum'])
  const first = { name: 'server.up', subject: 'server tcp-10.9.0.100-80/10.9.0.21:80', level: 'info' as const }
  const up = rest.replaceAll('notify_down', 'notify_up')
  expect(await said('', up, first)).toEqual([])
  expect(await said('', up, { ...first, level: 'notice' })).toEqual(['one'])
  expect(
    await said(
      '',
      up
        .replace('quorum_down', 'alpha\n    quorum_down')
        .replaceAll('{\n        notify', '{\n        TCP_CHECK {\n }\n notify'),
      first,
    ),
  ).toEqual(['one'])
  const server = { subject: 'server tcp-10.9.0.100-80/10.9.0.21:80' }
  expect(await said('', rest, { name: 'server.down', ...server }, { name: 'server.up', ...server })).toEqual(['one'])
})
