import { causes } from '../status/causes.js'

/**
 * Runs in the browser. Text enters the page by textContent only: what real servers answered is shown, never run.
 */
export const pageScript = `
'use strict'
const causes = ${JSON.stringify(causes)}
const $ = id => document.getElementById(id)
let status, events = [], token = sessionStorage.getItem('token') || ''

function node(name, content, className) {
  const made = document.createElement(name)
  for (const part of [content].flat()) if (part !== undefined) made.append(part)
  if (className) made.className = className
  return made
}
function row(cells, className) {
  return node('tr', cells.map(cell => cell instanceof Node ? cell : node('td', String(cell))), className)
}
function number(value) { return node('td', value === undefined ? '-' : String(value), 'n') }
function coloured(text, className) { return node('td', text, className) }
function fill(id, heads, rows) {
  const head = node('tr', heads.map(text => node('th', text, text.endsWith('#') ? 'n' : '')))
  for (const cell of head.children) cell.textContent = cell.textContent.replace('#', '')
  $(id).replaceChildren(head, ...rows)
}
function age(ms) {
  const s = Math.max(0, Math.round(ms / 1000))
  const pair = (large, unit, small, smallUnit) => Math.floor(s / large) + unit + (Math.floor(s % large / small) ? ' ' + Math.floor(s % large / small) + smallUnit : '')
  return s < 60 ? s + 's' : s < 3600 ? pair(60, 'm', 1, 's') : s < 86400 ? pair(3600, 'h', 60, 'm') : pair(86400, 'd', 3600, 'h')
}
function since(at) { const cell = node('td', age(status.at - at)); cell.title = new Date(at).toLocaleString(); return cell }
const endpoint = (address, port) => (address.includes(':') ? '[' + address + ']' : address) + (port ? ':' + port : '')
const service = id => 'mark' in id ? 'mark ' + id.mark : id.protocol + ' ' + endpoint(id.address, id.port)

function master(router) {
  if (router.state === 'master') return 'this director'
  const peer = status.peers.find(each => each.addresses.includes(router.master))
  return peer ? peer.name : router.master || 'none heard'
}
/** As the commands print it: 2026-11-21 16:28:31. */
function stamp(at) { const local = new Date(at - new Date(at).getTimezoneOffset() * 60000); return local.toISOString().slice(0, 19).replace('T', ' ') }

const routerClass = { master: 'up', backup: 'aside', init: 'warn', fault: 'down' }
const serverClass = { up: 'up', unchecked: '', down: 'down', unknown: 'warn', drain: 'aside', maint: 'aside' }
const noticeClass = { info: '', notice: 'aside', warning: 'warn', alarm: 'down' }

/** HAProxy's words: what is on its way says how far. */
function stateOf(server) {
  const turning = server.checks.find(check => check.streak > 0)
  if (!turning || !['up', 'down'].includes(server.state)) return server.state
  return server.state + (server.state === 'up' ? ', going down ' : ', going up ') + turning.streak
}
function checkCell(check) {
  const last = check.last
  const cell = node('span', check.name + ' ' + (last ? last.layer + (last.detail ? ' ' + last.detail : '') + ' in ' + last.latency.toFixed(1) + 'ms' : '-'))
  cell.title = check.kind + ', ' + check.verdict + ' for ' + age(status.at - check.since) + (last && last.answer ? '\\n' + last.answer : '')
  return cell
}
function serverRow(server) {
  const checks = node('td', server.checks.flatMap((check, i) => i ? [', ', checkCell(check)] : [checkCell(check)]))
  return row([
    '  ' + endpoint(server.address, server.port),
    coloured(stateOf(server), serverClass[server.state]),
    since(server.since), number(server.weight), number(server.kernelWeight),
    number(server.connections && server.connections.active), number(server.connections && server.connections.inactive),
    server.forward, checks,
  ])
}
function serviceRows(each, wanted) {
  const servers = each.realServers.filter(server => wanted([each.name, server.address, endpoint(server.address, server.port), server.state]))
  if (!servers.length && !wanted([each.name, each.state])) return []
  const up = each.realServers.filter(server => server.state === 'up' || server.state === 'unchecked').length
  const head = row([
    each.name, coloured(each.state === 'up' ? 'up' : 'DOWN', each.state), since(each.since), number(each.weightUp), number(''),
    number(''), number(''), each.scheduler,
    each.ids.map(service).join(', ') + ', ' + up + ' of ' + each.realServers.length + ' up' + (each.sorry ? ', sorry server' : ''),
  ], 'service')
  return [head, ...servers.map(serverRow)]
}
function draw() {
  const words = $('filter').value.toLowerCase().split(/[ ,]+/).filter(Boolean)
  const wanted = texts => words.every(word => texts.some(text => String(text).toLowerCase().includes(word)))
  document.title = status.node + ' - lvskeeper'
  $('title').textContent = status.node + ', ' + status.version + ', up ' + age(status.at - status.since) + ', configuration ' +
    status.config.hash.slice(0, 8) + ' generation ' + status.config.generation + ', ' + new Date(status.at).toLocaleTimeString()
  $('notices').replaceChildren(...(status.notices.length ? status.notices.slice(0, 200).map(notice => node('li',
    [notice.level + ' ' + notice.subject + ': ' + notice.text + ' ', notice.next ? node('code', notice.next) : undefined], noticeClass[notice.level]))
    : [node('li', 'Everything is normal.', 'up')]))
  fill('routers', ['name', 'vrid#', 'state', 'for', 'priority#', 'master', 'VIPs', 'why'], status.routers.map(router => {
    const why = node('td', router.faults.length ? router.faults.join(', ') : causes[router.cause] || router.cause)
    why.title = router.timeline.map(step => new Date(step.at).toLocaleTimeString() + ' ' + step.what).join('\\n')
    const { base, effective } = router.priority
    return row([router.name, number(router.vrid), coloured(router.state, routerClass[router.state]), since(router.since),
      number(effective === base ? base : effective + ' of ' + base), master(router), router.vips.join(' '), why])
  }))
  fill('peers', ['name', 'heard', 'version', 'configuration', 'table', 'routers'], status.peers.map(peer => {
    const report = peer.state === 'fresh' && peer.report
    const heard = peer.lastHeard === undefined ? 'unknown' : age(status.at - peer.lastHeard) + ' ago'
    if (!report) return row([peer.name, coloured(heard, status.peerChannel === 'on' ? 'down' : ''), 'unknown', 'unknown', 'unknown', 'unknown'])
    return row([peer.name, coloured(heard, 'up'), report.version,
      coloured(report.configHash !== status.config.hash ? report.configHash.slice(0, 8) : peer.secretsDiffer ? 'secrets differ' : 'same', report.configHash === status.config.hash && !peer.secretsDiffer ? '' : 'warn'),
      coloured(report.tableReady ? report.syncReady ? 'complete' : 'complete, no sync' : 'incomplete', report.tableReady && report.syncReady ? '' : 'warn'),
      report.routers.map(router => router.name + ' ' + router.state + ' ' + router.priority).join(', ')])
  }))
  const rows = status.services.flatMap(each => serviceRows(each, wanted))
  const shown = rows.slice(0, 3000)
  if (rows.length > shown.length) shown.push(row([(rows.length - shown.length) + ' more rows: use the filter']))
  fill('services', ['name', 'state', 'for', 'weight#', 'kernel#', 'active#', 'inactive#', 'forward', 'checks'], shown)
  fill('events', ['time', 'level', 'name', 'what'], events.map(event => row([stamp(event.at),
    coloured(event.level, noticeClass[event.level]), event.name, event.text])).reverse())
}
async function get(path) {
  const response = await fetch(path, { headers: token ? { authorization: 'Bearer ' + token } : {}, cache: 'no-store' })
  $('login').hidden = response.status !== 401
  if (!response.ok) throw new Error(response.status === 401 ? 'a token is needed' : 'the director answered ' + response.status)
  return response.json()
}
async function refresh() {
  try {
    [status, events] = await Promise.all([get('v1/status'), get('v1/events?last=50')])
    document.body.classList.remove('stale')
    draw()
  } catch (error) {
    document.body.classList.add('stale')
    $('title').textContent = error.message
  }
  // A hidden tab asks no more than it shows.
  setTimeout(refresh, document.hidden ? 15000 : 2000)
}
$('filter').addEventListener('input', () => status && draw())
$('login').addEventListener('submit', event => {
  event.preventDefault()
  token = $('token').value
  sessionStorage.setItem('token', token)
})
refresh()
`
