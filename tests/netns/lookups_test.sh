#!/usr/bin/env bash
# The look-ups for the packet socket fail, each kind in turn, and meanwhile a firewall is set up that drops every packet.
# The endpoint must give up the packet socket, no packet may leave, and it must recover once the look-ups succeed.
#   lookups_test.sh PROGRAM JUDGE REFUSE
set -euo pipefail
program=$(realpath "$1") refuse=$(realpath "$3")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_make
near "$refuse" true || { echo "$(basename "$0"): needs seccomp's user notification" >&2; exit 77; }
near nft list tables 2>/dev/null || { echo "$(basename "$0"): needs nft and a kernel with nftables" >&2; exit 77; }

near6=2001:db8:41::2 far6=2001:db8:41::1
start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64
failing=$two_hosts_files/failing # the look-ups fail while this file exists
arrived() { of_status far "(s['in']['packets'], s['drops']['in'])"; }
echo_arrives() { near ping -q -n -c 1 -W 1 $far6 >/dev/null; }
log_grows() { (($(wc -l <"$two_hosts_files/near.log") > $1)); }

# fails TITLE REFUSE_OPTION…
fails() {
  local what=$1 before lines
  shift
  : >"$two_hosts_files/near.log"
  near ip neighbour replace 192.0.2.2 lladdr "$(far cat /sys/class/net/wire/address)" dev wire nud reachable
  background near "$refuse" --while "$failing" --error 12 "$@" "$program" run --control "$two_hosts_files/near.sock" \
    --interface near6 --remote 192.0.2.2 --address $near6/64 2>"$two_hosts_files/near.log"
  until_true 10 grep -q '^ready: ' "$two_hosts_files/near.log" || two_hosts_fail "$(cat "$two_hosts_files/near.log")"
  until_true 3 echo_arrives || true
  check "$what: a packet socket before" packet "$(of_status near "s['wire']")"
  lines=$(wc -l <"$two_hosts_files/near.log")
  touch "$failing"
  near nft 'add table ip k; add chain ip k o { type filter hook output priority 0; policy drop; }'
  reaches 4 near "s['wire'] != 'packet'" True || true
  check_match "$what: the packet socket is given up" '^(raw|none)$' "$(of_status near "s['wire']")"
  before=$(arrived)
  near ping -q -n -i 0.1 -c 3 -w 1 $far6 >/dev/null 2>&1 || true
  check "$what: nothing arrives" "$before" "$(arrived)"
  sleep 2.2 # two more checks of the path
  check_match "$what: the log does not repeat itself" '^[0-2]$' "$(($(wc -l <"$two_hosts_files/near.log") - lines))"
  near nft delete table ip k
  rm "$failing"
  reaches 4 near "s['wire']" packet || true
  check "$what: a packet socket again" packet "$(of_status near "s['wire']")"
  succeeds "$what: echoes are answered again" until_true 3 echo_arrives
  "$program" down --control "$two_hosts_files/near.sock"
}

# The numbers are those of the netlink messages: RTM_GETLINK, RTM_GETROUTE, RTM_GETNEIGH, RTM_GETRULE,
# NFT_MSG_GETTABLE, XFRM_MSG_GETPOLICY.
for type in 18 26 30 34 2561 21; do fails "messages of type $type" --matching "sendto $type"; done
fails 'every message to netlink' --matching 'sendto 18' --matching 'sendto 26' --matching 'sendto 30' \
  --matching 'sendto 34' --matching 'sendto 2561' --matching 'sendto 21'
fails 'answers of netlink' --matching recvmsg
finish
