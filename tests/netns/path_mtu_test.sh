#!/usr/bin/env bash
# Dynamic tunnel MTU (RFC 4213 §3.2.2) over a router: path MTUs that routers report, MTUs of routes and links, an MTU set
# by an administrator or in the configuration. And the static MTU (§3.2.1), which none of them changes.
#   path_mtu_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
# shellcheck source=tests/netns/routed_hosts.sh
source "$here/routed_hosts.sh"
two_hosts_enter "$@"
two_hosts_can_capture || two_hosts_fail "needs root: tcpdump does not capture in a user namespace"
routed_hosts_make

near6=2001:db8:41::2
far6=2001:db8:41::1
fragment='(ip[6:2] & 0x3fff) != 0'
dont_fragment='(ip[6] & 0x40) != 0'
head -c 4000000 /dev/urandom >"$two_hosts_files/sent"

start_near() { # OPTION…
  start_endpoint near "$program" --interface near6 --remote 198.51.100.2 --address $near6/64 --route ::/0 "$@"
  near_pid=$started
}
stop_near() {
  "$program" down --control "$two_hosts_files/near.sock"
  forget_paths
}
# shows TITLE MTU PATH_MTU: checks `show` and the link
shows() {
  reaches 5 near "(s['mtu'], s['path_mtu'])" "($2, $3)" || true
  check "$1: mtu $2, path mtu $3" "($2, $3)" "$(of_status near "(s['mtu'], s['path_mtu'])")"
  check "$1: the link's MTU is $2" "$2" "$(near cat /sys/class/net/near6/mtu)"
}
# echoes TITLE INNER-SIZE: checks that three packets of that size are answered
echoes() { succeeds "$1: echoes of $2 bytes" near ping -6 -n -q -c 3 -i 0.05 -W 3 -M "do" -s $(($2 - 48)) $far6; }
# first_echo TITLE INNER-SIZE MTU: checks that the first packet of that size is answered by Packet Too Big
first_echo() {
  check_match "$1: the first packet of $2 bytes is answered Packet Too Big, $3" "Packet too big: mtu=$3" \
    "$(near ping -6 -n -c 1 -W 3 -M "do" -s $(($2 - 48)) $far6 2>&1 || true)"
}
craft_icmp() { router python3 "$here/craft_icmp.py" 192.0.2.1 198.51.100.2 "$@"; }

start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64 --mtu auto

# The MTU of the link beyond the router shrinks.
start_near --mtu auto
shows "the route says 1500" 1480 1500
start_capture at-1500 far wire 'ip proto 41'
echoes "path of 1500" 1480
cable_mtu far 1400
first_echo "path of 1400" 1480 1380
shows "path of 1400" 1380 1400
check_match "the log has the path MTU" 'a router reports path mtu 1400' "$(cat "$two_hosts_files/near.log")"
check "the far end has followed its own link" "(1380, 1400)" "$(of_status far "(s['mtu'], s['path_mtu'])")"
echoes "path of 1400" 1380
tcp_arrives "path of 1400: TCP to the far end" near far $far6 5001
tcp_arrives "path of 1400: TCP from the far end" far near $near6 5002
stop_capture at-1500
check "path of 1400: packets were as large as the path takes, in both directions" "yes yes" \
  "$( (($(captured at-1500 src host 192.0.2.1 and ip[2:2] == 1400) > 2000)) && echo yes) $( (($(captured at-1500 dst host 192.0.2.1 and ip[2:2] == 1400) > 2000)) && echo yes)"
check "path of 1400: none was a fragment" 0 "$(captured at-1500 "$fragment")"
check "path of 1400: each had DF set" 0 "$(captured at-1500 "not $dont_fragment")"

# Less than 1300: fragments, and DF clear.
cable_mtu far 1000
first_echo "path of 1000" 1380 1280
shows "path of 1000" 1280 1000
before=$(snmp far Ip ReasmOKs)
start_capture at-1000 far wire 'ip proto 41 and src host 192.0.2.1'
echoes "path of 1000" 1280
tcp_arrives "path of 1000: TCP to the far end" near far $far6 5003
stop_capture at-1000
check "path of 1000: in fragments" yes "$((($(captured at-1000 "$fragment") > 2000 && $(snmp far Ip ReasmOKs) > before)) && echo yes || echo no)"
check "path of 1000: DF is clear" 0 "$(captured at-1000 "$dont_fragment")"

# A learned path MTU is forgotten with its path: another gateway leads to the same networks.
cable_mtu far 1500
router ip address add 192.0.2.253/24 dev near
near ip route replace default via 192.0.2.253
shows "another gateway" 1480 1500
forget_paths
echoes "another gateway" 1480

# The MTUs of the route and of the link, down and up without a packet.
near ip route add 198.51.100.2/32 via 192.0.2.253 mtu 1400
shows "a route with mtu 1400" 1380 1400
near ip route replace 198.51.100.2/32 via 192.0.2.253 mtu 1200
shows "a route with mtu 1200" 1280 1200
near ip route delete 198.51.100.2/32
shows "the route without" 1480 1500
cable_mtu near 1400
shows "a link of 1400" 1380 1400
cable_mtu near 1600
shows "a link of 1600" 1580 1600
cable_mtu near 1500
shows "a link of 1500" 1480 1500

# Messages without an MTU, or with one below the minimum of a link (RFC 791).
craft_icmp 3 4 mtu=67
reaches 3 near "s['drops']['in'].get('icmp-ignored', 0)" 1 || true
check "fragmentation needed with MTU 67: icmp-ignored" 1 "$(drops near in icmp-ignored)"
shows "fragmentation needed with MTU 67" 1480 1500
craft_icmp 3 4 mtu=0 length=1500
shows "fragmentation needed with MTU 0, of 1500 bytes" 1472 1492
craft_icmp 3 4 mtu=1498
craft_icmp 3 4 mtu=1500
craft_icmp 3 4 mtu=9000
craft_icmp 3 4 mtu=67 # errors are read in order: once it is counted, the earlier ones have been handled
reaches 3 near "s['drops']['in'].get('icmp-ignored', 0)" 2 || true
shows "a message that tells of more than is known" 1472 1492
craft_icmp 3 4 mtu=1400 bytes=8
shows "eight quoted bytes behind the IPv4 header" 1380 1400
craft_icmp 3 4 mtu=0 length=1400
shows "fragmentation needed with MTU 0, of 1400 bytes" 1280 1006
craft_icmp 3 4 mtu=68
shows "fragmentation needed with MTU 68" 1280 68
echoes "fragmentation needed with MTU 68" 1280

# An MTU that an administrator has set is an upper limit.
near ip route replace default via 192.0.2.254
shows "the first gateway again" 1480 1500
near ip link set near6 mtu 1350
shows "an administrator's 1350" 1350 1500
cable_mtu near 1360
shows "1350 over a path of 1360" 1340 1360
cable_mtu near 1500
shows "1350 over a path of 1500" 1350 1500
near ip link set near6 mtu 1500
shows "an administrator's 1500 over a path of 1500" 1480 1500
# The endpoint is stopped for longer than the period of its path check, so that the check comes first afterwards.
kill -STOP "$near_pid"
near ip link set near6 mtu 1400
near ip xfrm policy add dir out src 10.0.0.0/8 dst 10.1.0.0/16 2>/dev/null || near ip neighbour delete 192.0.2.254 dev wire
sleep 1.1
kill -CONT "$near_pid"
shows "an administrator's 1400 beside another wire" 1400 1500
near ip xfrm policy flush 2>/dev/null || true
near ip link set near6 mtu 1500
shows "an administrator's 1500 again" 1480 1500
cable_mtu near 1600
shows "an administrator's 1500 over a path of 1600" 1500 1600
cable_mtu near 1500
stop_near

# A configured MTU with discovery is an upper limit too.
start_near --mtu 1480 --pmtudisc yes
shows "mtu 1480, pmtudisc yes" 1480 1500
cable_mtu near 1600
shows "mtu 1480, pmtudisc yes, a path of 1600" 1480 1600
cable_mtu near 1500
shows "mtu 1480, pmtudisc yes, a path of 1500 again" 1480 1500
cable_mtu far 1400
first_echo "mtu 1480, pmtudisc yes" 1480 1380
shows "mtu 1480, pmtudisc yes, a path of 1400" 1380 1400
stop_near

# Static: DF is clear, routers fragment, and their reports are ignored.
start_near --mtu 1480 --pmtudisc no
start_capture static far wire 'ip proto 41 and src host 192.0.2.1'
echoes "mtu 1480, pmtudisc no, a path of 1400" 1480
craft_icmp 3 4 mtu=1300
reaches 3 near "s['drops']['in'].get('icmp-ignored', 0)" 1 || true
check "mtu 1480, pmtudisc no, fragmentation needed: icmp-ignored" 1 "$(drops near in icmp-ignored)"
shows "mtu 1480, pmtudisc no" 1480 1500
echoes "mtu 1480, pmtudisc no, behind that" 1480
stop_capture static
check "mtu 1480, pmtudisc no: six packets in twelve fragments" 12 "$(captured static "$fragment")"
check "mtu 1480, pmtudisc no: DF is clear" 0 "$(captured static "$dont_fragment")"
stop_near

# The path MTU shrinks twice during a TCP connection. The link is slow, so that both changes come in its middle.
cable_mtu far 1500
start_near --mtu auto
near tc qdisc add dev wire root tbf rate 100mbit burst 100kb limit 500kb
head -c 20000000 /dev/urandom >"$two_hosts_files/sent"
received_more_than() { (($(stat -c %s "$two_hosts_files/received") > $1)); }
shrinks() {
  until_true 20 received_more_than 2000000 && cable_mtu far 1400 && until_true 20 received_more_than 8000000 && cable_mtu far 1000
  stat -c %s "$two_hosts_files/received"
}
rm -f "$two_hosts_files/received"
shrinks >"$two_hosts_files/shrunk" 2>&1 &
shrinking=$!
tcp_arrives "the path shrinks twice in the middle of a TCP connection: the bytes arrive" near far $far6 5004
wait "$shrinking" || true
check "both changes came during the transfer" yes "$((($(cat "$two_hosts_files/shrunk") < 19000000)) && echo yes || echo no)"
shows "a path that has shrunk twice" 1280 1000
near tc qdisc delete dev wire root
stop_near
finish
