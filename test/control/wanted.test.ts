import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type CheckerSettings, wantedOf } from '../../src/control/wanted.js'
import { good } from '../config/load.js'

const example = readFileSync('config/examples/two-box.yaml', 'utf8')
const settingsOf = (text: string) =>
  wantedOf(good(text, {}, { node: 'd2', localAddresses: ['10.9.0.12'] })).settings.value as CheckerSettings

describe('directors that are real servers', () => {
  test('are told from the file: the VIP belongs on lo, and the sync daemon runs that makes backup_only take effect', () => {
    expect(settingsOf(example)).toMatchObject({
      loopback: ['10.9.0.100'],
      sync: { interface: 'eth0', syncid: 51 },
    })
  })

  test('keep the sync daemon that the file names', () => {
    const { sync } = settingsOf(`sync: { interface: eth1, id: 7 }\n${example}`)
    expect(sync).toMatchObject({ interface: 'eth1', syncid: 7 })
  })

  test('are not what a director is that serves nothing itself', () => {
    const { loopback, sync } = settingsOf(example.replace('10.9.0.12]', '10.9.0.13]'))
    expect(loopback).toEqual([])
    expect(sync).toBeUndefined()
  })
})
