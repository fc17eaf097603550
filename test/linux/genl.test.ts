import { describe, expect, test } from 'vitest'
import { type Genl, openGenl } from '../../src/linux/genl.js'
import { type AttributeWriter, readAttributes, textOf } from '../../src/linux/ipvs-attributes.js'

/** Against the controller family `nlctrl`, which every Linux kernel has (linux/genetlink.h). */
const CTRL_CMD_GETFAMILY = 3
const CTRL_ATTR_FAMILY_NAME = 2
const about = (family: string) => ({
  command: CTRL_CMD_GETFAMILY,
  put: (out: AttributeWriter) => out.text(CTRL_ATTR_FAMILY_NAME, family),
})

async function withController(body: (genl: Genl) => Promise<void>): Promise<void> {
  const genl = await openGenl('nlctrl', 2)
  try {
    await body(genl)
  } finally {
    genl.close()
  }
}

describe('a generic netlink socket', () => {
  test('says ENOENT for a family that the kernel does not have', async () => {
    await expect(openGenl('no-such-family', 1)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('collects a dump of several messages', () =>
    withController(async genl => {
      const answers = await genl.ask({ command: CTRL_CMD_GETFAMILY })
      const names = answers.map(answer => textOf(readAttributes(answer).get(CTRL_ATTR_FAMILY_NAME)))
      expect(names).toContain('nlctrl')
      expect(names.length).toBeGreaterThan(1)
    }))

  test('gives one answer to one question, and the error of a refused one', () =>
    withController(async genl => {
      expect(await genl.ask(about('nlctrl'), 'one')).toHaveLength(1)
      await expect(genl.ask(about('no-such-family'), 'one')).rejects.toMatchObject({ code: 'ENOENT' })
    }))

  test('maps errors in a batch of hundreds back to the request that caused them', () =>
    withController(async genl => {
      const wrong = new Set([0, 3, 255, 256, 511, 698, 699])
      const results = await genl.batch(
        Array.from({ length: 700 }, (_, i) => about(wrong.has(i) ? 'no-such-family' : 'nlctrl')),
      )
      expect(results).toEqual(Array.from({ length: 700 }, (_, i) => (wrong.has(i) ? 'ENOENT' : undefined)))
    }))

  test('loses no refusal where every one of thousands is refused', () =>
    withController(async genl => {
      const results = await genl.batch(Array.from({ length: 5000 }, () => about('no-such-family')))
      expect(results.filter(code => code !== 'ENOENT')).toEqual([])
      expect(results).toHaveLength(5000)
    }))

  test('does one exchange at a time, in the order of the calls', () =>
    withController(async genl => {
      const [one, two, three] = await Promise.all([
        genl.batch([about('nlctrl')]),
        genl.ask(about('nlctrl'), 'one'),
        genl.batch([about('no-such-family')]),
      ])
      expect([one, two.length, three]).toEqual([[undefined], 1, ['ENOENT']])
    }))

  test('refuses work after it was closed', async () => {
    const genl = await openGenl('nlctrl', 2)
    genl.close()
    await expect(genl.ask(about('nlctrl'), 'one')).rejects.toMatchObject({ code: 'EBADF' })
    expect(await genl.batch([])).toEqual([])
  })
})
