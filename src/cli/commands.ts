import type { Command, Option } from './command.js'

const json: Option = { flags: '--json', text: 'print JSON' }
const file: Option = {
  flags: '-c, --config <file>',
  text: 'configuration file (default: /etc/lvskeeper/lvskeeper.yaml)',
}
const node: Option = {
  flags: '--node <name>',
  text: 'which director of the file this is (default: LVSKEEPER_NODE, the host name, the local address)',
}
const runDir: Option = { flags: '--run-dir <dir>', text: 'where the sockets are (default: /run/lvskeeper)' }
const stateDir: Option = { flags: '--state-dir <dir>', text: 'what is kept over reboots (default: /var/lib/lvskeeper)' }
const reason: Option = { flags: '--reason <text>', text: 'why; shown in status and kept in the events' }
const limit: Option = {
  flags: '--for <duration>',
  text: 'ends by itself after this time, as by `ready`, e.g. 30m (default: 24h)',
}
const noLimit: Option = { flags: '--no-limit', text: 'holds until `ready`' }
const force: Option = { flags: '--force', text: 'even when no other director is ready' }

const control = [json, runDir]

/** Every command, in the order of `--help`. The parser, the completion and the manual page are made from this table. */
export const commands: readonly Command[] = [
  {
    name: 'run',
    summary: 'run a director in the foreground',
    options: [
      file,
      node,
      runDir,
      stateDir,
      { flags: '--log-level <level>', text: 'debug, info, warn, error', default: 'info' },
      { flags: '--adopt', text: 'take over services that another program (keepalived, ldirectord) manages now' },
      { flags: '--json', text: 'log as JSON lines on a terminal too' },
    ],
    examples: ['lvskeeper run', 'lvskeeper run -c ./pair.yaml --node d1'],
    load: async () => (await import('./run.js')).run,
  },
  {
    name: 'init',
    summary: 'a first configuration file, valid as it is; prints it, or writes it and says what is next',
    options: [
      json,
      { flags: '--directors <list>', text: 'names and addresses, the preferred one first: d1=10.9.0.11,d2=10.9.0.12' },
      { flags: '--vip <address>', text: 'the address that moves between them' },
      { flags: '--interface <name>', text: 'where it is (default: the one with an address of a director, else eth0)' },
      { flags: '--vrid <number>', text: 'of the virtual router', default: '51' },
      {
        flags: '--servers <addresses>',
        text: 'real servers, a comma between them; without any only the address moves',
      },
      { flags: '--port <port>', text: 'of the virtual server', default: '80' },
      { flags: '--forward <mode>', text: 'dr, nat or tun', default: 'dr' },
      { flags: '--name <name>', text: 'of virtual router and virtual server', default: 'web' },
      { flags: '-o, --output <file>', text: 'write it there; a file that exists is left alone' },
    ],
    examples: [
      'lvskeeper init --directors d1=10.9.0.11,d2=10.9.0.12 --vip 10.9.0.100 --servers 10.9.0.21,10.9.0.22',
      'lvskeeper init --directors d1=10.9.0.11,d2=10.9.0.12 --vip 10.9.0.100 -o /etc/lvskeeper/lvskeeper.yaml',
    ],
    load: async () => (await import('./init.js')).init,
  },
  {
    name: 'check',
    args: '[file]',
    summary: 'validate a configuration; exit 0, or 78 with every error',
    options: [node, json, { flags: '--host', text: 'also check interfaces, modules and sysctls of this machine' }],
    examples: ['lvskeeper check /etc/lvskeeper/lvskeeper.yaml', 'lvskeeper check --host'],
    load: async () => (await import('./check.js')).check,
  },
  {
    name: 'plan',
    args: '[file]',
    summary: 'what a reload would change, before it happens; exit 0 none, 2 changes',
    options: [...control, { flags: '--ipvsadm', text: 'print the table changes as ipvsadm lines' }],
    examples: ['lvskeeper plan', 'lvskeeper plan new.yaml --ipvsadm'],
    load: async () => (await import('./plan.js')).plan,
  },
  {
    name: 'reload',
    summary: 'validate, plan, apply; answers when it is applied, or why not',
    options: [
      ...control,
      { flags: '--confirm <duration>', text: 'roll back unless `lvskeeper confirm` comes within this time' },
      reason,
    ],
    examples: ['lvskeeper reload', 'lvskeeper reload --confirm 5m --reason "new pool"'],
    load: async () => (await import('./reload.js')).reload,
  },
  {
    name: 'confirm',
    summary: 'keep what `reload --confirm` applied',
    options: [...control, reason],
    examples: ['lvskeeper confirm'],
    load: async () => (await import('./reload.js')).confirm,
  },
  {
    name: 'status',
    summary: 'who is master and why, what is down and why, what differs from normal',
    options: [
      ...control,
      { flags: '--check', text: 'exit 2 when there is a warning or an alarm' },
      { flags: '--nagios', text: 'one line and exit code 0, 1, 2 or 3 for a monitoring plug-in' },
    ],
    examples: ['lvskeeper status', 'lvskeeper status --json'],
    load: async () => (await import('./status.js')).status,
  },
  {
    name: 'watch',
    summary: 'the status, live (d drain, m maint, r ready, f fail over, q quit)',
    options: [{ flags: '--json', text: 'no screen: the status as one line of JSON each second' }, runDir],
    examples: ['lvskeeper watch', 'lvskeeper watch --json | jq -c .notices'],
    load: async () => (await import('./watch.js')).watch,
  },
  {
    name: 'events',
    summary: 'what happened and why',
    options: [
      ...control,
      { flags: '-f, --follow', text: 'go on as they happen, over restarts of the director' },
      { flags: '-n, --last <count>', text: 'how many; with -f as many are looked at first', default: '30' },
      { flags: '--level <level>', text: 'this and worse: info, notice, warning or alarm' },
      { flags: '--about <subject>', text: 'only where the subject has this in it: a router, service, address' },
      { flags: '--since <duration>', text: 'not older: 2h' },
    ],
    examples: [
      'lvskeeper events',
      'lvskeeper events --since 2h --level warning',
      'lvskeeper events --about 10.9.0.21 -n 100',
      'lvskeeper events -f --json',
    ],
    load: async () => (await import('./events.js')).events,
  },
  {
    name: 'explain',
    args: '<subject>',
    summary:
      'why is this real server down (SERVICE/ADDRESS[:PORT]), this director not master (ROUTER), or that director not ready (DIRECTOR)',
    options: control,
    examples: [
      'lvskeeper explain web/10.9.0.21:80',
      'lvskeeper explain web',
      'lvskeeper explain d2',
      'lvskeeper explain eth1',
    ],
    load: async () => (await import('./explain.js')).explain,
  },
  {
    name: 'table',
    summary: 'the kernel table as ipvsadm -Ln prints it',
    options: [
      json,
      { flags: '--stats', text: 'totals' },
      { flags: '--rate', text: 'per second' },
      { flags: '--thresholds', text: 'connection thresholds' },
      { flags: '--persistent-conn', text: 'persistent connections' },
      { flags: '--tun-info', text: 'tunnels' },
      { flags: '--exact', text: 'numbers in full' },
      { flags: '--timeout', text: 'tcp, tcpfin and udp timeouts' },
      { flags: '--daemon', text: 'connection sync daemons' },
      { flags: '--connections', text: 'the connection table' },
      { flags: '--save', text: 'as ipvsadm -Sn' },
      { flags: '--nosort', text: 'in the order of the kernel' },
    ],
    examples: ['lvskeeper table', 'lvskeeper table --stats'],
    load: async () => (await import('./table.js')).table,
  },
  {
    name: 'drain',
    args: '<server>',
    summary: 'no new connections to SERVICE/ADDRESS[:PORT] or ADDRESS; removed when the last one ends',
    options: [
      ...control,
      reason,
      { flags: '--within <duration>', text: 'removed after this time at the latest, whatever connections are left' },
      { flags: '--active-only', text: 'do not wait for half-closed and UDP connections' },
      limit,
      noLimit,
    ],
    examples: [
      'lvskeeper drain web/10.9.0.21 --reason "kernel update"',
      'lvskeeper drain 10.9.0.21 --within 10m --for 2h',
    ],
    load: async () => (await import('./override.js')).drain,
  },
  {
    name: 'maint',
    args: '<server>',
    summary: 'out of the table at once, checks go on',
    options: [...control, reason, limit, noLimit],
    examples: ['lvskeeper maint 10.9.0.21 --reason "disk swap"'],
    load: async () => (await import('./override.js')).maint,
  },
  {
    name: 'ready',
    args: '<server>',
    summary: 'ends drain, maint, weight and force: the checks decide again',
    options: [...control, reason],
    examples: ['lvskeeper ready 10.9.0.21'],
    load: async () => (await import('./override.js')).ready,
  },
  {
    name: 'weight',
    args: '<server> <weight>',
    summary: 'another weight for a while',
    options: [...control, reason, limit, noLimit],
    examples: ['lvskeeper weight web/10.9.0.21 5 --for 1h'],
    load: async () => (await import('./override.js')).weight,
  },
  {
    name: 'force',
    args: '<server> <verdict>',
    summary: 'up or down, whatever its checks say',
    options: [...control, reason, limit, noLimit],
    examples: ['lvskeeper force web/10.9.0.21 up --reason "broken check" --for 15m'],
    load: async () => (await import('./override.js')).force,
  },
  {
    name: 'failover',
    args: '<router>',
    summary: 'give a virtual router to the best other director and stay behind it',
    options: [...control, { flags: '--back', text: 'end it: the priorities decide again' }, force, reason],
    examples: ['lvskeeper failover web', 'lvskeeper failover web --back'],
    load: async () => (await import('./failover.js')).failover,
  },
  {
    name: 'maintenance',
    args: '<on|off>',
    summary: 'the whole director leaves, or returns; persistent over restarts',
    options: [...control, force, reason, { flags: '--for <duration>', text: 'ends by itself' }],
    examples: ['lvskeeper maintenance on --reason "new memory"', 'lvskeeper maintenance off'],
    load: async () => (await import('./failover.js')).maintenance,
  },
  {
    name: 'restart',
    summary: 'the next process resumes: no failover, no change in the table',
    options: [...control, reason],
    examples: ['lvskeeper restart'],
    load: async () => (await import('./restart.js')).restart,
  },
  {
    name: 'stop',
    summary: 'hand over and end; --clear also empties our part of the table and restores sysctls',
    options: [...control, { flags: '--clear', text: 'remove our services from the kernel table' }, reason],
    examples: ['lvskeeper stop', 'lvskeeper stop --clear'],
    load: async () => (await import('./restart.js')).stop,
  },
  {
    name: 'import',
    args: '<format> <files...>',
    summary: 'keepalived, ldirectord or ipvsadm -Sn as YAML; exit 0 complete, 2 partial, 1 unreadable',
    options: [
      json,
      { flags: '-o, --output <file>', text: 'write the YAML there; a file that exists is left alone' },
      { flags: '--nodes <names>', text: 'keepalived: names of the directors, in the order of the files: d1,d2' },
      { flags: '--addresses <addresses>', text: 'keepalived: their own addresses, where the files do not say' },
    ],
    examples: [
      'lvskeeper import keepalived /etc/keepalived/keepalived.conf',
      'lvskeeper import keepalived d1.conf d2.conf -o lvskeeper.yaml',
      'ipvsadm -Sn | lvskeeper import ipvsadm -',
    ],
    load: async () => (await import('./import.js')).importCommand,
  },
  {
    name: 'doctor',
    summary: 'what is wrong with this machine as a director, with the command that mends it; exit 1 with problems',
    options: [json, file, node],
    examples: ['lvskeeper doctor', 'lvskeeper doctor -c new.yaml --node d1'],
    load: async () => (await import('./doctor.js')).doctor,
  },
  {
    name: 'realserver',
    args: '<prepare|verify>',
    summary: "the real server's half: VIP on lo or tunl0, ARP settings, gateway, rp_filter",
    options: [
      json,
      file,
      {
        flags: '--address <addresses>',
        text: 'which real server of the file (default: the addresses of this machine)',
      },
      { flags: '--vip <addresses>', text: 'without a file: the virtual addresses, a comma between them' },
      { flags: '--mode <mode>', text: 'with --vip: dr, tun or nat (default: dr)' },
      { flags: '--gateway <address>', text: 'with --vip and nat: the address that moves with the directors' },
      { flags: '--format <format>', text: 'prepare: plan, script, networkd or sysctl (default: plan)' },
      { flags: '--apply', text: 'prepare: do it now, until the next boot' },
    ],
    examples: [
      'lvskeeper realserver prepare --vip 10.9.0.100 --format script',
      'lvskeeper realserver prepare -c lvskeeper.yaml --apply',
      'lvskeeper realserver verify -c lvskeeper.yaml',
    ],
    load: async () => (await import('./realserver.js')).realserver,
  },
  {
    name: 'bundle',
    summary: 'a support archive without secrets',
    options: [
      json,
      { flags: '-c, --config <file>', text: 'configuration file (default: the one that runs)' },
      runDir,
      stateDir,
      { flags: '-o, --output <file>', text: 'archive to write', default: 'lvskeeper-bundle.tar.gz' },
    ],
    examples: ['lvskeeper bundle -o /tmp/b.tar.gz'],
    load: async () => (await import('./bundle.js')).bundle,
  },
  {
    name: 'schema',
    summary: 'JSON Schema of the configuration file',
    options: [{ flags: '--json', text: 'it is JSON as it is' }],
    examples: ['lvskeeper schema > lvskeeper.schema.json'],
    load: async () => (await import('./schema.js')).schema,
  },
  {
    name: 'completion',
    args: '<shell>',
    summary: 'completion for bash, zsh or fish',
    options: [{ flags: '--json', text: 'print it as JSON: shell, script' }],
    examples: ['lvskeeper completion bash > /usr/share/bash-completion/completions/lvskeeper'],
    load: async () => (await import('./completion.js')).completion,
  },
  {
    name: 'manual',
    summary: 'the manual page (roff)',
    options: [{ flags: '--json', text: 'print the commands, their options and the exit codes as JSON' }],
    examples: ['lvskeeper manual | man -l -', 'lvskeeper manual --json | jq -r .commands[].name'],
    load: async () => (await import('./manual.js')).manual,
  },
]
