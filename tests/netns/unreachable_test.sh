#!/usr/bin/env bash
# Destination Unreachable: ICMPv4 errors about the path reach the inner sender if the quotation contains its address. A
# foreign source is refused with the reason. Forged errors have no effect.
#   unreachable_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
# shellcheck source=tests/netns/routed_hosts.sh
source "$here/routed_hosts.sh"
two_hosts_enter "$@"
routed_hosts_make

near6=2001:db8:41::2
far6=2001:db8:41::1
foreign6=2001:db8:77::1

start_near() { # OPTION…
  start_endpoint near "$program" --interface near6 --remote 198.51.100.2 --address $near6/64 --route ::/0 "$@"
}
stop_near() { "$program" down --control "$two_hosts_files/near.sock"; }
start_far() { start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64 --route $foreign6/128; }
ping_said() { near ping -6 -n -c 1 -W 5 "$@" $far6 2>&1 || true; }
# unreachable TITLE [PING-OPTION…]: checks that this end answers an echo with Address Unreachable
unreachable() {
  local what=$1 before
  shift
  before=$(of_status near "s['in']['icmp_errors']")
  check_match "$what: the sender gets Address Unreachable" "From $near6 icmp_seq=1 Destination unreachable: Address unreachable" "$(ping_said "$@")"
  check "$what: the error is counted" $((before + 1)) "$(of_status near "s['in']['icmp_errors']")"
}

# The far host does not receive protocol 41.
start_near --mtu auto
unreachable "an ICMP protocol unreachable of the far host"
router ip route add unreachable 198.51.100.2/32
unreachable "an ICMP host unreachable of a router"
router ip route replace prohibit 198.51.100.2/32
unreachable "an ICMP communication prohibited of a router"
router ip route delete prohibit 198.51.100.2/32
far ip address delete 198.51.100.2/24 dev wire
router ip neighbour flush dev far
router sysctl -qw net.ipv4.neigh.far.retrans_time_ms=100
unreachable "a far host that no longer answers ARP"
far ip address add 198.51.100.2/24 dev wire
far ip route add default via 198.51.100.254
check "none of these errors changed the MTU" "(1480, 1500)" "$(of_status near "(s['mtu'], s['path_mtu'])")"
stop_near

# A TTL that is too small.
start_far
start_near --ttl 1
unreachable "ttl 1: an ICMP time exceeded"
stop_near
start_near --ttl inherit
unreachable "ttl inherit, hop limit 1: an ICMP time exceeded" -t 1
succeeds "ttl inherit, hop limit 2: it arrives" near ping -6 -n -c 1 -W 3 -t 2 $far6
stop_near

# A foreign source.
near ip address add $foreign6/128 dev lo
start_near
succeeds "egress-filter yes: our own source passes" near ping -6 -n -c 1 -W 3 -I $near6 $far6
check_match "egress-filter yes: a foreign source gets the reason" "From $near6 icmp_seq=1 Destination unreachable: (Unknown code 5|Source address failed)" \
  "$(ping_said -I $foreign6)"
check "egress-filter yes: drop and error are counted" "1 1" "$(drops near out source-not-ours) $(of_status near "s['out']['icmp_errors']")"
check "egress-filter yes: no packet of it reached the far end" 0 "$(far awk '$1 == "Icmp6OutEchoReplies" { print $2 - 2 }' /proc/net/snmp6)"
stop_near
start_near --prefix $foreign6/128
succeeds "prefix: a source in it passes" near ping -6 -n -c 1 -W 3 -I $foreign6 $far6
stop_near
start_near --egress-filter no
succeeds "egress-filter no: every source passes" near ping -6 -n -c 1 -W 3 -I $foreign6 $far6
stop_near

# Forged errors, while real packets are lost on the way.
router nft 'add table ip t; add chain ip t forward { type filter hook forward priority 0; }; add rule ip t forward ip protocol 41 drop'
near ip address add 192.0.2.9/24 dev wire
start_near --local 192.0.2.1 --mtu auto
craft_icmp() { router python3 "$here/craft_icmp.py" "$@"; }
ignored() { of_status near "s['drops']['in'].get('icmp-ignored', 0)"; }
# is_ignored TITLE ARGUMENT…: arguments of craft_icmp.py
is_ignored() {
  local what=$1 before
  before=$(ignored)
  shift
  craft_icmp 192.0.2.1 198.51.100.2 "$@"
  reaches 3 near "s['drops']['in'].get('icmp-ignored', 0)" $((before + 1)) || true
  check "$what: icmp-ignored" $((before + 1)) "$(ignored)"
}
# The kernel passes on only errors that quote packets of protocol 41.
craft_icmp 192.0.2.1 198.51.100.2 3 1 protocol=47
craft_icmp 192.0.2.1 198.51.100.2 3 4 mtu=1300 protocol=47
craft_icmp 192.0.2.1 203.0.113.1 3 1
craft_icmp 192.0.2.1 203.0.113.1 3 4 mtu=1300
craft_icmp 192.0.2.9 198.51.100.2 3 1
craft_icmp 192.0.2.9 198.51.100.2 3 4 mtu=1300
is_ignored "a host unreachable that quotes eight bytes" 3 1 bytes=8
check "errors about other protocols and hosts have no effect; those about other hosts are icmp-mismatch" "({'icmp-ignored': 1, 'icmp-mismatch': 4}, 0, 1480, 1500)" \
  "$(of_status near "(s['drops']['in'], s['in']['icmp_errors'], s['mtu'], s['path_mtu'])")"
is_ignored "one byte less than the inner header" 3 1 bytes=39
is_ignored "a source that the egress filter would have refused" 3 1 inner=2001:db8:66::1
is_ignored "a source that nobody has" 3 1 inner=ff02::1
is_ignored "a parameter problem" 12 0
check "no ICMPv6 error was sent for any of these" 0 "$(of_status near "s['in']['icmp_errors']")"

# An error that quotes the whole inner packet reaches its sender, as from a real router.
ping_said -e 4242 -s 1200 >"$two_hosts_files/ping" &
pinging=$!
reaches 5 near "s['out']['bytes'] > 1200" True || true
craft_icmp 192.0.2.1 198.51.100.2 3 1 id=4242
wait "$pinging" || true
check_match "a host unreachable with the whole packet: the sender gets Address Unreachable" "From $near6 icmp_seq=1 Destination unreachable: Address unreachable" \
  "$(cat "$two_hosts_files/ping")"
check "the error is counted" 1 "$(of_status near "s['in']['icmp_errors']")"
stop_near
finish
