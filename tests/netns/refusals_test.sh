#!/usr/bin/env bash
# Packets that must not pass: each kind is dropped, counted under its reason, and never answered, even while the endpoint
# does not read its sockets.
#   refusals_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_can_capture || two_hosts_fail "needs root: tcpdump does not capture in a user namespace"
two_hosts_make

# There is no endpoint on the far host; the script sends the packets. Each host has another address for mismatches.
far ip address add 192.0.2.3/24 dev wire
near ip address add 192.0.2.4/24 dev wire
start_endpoint near "$program" --interface near6 --local 192.0.2.1 --remote 192.0.2.2 \
  --address 2001:db8:41::2/64 --prefix 2001:db8:42::/64 --route ::/0
endpoint=$started

background near tcpdump -n -i wire -w "$two_hosts_files/icmp.pcap" 'icmp and (src host 192.0.2.1 or src host 192.0.2.4)' 2>"$two_hosts_files/tcpdump.err"
capture=$started
until_true 5 grep -q 'listening on' "$two_hosts_files/tcpdump.err"

craft() { far python3 "$here/craft.py" "$@"; }
reached() { [[ $(of_status near "$1") == "$2" ]]; }
# refused TITLE REASON SOURCE DESTINATION KIND…: sends five of each kind and checks the drop counter
refused() {
  local what=$1 reason=$2 source=$3 destination=$4 before expected
  shift 4
  before=$(drops near in "$reason")
  expected=$((before + 5 * $#))
  craft "$source" "$destination" 5 "$@"
  until_true 3 reached "s['drops']['in'].get('$reason', 0)" "$expected" || true
  check "$what: $reason" "$expected" "$(drops near in "$reason")"
}
# accepted TITLE KIND…: sends five of each kind and checks the counter of packets
accepted() {
  local what=$1 before
  shift
  before=$(of_status near "s['in']['packets']")
  craft 192.0.2.2 192.0.2.1 5 "$@"
  until_true 3 reached "s['in']['packets']" $((before + 5 * $#)) || true
  check "$what: accepted" $((before + 5 * $#)) "$(of_status near "s['in']['packets']")"
}

accepted "an honest packet" good
accepted "a packet with padding behind it" padded
accepted "a legitimate 6to4 source" 6to4-source
refused "another source" outer-source-mismatch 192.0.2.3 192.0.2.1 good
refused "another destination" outer-destination-mismatch 192.0.2.2 192.0.2.4 good
refused "no IPv6 packet inside" inner-malformed 192.0.2.2 192.0.2.1 empty short too-long version-4
refused "sources that no tunnel may bring" inner-source-invalid 192.0.2.2 192.0.2.1 \
  multicast-source loopback-source compatible-source mapped-source
refused "sources of our own" inner-source-ours 192.0.2.2 192.0.2.1 our-source our-prefix-source

# More packets than any queue holds, while the endpoint is stopped: from the far end, and from another source.
kill -STOP "$endpoint"
craft 192.0.2.2 192.0.2.1 20000 large
craft 192.0.2.3 192.0.2.1 2000 good
kill -CONT "$endpoint"
sleep 0.5
accepted "an honest packet after the flood" good
check "packets that no queue had room for: wire-overflow" yes "$((($(drops near in wire-overflow) > 1000)) && echo yes || echo no)"

kill "$capture" && wait "$capture" || true
check "no ICMP message was sent because of any of them" "" "$(tcpdump -nr "$two_hosts_files/icmp.pcap" 2>/dev/null | head -3)"
check "the kernel sent no ICMP message either" 0 "$(snmp near Icmp OutMsgs)"

# Outward: packets that the host routes into the interface and that the tunnel cannot carry.
near ip route add 198.51.100.0/24 dev near6
near ping -c 1 -W 0.2 198.51.100.1 >/dev/null 2>&1 || true
check "IPv4 that is routed into the interface: not-ipv6" 1 "$(drops near out not-ipv6)"
near ip route add 192.0.2.2/32 dev near6
# The first packet may leave before the endpoint has read the announcement of the route.
loops() { near ping -6 -c 1 -W 0.2 2001:db8:41::1 >/dev/null 2>&1 || (($(drops near out loop) > 0)); }
until_true 5 loops || true
check "the outer route leads into the tunnel: loop" yes "$((($(drops near out loop) > 0)) && echo yes || echo no)"
check "show has the state" "('no-path', 'the IPv4 route to 192.0.2.2 leads into near6 itself')" "$(of_status near "(s['state'], s['reason'])")"
near ip route delete 192.0.2.2/32 dev near6
until_true 2 status_is near "s['state']" up || true
check "the route is removed: the state is up" up "$(of_status near "s['state']")"

# The interface down, and up again.
near ip link set near6 down
before=$(drops near in tun-down)
craft 192.0.2.2 192.0.2.1 5 good
until_true 2 reached "s['drops']['in'].get('tun-down', 0)" $((before + 5)) || true
check "the interface is down: tun-down" $((before + 5)) "$(drops near in tun-down)"
check "show has the state" down "$(of_status near "s['state']")"
near ip link set near6 up
until_true 3 near ip -6 route get 2001:db8:99::1
accepted "an honest packet when it is up again" good

# A firewall on the host.
near nft 'add table ip t; add chain ip t out { type filter hook output priority 0; }; add rule ip t out ip protocol 41 drop'
near ping -6 -c 2 -i 0.1 -W 0.2 2001:db8:41::1 >/dev/null 2>&1 || true
check_match "a firewall drops outgoing packets: wire-error" '^[1-9]' "$(drops near out wire-error)"
near nft delete table ip t

# A full queue of the link: packets that do not fit are drops, not sent packets.
near tc qdisc replace dev wire root tbf rate 8kbit burst 1600 limit 3000
before=$(of_status near "s['out']['packets']")
near ping -6 -q -i 0.01 -c 50 -s 1000 -W 0.2 2001:db8:41::1 >/dev/null 2>&1 || true
check "a full queue of the link: wire-full" yes "$((($(drops near out wire-full) > 30)) && echo yes || echo no)"
check "they are not counted as sent" yes "$((($(of_status near "s['out']['packets']") - before < 20)) && echo yes || echo no)"
near tc qdisc delete dev wire root
kill "$endpoint"
finish
