import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { routerOf } from '../fakes/virtual-router.js'
import { type Segment, segment, sleep, until } from '../linux/namespaces.js'
import { addressWatch, kernelDirector } from './kernel-director.js'

const VIP = '10.9.0.100'

let net: Segment
let a: Awaited<ReturnType<typeof addressWatch>>
let b: Awaited<ReturnType<typeof addressWatch>>
beforeAll(async () => {
  net = segment()
  a = await addressWatch(net.a)
  b = await addressWatch(net.b)
})
afterAll(() => {
  a.close()
  b.close()
  net.remove()
})

type Frame = { readonly at: number; readonly what: string }

/** Adverts and announcements on d2's wire, with the kernel's own time stamps. */
async function capture() {
  const child = net.b.start('tcpdump', '--immediate-mode', '-tt', '-n', '-l', '-i', 'eth0', 'ip proto 112 or arp')
  let text = ''
  let words = ''
  child.stdout?.on('data', chunk => {
    text += chunk
  })
  child.stderr?.on('data', chunk => {
    words += chunk
  })
  await until('tcpdump to listen', () => words.includes('listening on'))
  return async (): Promise<Frame[]> => {
    await sleep(50)
    child.kill('SIGTERM')
    await new Promise(resolve => child.on('exit', resolve))
    return text.split('\n').flatMap(line => {
      const [, at, what] = /^([\d.]+) (.*)$/.exec(line) ?? []
      return at && what ? [{ at: Number(at) * 1000, what }] : []
    })
  }
}

/** d1 is master, d2 its backup; both know each other as lvskeeper with the same file. */
async function pair(interval: number) {
  const changes = { advertInterval: interval }
  const view = (director: string) => ({ peers: [{ director, sameConfig: true }] })
  const d1 = await kernelDirector(net.a, routerOf(0, [150, 100], changes), view('d2'))
  await until('d1 to be master', () => d1.state() === 'master' && a.has(VIP), 5 * interval + 1000)
  const d2 = await kernelDirector(net.b, routerOf(1, [150, 100], changes), view('d1'))
  await sleep(2 * interval + 50 + Math.random() * interval)
  expect([d1.state(), d2.state()]).toEqual(['master', 'backup'])
  return { d1, d2 }
}

const median = (list: number[]) => [...list].sort((x, y) => x - y)[Math.floor(list.length / 2)]!
const isAdvert = (host: number) => (frame: Frame) =>
  frame.what.startsWith(`IP 10.9.0.${host} > 224.0.0.18: VRRPv3, Advertisement`)
const isAnnouncement = (frame: Frame) =>
  /^ARP, Request who-has 10\.9\.0\.100 \(ff:ff:ff:ff:ff:ff\) tell 10\.9\.0\.100/.test(frame.what)

describe('on the wire', () => {
  test.each([50, 100])(
    'a crash at %d ms: the announcement follows the last advert sooner than by the RFC’s skew',
    async interval => {
      const waits: number[] = []
      for (let i = 0; i < 5; i++) {
        const { d1, d2 } = await pair(interval)
        const captured = await capture()
        await sleep(interval * (2 + Math.random()))
        d1.crash()
        await until('d2 to be master', () => d2.state() === 'master' && b.has(VIP), 6 * interval + 2000)
        const frames = await captured()
        const last = frames.findLast(isAdvert(11))
        const first = frames.find(frame => isAnnouncement(frame) && last !== undefined && frame.at > last.at)
        waits.push(first!.at - last!.at)
        d1.close()
        await d2.handle.leave('stop')
        d2.close()
        // Once it is waited for; a crash of the machine takes it at once.
        if (i < 4 && a.has(VIP)) net.a.run('ip', 'addr', 'del', `${VIP}/32`, 'dev', 'eth0')
        await until('the crashed director’s VIP to lapse', () => !a.has(VIP), 4000)
      }
      const rfc = 3 * interval + ((256 - 100) / 256) * interval
      console.log(
        `last advert to first announcement at ${interval} ms: ${waits.map(wait => wait.toFixed(1)).join(' ')} (RFC ${rfc.toFixed(1)})`,
      )
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(3 * interval)
      // The least, not the median: what is judged is the rule, not what else this machine does.
      expect(Math.min(...waits)).toBeLessThan(rfc)
    },
    60_000,
  )

  test('a planned hand-over at 1 s: the taker announces within 20 ms of the farewell, and the VIP is never nowhere', async () => {
    const waits: number[] = []
    for (let i = 0; i < 2; i++) {
      const { d1, d2 } = await pair(1000)
      const captured = await capture()
      const nowhere: number[] = []
      const watch = setInterval(() => {
        if (!a.has(VIP) && !b.has(VIP)) nowhere.push(performance.now())
      }, 1)
      const result = await d1.handle.failover({ back: false, author: 'test' })
      await until('the VIP to be on d2 alone', () => b.has(VIP) && !a.has(VIP), 1000)
      clearInterval(watch)
      expect(result).toEqual({ done: true, to: '10.9.0.12' })
      expect(nowhere).toEqual([])
      const frames = await captured()
      const farewell = frames.find(frame => isAdvert(11)(frame) && frame.what.includes('prio 0'))
      const first = frames.find(frame => isAnnouncement(frame) && farewell !== undefined && frame.at > farewell.at)
      waits.push(first!.at - farewell!.at)
      await d1.handle.leave('stop')
      await d2.handle.leave('stop')
      d1.close()
      d2.close()
    }
    console.log(`farewell to first announcement at 1 s: ${waits.map(wait => wait.toFixed(1)).join(' ')} ms`)
    expect(median(waits)).toBeLessThan(20)
  }, 60_000)

  test('a restart: the VIP stays, the other director waits, the next process goes on', async () => {
    const { d1, d2 } = await pair(100)
    const captured = await capture()
    await d1.handle.leave('restart')
    const left = performance.now()
    d1.close()
    await sleep(1000)
    expect(a.has(VIP)).toBe(true)
    const next = await kernelDirector(net.a, routerOf(0, [150, 100]), {
      resume: { silence: performance.now() - left, patience: 3000 },
      peers: [{ director: 'd2', sameConfig: true }],
    })
    expect(next.state()).toBe('master')
    await sleep(1000)
    expect([next.state(), d2.state(), a.has(VIP), b.has(VIP)]).toEqual(['master', 'backup', true, false])
    const frames = await captured()
    expect(frames.filter(isAdvert(12))).toEqual([])
    expect(d2.notes.filter(note => note.type === 'state')).toHaveLength(1)
    await next.handle.leave('stop')
    await d2.handle.leave('stop')
    next.close()
    d2.close()
  }, 30_000)

  test('a VIP that somebody removes is back within 100 ms, announced and counted', async () => {
    const { d1, d2 } = await pair(100)
    net.a.run('ip', 'addr', 'del', `${VIP}/32`, 'dev', 'eth0')
    await until('the loss to be counted', () => d1.handle.counters()['vip-lost'] === 1, 100)
    await until('the VIP to be back', () => a.has(VIP), 100)
    expect(net.a.run('ip', '-o', 'addr', 'show', 'dev', 'eth0')).toContain(` ${VIP}/32 `)
    expect(d1.state()).toBe('master')
    await d1.handle.leave('stop')
    await d2.handle.leave('stop')
    d1.close()
    d2.close()
  }, 30_000)
})
