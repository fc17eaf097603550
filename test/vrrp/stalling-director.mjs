/**
 * A director in a process of its own, which can be told to sleep: argv is the folder of the compiled program and the
 * router as JSON. Prints each change of state; SIGUSR2 blocks its loop for 500 ms.
 */
const [folder, json] = process.argv.slice(2)
const load = path => import(`${folder}/${path}`)
const { systemClock } = await load('src/clock.js')
const { kernelAddresses } = await load('src/linux/addresses.js')
const { frameAnnouncer } = await load('src/linux/announcer.js')
const { watchLinks } = await load('src/linux/links.js')
const { createSockets } = await load('src/vrrp/sockets.js')
const { runRouter } = await load('vrrp/router.js')

const config = JSON.parse(json)
const links = await watchLinks()
const addresses = kernelAddresses(links)
const announcer = frameAnnouncer(links)
const place = createSockets(links).join(config, packet => handle.receive(packet))
const peers = config.directors
  .filter(({ name }) => name !== config.director)
  .map(({ name }) => ({ director: name, sameConfig: true }))
const say = what => process.stdout.write(`${JSON.stringify(what)}\n`)
const handle = runRouter(
  config,
  { clock: systemClock, lan: place.lan, addresses, announcer },
  note => note.type === 'state' && say({ to: note.to, cause: note.cause }),
  { ready: true, peers },
)

process.on('SIGUSR2', () => {
  const end = performance.now() + 500
  while (performance.now() < end);
  say({ slept: 500 })
})
