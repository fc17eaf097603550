import type { Severity } from './finding.js'

type Explanation = readonly [severity: Severity, meaning: string, instead: string]

const scheduling: Explanation = [
  'note',
  'Scheduling of a keepalived process.',
  'lvskeeper runs VRRP as its own process with realtime scheduling where allowed; see the systemd unit.',
]
const snmp: Explanation = ['lost', 'SNMP agent and traps.', 'Use `metrics` (Prometheus) and `alerts`.']
const dbus: Explanation = [
  'lost',
  'State over D-Bus.',
  'Use the control socket, `lvskeeper status --json` or `events -f`.',
]
const fifo: Explanation = [
  'lost',
  'Writes state changes into a FIFO.',
  'Use `lvskeeper events -f --json`, or an alert with `exec` or `webhook`: nothing is dropped when the reader is slow.',
]
const firewall: Explanation = ['note', 'How keepalived writes firewall rules.', 'lvskeeper never touches the firewall.']
const buffers: Explanation = ['note', 'Size of a socket buffer.', 'lvskeeper chooses its own.']
const names: Explanation = ['note', 'Names of processes and pid files.', 'lvskeeper names its processes itself.']
const reload: Explanation = [
  'note',
  'How keepalived reloads.',
  'lvskeeper validates before every reload; see `plan` and `reload --confirm`.',
]
const dumps: Explanation = ['note', 'Where keepalived writes its dumps.', 'Use `lvskeeper status --json`.']
const duplicate: Explanation = [
  'note',
  'Behaviour after two masters met.',
  'lvskeeper always answers a lesser master with an advert and announces its VIPs anew.',
]
const vmac: Explanation = [
  'lost',
  'A detail of the virtual MAC.',
  '`virtual_mac` knows the name of the interface and transmit_on_parent.',
]
const namespaces: Explanation = [
  'lost',
  'Runs keepalived, or its IPVS part, in a network namespace.',
  'Start lvskeeper in the namespace: NetworkNamespacePath= in the systemd unit.',
]
const bfd: Explanation = [
  'lost',
  'Bidirectional forwarding detection.',
  'Use `track.gateway`, or a check with a short interval.',
]
const statics: Explanation = [
  'lost',
  'Addresses, routes or rules that stay as long as keepalived runs.',
  'They do not move with a VIP, and a director needs them before lvskeeper runs: write them where the network is configured (networkd: Address=, [Route], [RoutingPolicyRule]), so that they are there when keepalived, which removes them as it stops, has gone.',
]

/** What is known about words that have no place in the YAML: what they do, and what to do instead. */
export const unsupported: Readonly<Record<string, Explanation>> = {
  ...each('vrrp checker bfd', '_priority _no_swap _rt_priority _cpu_affinity _rlimit_rttime _rlimit_rtime', scheduling),
  ...words('max_auto_priority min_auto_priority_delay', scheduling),
  ...words(
    'enable_traps enable_snmp_vrrp enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3 enable_snmp_checker',
    snmp,
  ),
  ...words('snmp_socket snmp_vs_stats_update_interval snmp_rs_stats_update_interval', snmp),
  ...words('enable_dbus dbus_service_name dbus_no_interface_name', dbus),
  ...words('notify_fifo notify_fifo_script vrrp_notify_fifo vrrp_notify_fifo_script lvs_notify_fifo', fifo),
  ...words(
    'lvs_notify_fifo_script vrrp_notify_priority_changes fifo_write_vrrp_states_on_reload notify_priority_changes',
    fifo,
  ),
  ...words('vrrp_iptables vrrp_ipsets nftables nftables_priority nftables_ifindex nftables_counters', firewall),
  ...words('namespace_with_ipsets disable_local_igmp', firewall),
  ...each(
    'vrrp_netlink_cmd vrrp_netlink_monitor lvs_netlink_cmd lvs_netlink_monitor process_monitor',
    '_rcv_bufs _rcv_bufs_force',
    buffers,
  ),
  ...words('vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier kernel_rx_buf_size', buffers),
  ...words(
    'process_names process_name vrrp_process_name checker_process_name lvs_process_name bfd_process_name',
    names,
  ),
  ...words('instance use_pid_dir set_supplementary_groups use_symlink_paths umask random_seed', names),
  ...words('reload_check_config reload_time_file reload_repeat reload_file include_check config_save_dir', reload),
  ...words('tmp_config_directory child_wait_time', reload),
  ...words('data_use_instance json_version state_dump_file stats_dump_file json_dump_file', dumps),
  ...words(
    'lower_prio_no_advert vrrp_lower_prio_no_advert higher_prio_send_advert vrrp_higher_prio_send_advert',
    duplicate,
  ),
  ...words('owner_ignore_adverts vrrp_owner_ignore_adverts', duplicate),
  ...words('vmac_prefix vmac_addr_prefix use_vmac_addr', vmac),
  ...words('net_namespace net_namespace_ipvs', namespaces),
  ...words('bfd_instance track_bfd BFD_CHECK', bfd),
  ...words('static_ipaddress static_routes static_rules track_group', statics),
  ...words('linkbeat_use_polling linkbeat_interfaces', [
    'note',
    'Asks the driver for the link in a loop.',
    'lvskeeper listens to the kernel, which tells every change.',
  ]),
  ...words('garp_group garp_interval gna_interval', [
    'lost',
    'Spaces gratuitous ARP frames of some interfaces out, for switches that cannot take many at once.',
    'Write garp: { interval: 1ms } for the virtual routers on them.',
  ]),
  ...words('garp_extra_if vrrp_garp_extra_if', [
    'note',
    'Repeats gratuitous ARP on interfaces that carry VIPs but no adverts.',
    'garp.refresh covers every VIP, wherever it lives.',
  ]),
  // Read wherever they usually stand; what is left stands in the host block of an SMTP_CHECK.
  ...words('connect_timeout retry delay_before_retry delay_loop alpha', [
    'lost',
    'Said in a host block, the old way to write an SMTP_CHECK.',
    'Write it into the check itself, beside host, and import again.',
  ]),
  lvs_sync_daemon_interface: [
    'lost',
    'Synchronises connections with the other director over this interface; the old word for lvs_sync_daemon.',
    'Write sync: { interface: NAME } at the top of the YAML.',
  ],
  ...words('interface_up_down_delays', [
    'lost',
    'Waits before an interface counts as down or up.',
    'For a link that goes down write track: { own_interface: false, interfaces: { NAME: { debounce: 500ms } } }; one that is up counts at once.',
  ]),
  vrrp_startup_delay: [
    'lost',
    'Takes part in no election for a while after the start.',
    'Use `preempt: { delay: .. }`; a director whose own table is incomplete does not pre-empt anyway.',
  ],
  vrrp_delay_after_boot: [
    'lost',
    'Takes part in no election for a while after boot.',
    'Use `preempt: { delay: .. }`, or delay the unit.',
  ],
  dynamic_interfaces: [
    'note',
    'Allows interfaces that do not exist at the start.',
    'lvskeeper always does: until then the router is in fault.',
  ],
  default_interface: ['note', 'The interface where none is named.', 'The YAML names every interface.'],
  log_unknown_vrids: ['note', 'Logs adverts of unknown routers.', 'lvskeeper counts them.'],
  iproute_usr_dir: ['note', 'Where names of route tables are looked up.', 'The YAML needs numbers.'],
  iproute_etc_dir: ['note', 'Where names of route tables are looked up.', 'The YAML needs numbers.'],
  startup_script: ['lost', 'A program that runs before keepalived starts.', 'Use ExecStartPre= in the systemd unit.'],
  startup_script_timeout: ['note', 'Belongs to startup_script.', 'Use TimeoutStartSec= in the systemd unit.'],
  shutdown_script: ['lost', 'A program that runs after keepalived ended.', 'Use ExecStopPost= in the systemd unit.'],
  shutdown_script_timeout: ['note', 'Belongs to shutdown_script.', 'Use TimeoutStopSec= in the systemd unit.'],
  rs_init_notifies: ['note', 'Notifies of the first state of real servers.', 'Every first verdict is an event.'],
  no_checker_emails: ['note', 'Fewer mails.', 'See `level`, `events` and `group` of the alert.'],
  checker_log_all_failures: [
    'note',
    'Logs every failed attempt.',
    '`lvskeeper explain` shows the last results of every check.',
  ],
  log_all_failures: [
    'note',
    'Logs every failed attempt.',
    '`lvskeeper explain` shows the last results of every check.',
  ],
  lvs_flush: [
    'note',
    'Empties the whole IPVS table at the start.',
    'lvskeeper compares instead: services that the file names become as it says, others are not touched.',
  ],
  smtp_connect_timeout: ['note', 'Timeout of the mail server.', 'lvskeeper queues and retries mail.'],
  smtp_helo_name: ['note', 'Name in the greeting to the mail server.', 'lvskeeper uses the host name.'],
  enable_script_security: [
    'note',
    'Refuses to run programs as root that others may change.',
    '`lvskeeper check --host` looks at the programs of the file.',
  ],
  unicast_fault_no_peer: [
    'note',
    'Fault instead of multicast when no unicast peer is named.',
    '`transport: unicast` never falls back to multicast.',
  ],
  check_unicast_src: ['note', 'Accepts unicast adverts of the named peers only.', 'lvskeeper always does.'],
  vrrp_check_unicast_src: ['note', 'Accepts unicast adverts of the named peers only.', 'lvskeeper always does.'],
  skip_check_adv_addr: [
    'note',
    'Compares the address list only when the master changes.',
    'lvskeeper accepts other lists, counts them and says so.',
  ],
  vrrp_skip_check_adv_addr: [
    'note',
    'Compares the address list only when the master changes.',
    'lvskeeper accepts other lists, counts them and says so.',
  ],
  old_unicast_checksum: ['lost', 'Checksum of keepalived 1.3.6 and older.', 'Update the other director first.'],
  mcast_dst_ip: ['lost', 'Another multicast group.', 'Use `transport: unicast`, or another vrid.'],
  vrrp_mcast_group4: ['lost', 'Another multicast group.', 'Use `transport: unicast`, or another vrid.'],
  vrrp_mcast_group6: ['lost', 'Another multicast group.', 'Use `transport: unicast`, or another vrid.'],
  vrf: ['lost', 'Adverts inside a VRF.', 'Name the interface itself.'],
  use_ipvlan: ['lost', 'VIPs on an ipvlan interface.', 'Use `virtual_mac: true`, or the interface itself.'],
  track_src_ip: [
    'note',
    'Fault while the source address is missing.',
    'lvskeeper needs its own address too: without it the router is in fault.',
  ],
  no_virtual_ipaddress: ['note', 'Silences a warning about missing VIPs.', 'A router without VIPs is allowed.'],
  promote_secondaries: [
    'note',
    'Sets a sysctl of the interface.',
    '`lvskeeper doctor` names the sysctl where it matters.',
  ],
  timer_expired_backup: [
    'note',
    'Steps back after a stall of its own.',
    'lvskeeper always does: see `cause` in the events.',
  ],
  notify_deleted: [
    'lost',
    'A program that runs when a reload removed the instance.',
    'Use an alert with `exec` and look at the events.',
  ],
  sync_group_tracking_weight: ['note', 'Keeps the weights of members of a sync group.', 'lvskeeper keeps them.'],
  omega: ['note', 'Runs the scripts for "down" when keepalived stops.', 'Stopping raises events of its own.'],
  ha_suspend: [
    'lost',
    'Stops the checks while the VIP is elsewhere.',
    'lvskeeper checks on every director, so that a takeover starts with known verdicts.',
  ],
  snmp_name: ['note', 'A name for SNMP.', 'The YAML uses it as the name of the virtual server.'],
  nftables_ipvs: [
    'lost',
    'One firewall mark for a whole group, set by nftables rules.',
    'The YAML names each address; or use `mark:` with rules of your own.',
  ],
  nftables_ipvs_priority: ['note', 'Belongs to nftables_ipvs.', 'See there.'],
  nftables_ipvs_start_fwmark: ['note', 'Belongs to nftables_ipvs.', 'See there.'],
  warmup: ['note', 'Random delay of the first check.', 'lvskeeper spreads first checks over one interval by itself.'],
  bind_port: ['lost', 'Source port of a check.', 'Not available.'],
  bindto: ['lost', 'Source address of a check.', 'Not available: the kernel chooses by its routes.'],
  bind_if: ['lost', 'Interface of a check.', 'Not available: the kernel chooses by its routes.'],
  regex_options: ['lost', 'Options of the regular expression.', 'Write them as `flags` (i, m, s).'],
  regex_min_offset: ['lost', 'Where the search begins.', 'Not available: the whole body is searched.'],
  regex_max_offset: ['lost', 'Where the search ends.', 'Use max_bytes.'],
  regex_stack: ['note', 'Memory of the regular expression engine.', 'Not needed: RE2 has no stack to size.'],
  tls_compliant: [
    'note',
    'Whether an unfinished TLS connection is an error.',
    'lvskeeper takes the answer by its length.',
  ],
  SSL: [
    'lost',
    'Client certificate of every SSL_GET.',
    'Write cert_file and key_file into `tls:` of the https checks.',
  ],
}

function words(list: string, explanation: Explanation): Record<string, Explanation> {
  return Object.fromEntries(list.split(' ').map(word => [word, explanation]))
}

function each(stems: string, endings: string, explanation: Explanation): Record<string, Explanation> {
  return words(
    stems
      .split(' ')
      .flatMap(stem => endings.split(' ').map(end => stem + end))
      .join(' '),
    explanation,
  )
}
