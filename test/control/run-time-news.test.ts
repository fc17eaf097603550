import { describe, expect, test } from 'vitest'
import { createRunTimeNews } from '../../src/control/run-time-news.js'
import type { Address, Message, Override, PeerPriority } from '../../src/messages.js'

const drain: Override = { service: 'web', address: '10.9.0.21', port: 80, verb: 'drain', author: 'root', at: 1 }
const peer = (director: string, at: number): PeerPriority => ({
  ...{ director, router: 'web', priority: 100, at },
  ...{ state: 'backup', sameConfig: true },
})

function house() {
  const sent: [Address, Message['type']][] = []
  let known = false
  let broken: readonly number[] = []
  const news = createRunTimeNews(
    { orders: {}, overrides: [drain] },
    {
      send: (to, message) => void sent.push([to, message.type]),
      peers: { paths: () => ({ broken, heard: true }), overridesKnown: () => known },
    },
  )
  return {
    news,
    learn(): void {
      known = true
    },
    breakPath(mark: number): void {
      broken = [...broken, mark]
    },
    took: () => sent.splice(0).map(each => each.join(' ')),
  }
}

describe('what is told at run time', () => {
  test('of the other directors is told once, whatever the order and the time in which it was heard', () => {
    const { news, took, breakPath } = house()
    news.heard([peer('d2', 1), peer('d3', 1)], undefined)
    expect(took()).toEqual(['vrrp peers', 'checkers peer-paths'])
    news.heard([peer('d3', 2), peer('d2', 3)], undefined)
    expect(took()).toEqual([])
    breakPath(7)
    news.heard([peer('d2', 1), peer('d3', 1)], '10.9.0.99')
    expect(took()).toEqual(['vrrp peers', 'checkers peer-paths'])
  })

  test('of overrides is told again once those of the other directors are among them', () => {
    const { news, took, learn } = house()
    news.overrides([drain])
    news.heard([], undefined)
    took()
    learn()
    news.heard([], undefined)
    news.heard([], undefined)
    expect(took()).toEqual(['checkers overrides'])
  })

  test('is told anew to a process that has just started, all of it', () => {
    const { news, took } = house()
    news.heard([peer('d2', 1)], undefined)
    took()
    news.again('vrrp')
    news.again('checkers')
    news.heard([peer('d2', 1)], undefined)
    expect(took()).toEqual(['vrrp behind', 'checkers overrides', 'checkers peer-paths', 'vrrp peers'])
  })
})
