import type { Distribution, RouterStatus } from '../messages.js'
import { type Exposition, type Labels, labels } from './exposition.js'

const states = ['init', 'backup', 'master', 'fault'] as const

/** Counters with a metric of their own; every other one is a kind of error. */
const named: Readonly<Record<string, readonly [name: string, help: string]>> = {
  'advertisement-rcvd': ['lvskeeper_vrrp_adverts_received_total', 'Valid adverts of this virtual router.'],
  'advertisement-sent': ['lvskeeper_vrrp_adverts_sent_total', 'Adverts sent.'],
  'priority-zero-pkts-rcvd': ['lvskeeper_vrrp_priority_zero_received_total', 'A master said that it leaves.'],
  'priority-zero-pkts-sent': ['lvskeeper_vrrp_priority_zero_sent_total', 'We said that we leave.'],
  'master-transitions': ['lvskeeper_vrrp_master_transitions_total', 'How often it became master.'],
  announcements: ['lvskeeper_vrrp_announcements_total', 'Gratuitous ARP and unsolicited NA frames sent.'],
  'vip-lost': ['lvskeeper_vrrp_vip_lost_total', 'VIPs that somebody else removed.'],
  stalls: ['lvskeeper_vrrp_stalls_total', 'Wake-ups too late to judge the silence of a master.'],
  'two-masters': ['lvskeeper_vrrp_two_masters_total', 'Adverts of another master while being master.'],
}

const forms: Readonly<Record<string, string>> = { 'checksum-plain': 'plain', 'checksum-pseudo-header': 'pseudo-header' }

/** One virtual router: state one-hot, priorities, counters under their reasons, lateness of adverts and times between them. */
export function vrrpMetrics(router: RouterStatus, out: Exposition): void {
  const { name, state, priority, since, lastAdvert, lateness, interarrival } = router
  const own = labels({ router: name })
  for (const each of states) {
    const is = each === state ? 1 : 0
    out.gauge('lvskeeper_vrrp_state', '1 for the state it is in.', labels({ state: each }, own), is)
  }
  for (const kind of ['base', 'effective'] as const) {
    const help = 'As the file says, and with tracking.'
    out.gauge('lvskeeper_vrrp_priority', help, labels({ kind }, own), priority[kind])
  }
  const sinceHelp = 'Since when it is in its state.'
  out.gauge('lvskeeper_vrrp_last_transition_timestamp_seconds', sinceHelp, own, since / 1_000)
  if (lastAdvert !== undefined) {
    const help = 'When a master was heard last.'
    out.gauge('lvskeeper_vrrp_last_advert_timestamp_seconds', help, own, lastAdvert / 1_000)
  }
  counters(router, own, out)
  for (const { address: sender, ...forms } of router.senders ?? [])
    for (const [form, value] of Object.entries(forms))
      out.counter(
        'lvskeeper_vrrp_sender_adverts_total',
        'Whose adverts, by the form of their checksum.',
        labels({ sender, form }, own),
        value,
      )
  if (lateness) {
    const help = 'How late adverts came against what their sender announced.'
    histogram('lvskeeper_vrrp_advert_lateness_seconds', help, inSeconds(lateness), own, out)
  }
  if (interarrival) {
    const help = 'Time between two adverts of one sender, in intervals that it announced: 1 is in time, 2 one lost.'
    histogram('lvskeeper_vrrp_advert_interarrival_ratio', help, interarrival, own, out)
  }
}

function counters(router: RouterStatus, own: Labels, out: Exposition): void {
  for (const [counter, value] of Object.entries(router.counters)) {
    const [name, help] = named[counter] ?? []
    const form = forms[counter]
    if (name !== undefined && help !== undefined) out.counter(name, help, own, value)
    else if (form !== undefined)
      out.counter(
        'lvskeeper_vrrp_checksum_total',
        'Adverts by the form of their checksum.',
        labels({ form }, own),
        value,
      )
    else
      out.counter('lvskeeper_vrrp_errors_total', 'By reason, ietf-vrrp words.', labels({ type: counter }, own), value)
  }
}

function inSeconds({ buckets, sum, count }: Distribution): Distribution {
  return { buckets: buckets.map(({ le, count }) => ({ le: le / 1_000, count })), sum: sum / 1_000, count }
}

function histogram(name: string, help: string, values: Distribution, own: Labels, out: Exposition): void {
  const { buckets, sum, count } = values
  const all = [...buckets.map(({ le, count }) => [String(le), count] as const), ['+Inf', count] as const]
  for (const [le, value] of all) out.histogram(name, help, '_bucket', labels({ le }, own), value)
  out.histogram(name, help, '_sum', own, sum)
  out.histogram(name, help, '_count', own, count)
}
