# shellcheck shell=bash
# Shared by the scripts of the lab: where things are, and how they speak.

lab_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034
project=${lab_dir%/*/*}
cache=${LVSKEEPER_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/lvskeeper/uml}

# A caller's PATH may lack the folders in which Debian keeps administration tools.
case :$PATH: in *:/usr/sbin:*) ;; *) PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin ;; esac
export PATH

say() { [ -n "${quiet:-}" ] || printf 'lab: %s\n' "$*" >&2; }
die() {
  printf 'lab: %s\n' "$1" >&2
  exit "${2:-1}"
}

need_root() { [ "$EUID" = 0 ] || die 'namespaces and raw sockets need root: run this again with sudo'; }

# LVSKEEPER_LAB_KERNEL=native or =uml overrules what the host looks like.
host_has_ipvs() {
  case ${LVSKEEPER_LAB_KERNEL:-} in
    native) return 0 ;;
    uml) return 1 ;;
  esac
  [ -e /proc/net/ip_vs ] || { modprobe -q ip_vs 2>/dev/null && [ -e /proc/net/ip_vs ]; }
}

# The kernel to boot: LVSKEEPER_LAB_UML names a folder, else the last one that worked.
kernel_dir() { printf '%s' "${LVSKEEPER_LAB_UML:-$cache/current}"; }
