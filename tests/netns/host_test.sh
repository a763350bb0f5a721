#!/usr/bin/env bash
# The state of the host's network that an endpoint makes, restores and removes: interface, addresses, routes, rules, MTU.
# And the changes of the host that it follows.
#   host_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_can_capture || two_hosts_fail "needs root: tcpdump does not capture in a user namespace"
two_hosts_make

configuration=$two_hosts_files/near.conf
cat >"$configuration" <<END
interface = near6
remote    = 192.0.2.2
address   = 2001:db8:41::2/64 peer 2001:db8:41::1
prefix    = 2001:db8:42::/64
prefix    = 2001:db8:43::/48   # a second one
route     = ::/0
table     = 4100
mtu       = 1480
END
control=$two_hosts_files/near.sock
run() { start_endpoint near "$program" -c "$configuration" "$@"; }
addresses() { near ip -6 -o address show dev near6 | awk '{ print $4, ($5 == "peer") ? $6 : "" }' | sort | xargs; }
routes() { near ip -6 route show table "$1" dev near6 | awk '{ print $1 }' | xargs; }
rules() { near ip -6 rule show | grep -E 'lookup (4100|main)' | grep -E '^2064' | awk '{ $1 = $1; print }' | tr '\n' ';'; }

run
endpoint=$started
check "the first line has interface, ends and MTU" "ready: near6 192.0.2.1 > 192.0.2.2 mtu 1480" "$(grep '^ready' "$two_hosts_files/near.log")"
check "addresses, with the link-local address of the IPv4 address" "2001:db8:41::2 fe80::c000:201/64" \
  "$(addresses | sed 's| 2001:db8:41::1/64||')"
check "the peer" 1 "$(near ip -6 address show dev near6 | grep -c 'peer 2001:db8:41::1/64')"
check "the route, in its table" default "$(routes 4100)"
check "no default route in the main table" "" "$(near ip -6 route show default)"
expected_rules="20640: from 2001:db8:42::/64 to 2001:db8:42::/64 lookup main proto 41;"
expected_rules+="20640: from 2001:db8:43::/48 to 2001:db8:43::/48 lookup main proto 41;"
expected_rules+="20641: from 2001:db8:41::2 lookup 4100 proto 41;"
expected_rules+="20641: from 2001:db8:42::/64 lookup 4100 proto 41;"
expected_rules+="20641: from 2001:db8:43::/48 lookup 4100 proto 41;"
sorted() { tr ';' '\n' | sort | tr -d '\n'; }
check "the rules" "$(sorted <<<"$expected_rules")" "$(rules | sorted)"
check "the MTU" 1480 "$(near cat /sys/class/net/near6/mtu)"
check "the queue of the device" 2000 "$(near cat /sys/class/net/near6/tx_queue_len)"

# Changes by another program.
near ip -6 address flush dev near6
near ip -6 rule del priority 20641
near ip -6 route flush table 4100
restored() { [[ $(addresses) == *2001:db8:41::2* && $(routes 4100) == default && $(rules | sorted) == "$(sorted <<<"$expected_rules")" ]]; }
until_true 3 restored || true
check "removed objects are restored" yes "$(restored && echo yes || echo no)"
near ip link set near6 down
sleep 0.2
near ip link set near6 up
until_true 3 restored || true
check "also after the link was down" yes "$(restored && echo yes || echo no)"
# idle: whether the endpoint uses less than 5 % of a processor for a second
idle() {
  local before
  before=$(awk '{ print $14 + $15 }' "/proc/$endpoint/stat")
  sleep 1
  (($(awk '{ print $14 + $15 }' "/proc/$endpoint/stat") - before < 5)) && echo yes || echo no
}
check "afterwards it is idle" yes "$(idle)"

near ip link set near6 mtu 1400
mtu_is() { [[ $(of_status near "s['mtu']") == "$1" ]]; }
until_true 3 mtu_is 1400 || true
check "an MTU set on the link becomes the tunnel MTU" 1400 "$(of_status near "s['mtu']")"

# A new IPv4 address: local = auto follows the route.
near ip address del 192.0.2.1/24 dev wire
near ip address add 192.0.2.7/24 dev wire
local_is() { [[ $(of_status near "s['local']") == "$1" ]]; }
until_true 3 local_is 192.0.2.7 || true
check "a new local address is followed" 192.0.2.7 "$(of_status near "s['local']")"
check_match "the link-local address follows too" 'fe80::c000:207/64' "$(addresses)"
background far tcpdump -n -l -c 1 -i wire 'ip proto 41 and src host 192.0.2.7' >"$two_hosts_files/outer" 2>"$two_hosts_files/tcpdump.err"
capture=$started
until_true 5 grep -q 'listening on' "$two_hosts_files/tcpdump.err"
near ping -6 -c 1 -W 0.2 -I near6 2001:db8:41::1 >/dev/null 2>&1 || true
until_true 3 test -s "$two_hosts_files/outer" || true
kill "$capture" 2>/dev/null && wait "$capture" || true
check_match "and packets leave from it" '192.0.2.7 > 192.0.2.2' "$(cat "$two_hosts_files/outer")"
far ip link set wire mtu 1400
near ip link set wire mtu 1400
path_is() { [[ $(of_status near "s['path_mtu']") == "$1" ]]; }
until_true 3 path_is 1400 || true
check "the path's MTU is followed" 1400 "$(of_status near "s['path_mtu']")"
near ip link set wire mtu 1500
near ip address del 192.0.2.7/24 dev wire
near ip address add 192.0.2.1/24 dev wire
until_true 3 local_is 192.0.2.1 || true

# The underlay's link is deleted and made again; then a second link has a policy rule.
"$program" down --control "$control"
run --dev wire
endpoint=$started
ip -n "$two_hosts_near" link delete wire
ip link add wire netns "$two_hosts_near" type veth peer name wire netns "$two_hosts_far"
ip link add wire2 netns "$two_hosts_near" type veth peer name wire2 netns "$two_hosts_far"
for link in wire wire2; do
  for side in near far; do $side ip link set $link addrgenmode none up; done
done
near ip address add 192.0.2.1/24 dev wire
far ip address add 192.0.2.2/24 dev wire
# leaves LINK: whether a packet of the tunnel leaves by that link
leaves() {
  local capture
  background near tcpdump -n -l -c 1 -i "$1" 'ip proto 41 and dst host 192.0.2.2' >"$two_hosts_files/outer" 2>"$two_hosts_files/tcpdump.err"
  capture=$started
  until_true 5 grep -q 'listening on' "$two_hosts_files/tcpdump.err"
  near ping -6 -c 3 -i 0.2 -W 0.2 -I near6 2001:db8:41::1 >/dev/null 2>&1 || true
  kill "$capture" 2>/dev/null && wait "$capture" || true
  [[ -s $two_hosts_files/outer ]] && echo yes || echo no
}
sleep 0.5
check "bound to a link that was made again: packets leave" yes "$(leaves wire)"
"$program" down --control "$control"
near ip address add 198.51.100.1/24 dev wire2
near ip link set wire2 mtu 1400
near ip route add default dev wire2 table 7
near ip rule add from 198.51.100.1 lookup 7
run --local 198.51.100.1
endpoint=$started
check "a rule for the local address is followed" yes "$(leaves wire2)"
check "and the path's MTU is that of its link" 1400 "$(of_status near "s['path_mtu']")"
"$program" down --control "$control"
near ip rule delete from 198.51.100.1 lookup 7
near ip link delete wire2
run
endpoint=$started

# Reload.
sed -i 's/^mtu .*/mtu = 1300/; s/^route .*/route = 2001:db8:99::\/48/; /second/d' "$configuration"
succeeds "reload" "$program" reload --control "$control"
check "only the new route is there" 2001:db8:99::/48 "$(routes 4100)"
check "the new MTU" 1300 "$(near cat /sys/class/net/near6/mtu)"
check "the rules of the removed prefix are gone" 0 "$(near ip -6 rule show | grep -c 2001:db8:43 || true)"
cp "$configuration" "$configuration.good"
echo 'mtu = 99' >>"$configuration"
message=$("$program" reload --control "$control" 2>&1 || true)
check "a broken configuration: exit status" 1 "$(status_of "$program" reload --control "$control")"
check_match "a broken configuration names file, line and key" 'near.conf:[0-9]+: mtu' "$message"
kill -HUP "$endpoint"
until_true 3 grep -q 'near.conf:[0-9]*: mtu' "$two_hosts_files/near.log" || true
check_match "SIGHUP: the log has the same error" 'near.conf:[0-9]+: mtu' "$(cat "$two_hosts_files/near.log")"
check "the former configuration stays in force" 1300 "$(of_status near "s['mtu']")"
mv "$configuration.good" "$configuration"
sed -i 's/^mtu .*/mtu = 1320/' "$configuration"
kill -HUP "$endpoint"
until_true 3 mtu_is 1320 || true
check "SIGHUP reloads" 1320 "$(of_status near "s['mtu']")"
near ping -6 -q -i 0.002 -w 1 -I near6 2001:db8:41::1 >/dev/null 2>&1 &
traffic=$!
for ((i = 0; i < 30; i++)); do "$program" reload --control "$control"; done
wait "$traffic" || true
check "after many reloads under traffic it is idle" yes "$(idle)"
kill -USR1 "$endpoint"
until_true 3 grep -q 'packets' "$two_hosts_files/near.log" || true
check_match "SIGUSR1 logs the counters in one line" 'near6: out [0-9]+ packets [0-9]+ bytes, in [0-9]+ packets' "$(cat "$two_hosts_files/near.log")"
remove_recording() { rm -f "$(sed -n 's/.* packets are in //p' "$two_hosts_files/near.log")"; }
kill -USR2 "$endpoint"
until_true 3 grep -q 'packets are in' "$two_hosts_files/near.log" || true
check "SIGUSR2 does no harm" 0 "$(status_of kill -0 "$endpoint")"
remove_recording

# Each kind of end.
"$program" down --control "$control"
state_of_host() { near ip address show; near ip route show table all; near ip -6 route show table all; near ip -6 rule show; }
before=$(state_of_host)
run
endpoint=$started
for way in TERM INT; do
  kill -$way "$endpoint"
  status=0
  wait "$endpoint" || status=$?
  check "SIG$way: exit status" 0 $status
  check "SIG$way: the host is as before" "$(grep -v lft <<<"$before")" "$(state_of_host | grep -v lft)"
  check "SIG$way: the control socket is gone" no "$([[ -e $control ]] && echo yes || echo no)"
  run
  endpoint=$started
done
kill -KILL "$endpoint"
wait "$endpoint" 2>/dev/null || true
check_match "a killed endpoint leaves its rules" 20641 "$(rules)"
run
succeeds "the next endpoint takes them over" near ip -6 route get 2001:db8:99::1 from 2001:db8:41::2
succeeds "down" "$program" down --control "$control"
check "down: the rules are gone" "" "$(rules)"
check "down: the interface is gone when it returns" no "$(near test -e /sys/class/net/near6 && echo yes || echo no)"

# The interface is deleted while the endpoint runs.
run
endpoint=$started
near ip link delete near6
status=0
wait "$endpoint" || status=$?
check "a deleted interface: exit status" 2 $status
check_match "a deleted interface is named" 'near6 was deleted' "$(cat "$two_hosts_files/near.log")"
remove_recording # that the error has written
check "and the rules are gone" "" "$(rules)"
finish
