/**
 * The words that keepalived knows, as nested as its parser has them (2.4.3; the union of all build options). A word
 * that is not here is unknown to it: the line is skipped, and a block of that name does damage.
 */

/** leaf: one line. list: a block of raw lines. A tree: a block with words of its own. */
export type Shape = 'leaf' | 'list' | Keywords
export type Keywords = { readonly [word: string]: Shape }

function leaves(words: string): Keywords {
  return Object.fromEntries(
    words
      .trim()
      .split(/\s+/)
      .map(word => [word, 'leaf' as const]),
  )
}

function lists(words: string): Keywords {
  return Object.fromEntries(
    words
      .trim()
      .split(/\s+/)
      .map(word => [word, 'list' as const]),
  )
}

const tracks = lists('track_interface track_script track_file track_process track_bfd')

const globalDefs: Keywords = {
  ...leaves(`process_names process_name vrrp_process_name checker_process_name lvs_process_name bfd_process_name
    use_symlink_paths set_supplementary_groups router_id notification_email_from smtp_server smtp_helo_name
    smtp_connect_timeout smtp_alert startup_script startup_script_timeout shutdown_script shutdown_script_timeout
    max_auto_priority min_auto_priority_delay smtp_alert_vrrp smtp_alert_checker checker_log_all_failures
    dynamic_interfaces no_email_faults default_interface disable_local_igmp v3_checksum_as_v2 lvs_timeouts lvs_flush
    lvs_flush_on_stop lvs_flush_onstop lvs_sync_daemon vrrp_mcast_group4 vrrp_mcast_group6 vrrp_garp_master_delay
    vrrp_garp_master_repeat vrrp_garp_master_refresh vrrp_garp_master_refresh_repeat vrrp_garp_lower_prio_delay
    vrrp_garp_lower_prio_repeat vrrp_down_timer_adverts vrrp_garp_interval vrrp_gna_interval vrrp_min_garp
    vrrp_garp_extra_if vrrp_vmac_garp_intvl vrrp_lower_prio_no_advert vrrp_higher_prio_send_advert vrrp_version
    vrrp_iptables vrrp_ipsets nftables nftables_priority nftables_ifindex vrrp_check_unicast_src
    vrrp_skip_check_adv_addr vrrp_strict nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark
    nftables_counters notify_fifo notify_fifo_script vrrp_notify_fifo vrrp_notify_fifo_script
    vrrp_notify_priority_changes fifo_write_vrrp_states_on_reload lvs_notify_fifo lvs_notify_fifo_script snmp_socket
    enable_traps enable_snmp_vrrp enable_snmp_keepalived enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3
    enable_snmp_checker snmp_vs_stats_update_interval snmp_rs_stats_update_interval enable_dbus dbus_service_name
    dbus_no_interface_name script_user enable_script_security rs_init_notifies no_checker_emails vrrp_rx_bufs_policy
    vrrp_rx_bufs_multiplier vrrp_startup_delay vrrp_delay_after_boot log_unknown_vrids vrrp_owner_ignore_adverts
    vmac_prefix vmac_addr_prefix umask random_seed reload_check_config reload_time_file reload_repeat reload_file
    include_check config_save_dir tmp_config_directory data_use_instance json_version iproute_usr_dir iproute_etc_dir
    state_dump_file stats_dump_file json_dump_file process_monitor_rcv_bufs process_monitor_rcv_bufs_force`),
  ...leaves(
    ['vrrp', 'checker', 'bfd']
      .flatMap(name =>
        ['priority', 'no_swap', 'rt_priority', 'cpu_affinity', 'rlimit_rttime', 'rlimit_rtime'].map(
          word => `${name}_${word}`,
        ),
      )
      .join(' '),
  ),
  ...leaves(
    ['vrrp_netlink_cmd', 'vrrp_netlink_monitor', 'lvs_netlink_cmd', 'lvs_netlink_monitor']
      .flatMap(name => [`${name}_rcv_bufs`, `${name}_rcv_bufs_force`])
      .join(' '),
  ),
  ...lists('notification_email'),
}

const syncGroup: Keywords = {
  ...lists('group'),
  ...tracks,
  ...leaves(`notify_backup notify_master notify_fault notify_stop notify smtp_alert global_tracking
    sync_group_tracking_weight notify_priority_changes notify_deleted`),
}

const instance: Keywords = {
  ...leaves(`use_vmac use_vmac_addr vmac_xmit_base use_ipvlan unicast_fault_no_peer check_unicast_src
    old_unicast_checksum native_ipv6 state interface vrf dont_track_primary mcast_src_ip unicast_src_ip mcast_dst_ip
    track_src_ip virtual_router_id unicast_ttl version priority advert_int no_virtual_ipaddress promote_secondaries
    linkbeat_use_polling v3_checksum_as_v2 accept no_accept skip_check_adv_addr strict_mode preempt nopreempt
    preempt_delay debug notify_backup notify_master notify_fault notify_stop notify_deleted notify
    notify_master_rx_lower_pri smtp_alert notify_priority_changes lvs_sync_daemon_interface garp_master_delay
    garp_master_refresh garp_master_repeat garp_master_refresh_repeat garp_lower_prio_delay garp_lower_prio_repeat
    down_timer_adverts timer_expired_backup thread_timer_expired garp_extra_if vmac_garp_intvl lower_prio_no_advert
    higher_prio_send_advert owner_ignore_adverts kernel_rx_buf_size`),
  ...lists('unicast_peer virtual_ipaddress virtual_ipaddress_excluded virtual_routes virtual_rules'),
  ...tracks,
  authentication: leaves('auth_type auth_pass'),
  auth_hmac: leaves('key active_key time_window anti_replay mode'),
}

const checkerCommon = leaves(`connect_ip connect_port bindto bind_port bind_if connect_timeout fwmark retry
  delay_before_retry warmup delay_loop alpha log_all_failures`)

const url = leaves(`path digest status_code virtualhost regex regex_no_match regex_options regex_min_offset
  regex_max_offset regex_stack tls_compliant`)

const web: Keywords = {
  ...checkerCommon,
  ...leaves('nb_get_retry virtualhost http_protocol enable_sni sni_name fast_recovery tls_compliant'),
  url,
}

const checkers: Keywords = {
  TCP_CHECK: checkerCommon,
  HTTP_GET: web,
  SSL_GET: web,
  SMTP_CHECK: { ...checkerCommon, ...leaves('helo_name'), host: checkerCommon },
  DNS_CHECK: { ...checkerCommon, ...leaves('type name') },
  MISC_CHECK: {
    ...leaves(
      'misc_path misc_timeout misc_dynamic user retry delay_before_retry warmup delay_loop alpha log_all_failures',
    ),
  },
  UDP_CHECK: { ...checkerCommon, ...leaves('payload require_reply min_reply_length max_reply_length') },
  PING_CHECK: checkerCommon,
  FILE_CHECK: leaves('track_file weight dynamic'),
  BFD_CHECK: leaves('name alpha'),
}

const realServer: Keywords = {
  ...leaves(`weight lvs_method uthreshold lthreshold inhibit_on_failure notify_up notify_down alpha retry
    delay_before_retry warmup connect_timeout delay_loop smtp_alert virtualhost snmp_name`),
  ...checkers,
}

const virtualServer: Keywords = {
  ...leaves(`ip_family retry delay_before_retry warmup connect_timeout delay_loop inhibit_on_failure lb_algo lvs_sched
    hashed ops flag-1 flag-2 flag-3 sh-port sh-fallback mh-port mh-fallback lb_kind lvs_method persistence_engine
    persistence_timeout persistence_granularity protocol ha_suspend smtp_alert virtualhost snmp_name alpha omega
    quorum_up quorum_down quorum hysteresis weight sorry_server sorry_server_inhibit sorry_server_lvs_method nat_mask`),
  real_server: realServer,
}

const script = leaves('script interval timeout weight rise fall user init_fail')
const trackFile = leaves('file weight init_file')

/** The words at the top of the file. */
export const rootKeywords: Keywords = {
  ...leaves(`linkbeat_use_polling net_namespace net_namespace_ipvs namespace_with_ipsets use_pid_dir instance
    child_wait_time`),
  ...lists(`static_ipaddress static_routes static_rules linkbeat_interfaces interface_up_down_delays
    virtual_server_group`),
  global_defs: globalDefs,
  track_group: lists('group'),
  vrrp_sync_group: syncGroup,
  garp_group: { ...leaves('garp_interval gna_interval interface'), ...lists('interfaces') },
  vrrp_instance: instance,
  vrrp_script: script,
  vrrp_track_process: leaves(
    'process param_match weight quorum quorum_max delay terminate_delay fork_delay full_command',
  ),
  track_file: trackFile,
  vrrp_track_file: trackFile,
  bfd_instance: leaves(`source_ip neighbor_ip neighbour_ip min_rx min_tx idle_tx multiplier passive ttl hoplimit
    max_hops multihop weight vrrp checker`),
  SSL: leaves('password ca certificate key'),
  virtual_server: virtualServer,
}

/** Words that older releases knew; they change nothing any more. */
export const obsolete: ReadonlySet<string> = new Set(['nat_mask', 'native_ipv6', 'global_tracking', 'debug'])

/** Other spellings of the same word: the first is the one that the reader looks for. */
const aliases: Readonly<Record<string, string>> = {
  lb_algo: 'lvs_sched',
  lb_kind: 'lvs_method',
  nb_get_retry: 'retry',
  vrrp_track_file: 'track_file',
  lvs_flush_onstop: 'lvs_flush_on_stop',
  vmac_garp_intvl: 'garp_extra_if',
  vrrp_vmac_garp_intvl: 'vrrp_garp_extra_if',
  enable_snmp_keepalived: 'enable_snmp_vrrp',
  thread_timer_expired: 'timer_expired_backup',
  hashed: 'flag-1',
  neighbour_ip: 'neighbor_ip',
  no_email_faults: 'no_checker_emails',
}

/** The one name of a word that has several. */
export function canonical(word: string): string {
  return aliases[word] ?? word
}
