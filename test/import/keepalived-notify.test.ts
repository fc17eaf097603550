import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { importKeepalived } from '../../config/import/keepalived.js'
import { loadConfig } from '../../config/load.js'
import { exec } from '../../src/alerts/exec.js'
import type { Event } from '../../src/messages.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lk-notify-'))
  writeFileSync(join(folder, 'say.sh'), `#!/bin/sh\necho "$@" >> ${folder}/said\n`)
  chmodSync(join(folder, 'say.sh'), 0o755)
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs every imported alert for one event, as lvskeeper does, and tells what the programs were called with. */
async function said(instance: string, rest: string, event: Omit<Event, 'at' | 'level' | 'text'>): Promise<string[]> {
  const text = `vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 150
    virtual_ipaddress {
        10.9.0.100
    }
    ${instance}
}
${rest}`
  const { yaml } = importKeepalived([{ file: '/k.conf', text, addresses: ['10.9.0.11'] }])
  const loaded = loadConfig(yaml, { file: '/x', hostname: 'h', localAddresses: [], static: true, env: {} })
  if (!loaded.ok) throw new Error(yaml)
  writeFileSync(join(folder, 'said'), '')
  const alert = { id: '1', key: 'k', phase: 'note' as const, severity: 'notice' as const }
  const full: Event = { at: 0, level: 'notice', text: 'x', ...event }
  for (const { exec: program, events } of loaded.config.alerts) {
    if (!program || !events?.includes(event.name)) continue
    const delivery = await exec(program)(
      { node: 'd1', alerts: [{ ...alert, event: full }] },
      new AbortController().signal,
    )
    expect(delivery).toEqual({ ok: true })
  }
  return readFileSync(join(folder, 'said'), 'utf8').split('\n').filter(Boolean)
}

const state = (to: string, router = 'VI_1') => ({
  name: 'vrrp.state',
  subject: `router ${router}`,
  data: { from: 'backup', to },
})

test('notify_master runs when its router becomes master, and at no other time', async () => {
  const line = `notify_master "${folder}/say.sh 'two words' up"`
  expect(await said(line, '', state('master'))).toEqual(['two words up'])
  expect(await said(line, '', state('backup'))).toEqual([])
  expect(await said(line, '', state('master', 'other'))).toEqual([])
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
})
