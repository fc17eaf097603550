// Many real servers that all answer: addresses of one namespace, in services beside the one that the client uses.

/** A route to all of them, and the addresses themselves, which one real server's namespace (`gateway`: its address) takes as its own. */
export async function manyAddresses(net, gateway = '10.9.0.21') {
  await net.exec('rs1', 'ip', 'route', 'add', 'local', '10.20.0.0/16', 'dev', 'lo')
  for (const name of ['d1', 'd2']) await net.exec(name, 'ip', 'route', 'add', '10.20.0.0/16', 'via', gateway)
}

/** `count` of them, ten to a service: [[virtual address, [real addresses]]]. */
export function manyServices(count) {
  return Array.from({ length: Math.ceil(count / 10) }, (_, s) => [
    `10.30.${s >> 8}.${s & 255}`,
    Array.from({ length: Math.min(10, count - 10 * s) }, (_, i) => {
      const n = 10 * s + i
      return `10.20.${n >> 8}.${n & 255}`
    }),
  ])
}

/** In lvskeeper's file, before the service that is there: what comes last is programmed last. */
export function inYaml(text, services, interval = '60s') {
  const many = services.map(
    ([vip, servers], s) =>
      `  s${s}:\n    address: ${vip}:80\n    scheduler: rr\n    forward: dr\n    check: many\n    real_servers: [${servers.join(', ')}]\n`,
  )
  return text
    .replace('checks:\n', `checks:\n  many: { tcp: {}, interval: ${interval}, timeout: 5s, watch: false }\n`)
    .replace('virtual_servers:\n', `virtual_servers:\n${many.join('')}`)
}

/** In keepalived's. */
export function inKeepalived(text, services, loop = 60) {
  const real = address => `  real_server ${address} 80 {\n    TCP_CHECK {\n      connect_timeout 5\n    }\n  }\n`
  const many = services.map(
    ([vip, servers]) =>
      `virtual_server ${vip} 80 {\n  delay_loop ${loop}\n  lvs_sched rr\n  lvs_method DR\n  protocol TCP\n${servers.map(real).join('')}}\n`,
  )
  return text.replace(/^virtual_server /m, `${many.join('')}virtual_server `)
}
