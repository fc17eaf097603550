import { expect, onTestFailed, test } from 'vitest'
import { until } from '../lab/harness.js'
import { createPair, sleep } from './pair.js'

test('a backup whose witness is silent does not replace a silent master, says why, and does as soon as it answers', async () => {
  const pair = await createPair({ router: 'witness: { address: 10.9.0.50, interval: 200ms, within: 1s }' })
  onTestFailed(() => console.log(pair.story()))
  try {
    await pair.up()
    const { d1, d2, topology } = pair
    const explained = async () => (await d2.cli('explain', 'web')).stdout
    await until('the witness answers', async () => /witness 10.9.0.50 \(L4OK/.test(await explained()), 10_000, 200)
    expect(await explained()).not.toContain('no takeover by silence')

    await topology.exec('cl', ['ip', 'addr', 'del', '10.9.0.50/24', 'dev', 'eth0'])
    await until('it is missed', async () => (await explained()).includes('no takeover by silence'), 10_000, 200)
    d1.killAll()
    await until('d2 says so', async () => (await d2.events('vrrp.unwitnessed')).length > 0, 10_000)
    await sleep(1_000)
    expect(await d2.state()).toBe('backup')
    expect(d2.has()).toBe(false)
    expect((await d2.events('vrrp.unwitnessed'))[0]).toMatchObject({ level: 'alarm', subject: 'router web' })

    await topology.exec('cl', ['ip', 'addr', 'add', '10.9.0.50/24', 'dev', 'eth0'])
    await until('d2 is master', async () => (await d2.state()) === 'master', 10_000)
    expect(d2.has()).toBe(true)
  } finally {
    await pair.down()
  }
}, 60_000)
