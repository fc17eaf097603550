import { createInterface } from 'node:readline'
import type { Namespace } from '../linux/namespaces.js'

type Advert = { readonly at: number; readonly vrid: number; readonly priority: number; readonly interval: number }

/** Listens to the adverts that reach a namespace, with the kernel's own stamps (epoch ms), until `end`. */
export async function heardAdverts(namespace: Namespace) {
  const filter = 'ip proto 112'
  const child = namespace.start('tcpdump', '-i', 'eth0', '-n', '-tt', '-l', '--immediate-mode', filter)
  const adverts: Advert[] = []
  let said = ''
  const ready = new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', text => {
      said += text
      if (said.includes('listening on')) resolve()
    })
    child.once('exit', code => reject(new Error(`tcpdump ended (${code}): ${said}`)))
    child.once('error', reject)
  })
  if (child.stdout)
    createInterface({ input: child.stdout }).on('line', line => {
      const [, at, vrid, priority, interval] = /^(\d+\.\d+) .*vrid (\d+), prio (\d+),.*intvl (\d+)cs/.exec(line) ?? []
      if (at === undefined) return
      const advert = { at: Number(at) * 1000, vrid: Number(vrid), priority: Number(priority) }
      adverts.push({ ...advert, interval: Number(interval) * 10 })
    })
  await ready

  return {
    count: () => adverts.length,
    /**
     * The silences between two adverts of one virtual router that are longer than its interval, the longer one where it has changed. A
     * timer that starts anew or an advert that is left out makes up to two intervals; half of one is left to the machine. What
     * follows a farewell is another life.
     */
    late() {
      const last = new Map<number, Advert>()
      const found: { vrid: number; ms: number; interval: number; at: number }[] = []
      for (const advert of adverts) {
        const before = last.get(advert.vrid)
        last.set(advert.vrid, advert)
        if (!before || before.priority === 0 || advert.priority === 0) continue
        const { vrid, at } = advert
        const [ms, interval] = [at - before.at, Math.max(before.interval, advert.interval)]
        if (ms > 1.5 * interval) found.push({ vrid, ms: Math.round(ms), interval, at })
      }
      return found
    },
    end: () => void child.kill(),
  }
}
