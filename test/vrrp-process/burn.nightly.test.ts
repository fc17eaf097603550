import { expect, onTestFailed, test } from 'vitest'
import { burningPair, judgeBurning } from './burn.js'

test('checkers that burn a whole processor on both directors for ten minutes make no advert late enough for a failover', async () => {
  const pair = await burningPair()
  onTestFailed(() => console.log(pair.story()))
  try {
    await judgeBurning(pair, 600)
    expect(await pair.d1.state()).toBe('master')
  } finally {
    await pair.down()
  }
}, 720_000)
