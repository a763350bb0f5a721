#!/usr/bin/env bash
# The IPv4 path of a tunnel is lost and comes back. Meanwhile no packet leaves that the host's IPv4 would not send, and
# the state is `no-path`. Configured neighbours are not changed.
#   path_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_make

near6=2001:db8:41::2
far6=2001:db8:41::1
start_near() { # OPTION…
  start_endpoint near "$program" --interface near6 --remote 192.0.2.2 --address $near6/64 "$@"
  near_pid=$started
}
stop() { "$program" down --control "$two_hosts_files/$1.sock"; }
state() { of_status near "s['state']"; }
reason() { of_status near "s.get('reason')"; }
wire() { of_status near "s['wire']"; }
echo_arrives() { near ping -q -n -c 1 -W 1 $far6 >/dev/null; }
# arrived: prints the counters of packets and drops at the far end
arrived() { of_status far "(s['in']['packets'], s['drops']['in'])"; }
verdict() { "$program" explain near6 $far6 --json --control "$two_hosts_files/near.sock" | python3 -c 'import json, sys; print(json.load(sys.stdin)["verdict"])'; }
told() { near ping -n -c 1 -W 2 $far6 2>&1 || true; }

start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64

# lost TITLE REASON UNDO COMMAND…: COMMAND removes the path, UNDO restores it
lost() {
  local what=$1 reason=$2 undo=$3 before drops
  shift 3
  until_true 3 echo_arrives || true
  check "$what: a path before" up "$(state)"
  : >"$two_hosts_files/near.log"
  "$@"
  reaches 3 near "s['state']" no-path || true
  check "$what: the state" no-path "$(state)"
  check_match "$what: the reason" "$reason" "$(reason)"
  check_match "$what: the text of show" "no-path.*$reason" "$("$program" show --control "$two_hosts_files/near.sock")"
  check "$what: show has no sending socket" none "$(wire)"
  check "$what: the verdict of explain" wire-error "$(verdict)"
  check_match "$what: explain has the reason" "wire-error.*$reason" \
    "$("$program" explain near6 $far6 --control "$two_hosts_files/near.sock" | grep verdict)"
  before=$(arrived)
  drops=$(drops near out wire-error)
  check_match "$what: the sender gets Address Unreachable" "From $near6.*Address unreachable" "$(told)"
  check "$what: the drop is counted" $((drops + 1)) "$(drops near out wire-error)"
  check "$what: nothing has left" "$before" "$(arrived)"
  sleep 1.2 # the check every second must not repeat the log line
  check "$what: one line in the log" 1 "$(grep -c 'no IPv4 path' "$two_hosts_files/near.log")"
  $undo
  reaches 3 near "s['state']" up || true
  check "$what: the path is back" up "$(state)"
  check "$what: no reason any more" None "$(reason)"
  succeeds "$what: echoes are answered again" until_true 3 echo_arrives
}
unroute() { near ip route delete "$1" 192.0.2.2/32; }
route_is_back() { near ip route add 192.0.2.0/24 dev wire src 192.0.2.1; }
address_is_back() { near ip address add 192.0.2.1/24 dev wire; }
unreachable_goes() { unroute unreachable; }
blackhole_goes() { unroute blackhole; }
prohibit_goes() { unroute prohibit; }
source_rule_goes() { near ip rule delete priority 98; }
link_is_up() { near ip link set wire up; }

for wire in auto raw packet; do
  start_near --wire $wire
  lost "$wire, an unreachable route" 'no IPv4 path.*unreachable' unreachable_goes near ip route add unreachable 192.0.2.2/32
  # The look-up does not depend on the socket.
  if [[ $wire == auto ]]; then
    lost "$wire, a blackhole route" 'no IPv4 path.*blackhole' blackhole_goes near ip route add blackhole 192.0.2.2/32
    lost "$wire, a prohibit route" 'no IPv4 path.*prohibit' prohibit_goes near ip route add prohibit 192.0.2.2/32
    lost "$wire, no route" 'no IPv4 path.*route' route_is_back near ip route delete 192.0.2.0/24 dev wire
    near ip nexthop add id 7 dev wire
    near ip route add 192.0.2.2/32 nhid 7 src 192.0.2.1
    near ip route delete 192.0.2.0/24 dev wire
    lost "$wire, no nexthop object" 'no IPv4 path.*route' route_is_back near ip nexthop delete id 7
    near ip rule add priority 99 from 192.0.2.1 lookup 100
    lost "$wire, a rule for the source" 'no IPv4 path' source_rule_goes near ip rule add priority 98 from 192.0.2.1 unreachable
    near ip rule delete priority 99
    lost "$wire, no address" 'no IPv4 path' address_is_back near ip address delete 192.0.2.1/24 dev wire
    lost "$wire, a link that is down" 'no IPv4 path' link_is_up near ip link set wire down
  fi
  stop near
  start_near --wire $wire --local 192.0.2.1
  near ip address add 192.0.2.11/24 dev wire
  near sysctl -qw net.ipv4.conf.wire.promote_secondaries=1
  near ip route add 192.0.2.2/32 dev wire src 192.0.2.11
  lost "$wire, the local address among two" 'no IPv4 path.*192.0.2.1 is not' address_is_back near ip address delete 192.0.2.1/24 dev wire
  near ip route delete 192.0.2.2/32 dev wire
  near ip address delete 192.0.2.11/24 dev wire
  stop near
done

start_near
near ip route add unreachable 192.0.2.2/32
reaches 3 near "s['state']" no-path || true
near ip route delete unreachable 192.0.2.2/32
back=$EPOCHREALTIME
succeeds 'packets flow soon after the path is back' until_true 3 echo_arrives
echo "    after $(((${EPOCHREALTIME/./} - ${back/./}) / 1000)) ms"
stop near

# A firewall is set up while there is no path.
if near nft list tables 2>/dev/null; then
  start_near
  until_true 3 echo_arrives || true
  near ip route add unreachable 192.0.2.2/32
  reaches 3 near "s['state']" no-path || true
  near nft 'add table ip k; add chain ip k o { type filter hook output priority 0; policy drop; }'
  near ip route delete unreachable 192.0.2.2/32
  reaches 3 near "s['state']" up || true
  before=$(drops near out wire-error)
  check 'the path is back, and there is a firewall: a raw socket' raw "$(wire)"
  told >/dev/null
  check_match 'the firewall drops the packets: wire-error' '^[1-9]' $(($(drops near out wire-error) - before))
  near nft delete table ip k
  stop near
else
  echo 'skipped: no nft here'
fi

# While there is no path, a reload that needs no path succeeds, and one that needs a path fails.
configuration=$two_hosts_files/near.conf
configure() { printf '%s\n' 'interface = near6' "address = $near6/64" "$@" >"$configuration"; }
configure 'remote = 192.0.2.2'
start_endpoint near "$program" -c "$configuration"
near ip route add unreachable 192.0.2.2/32
reaches 3 near "s['state']" no-path || true
configure 'remote = 192.0.2.2' 'mtu = 1400'
check 'without a path: a reload of the MTU' 0 "$(status_of "$program" reload --control "$two_hosts_files/near.sock")"
check 'the new MTU is in force' "(1400, 'no-path')" "$(of_status near "(s['mtu'], s['state'])")"
configure 'remote = 203.0.113.7'
check 'without a path: a reload of the remote' 2 "$(status_of "$program" reload --control "$two_hosts_files/near.sock")"
check 'the former remote stays' 192.0.2.2 "$(of_status near "s['remote']")"
near ip route delete unreachable 192.0.2.2/32
reaches 3 near "s['state']" up || true
check 'the path is back' up "$(state)"
near ip link set near6 down
check_match 'an interface that is down: the state is down, not no-path' "\('down', '.*near6.*down.*'\)" "$(of_status near "(s['state'], s['reason'])")"
near ip link set near6 up
stop near

# Neighbours configured by an administrator, while the far end answers no ARP.
far sysctl -qw net.ipv4.conf.wire.arp_ignore=8
far_mac=$(far cat /sys/class/net/wire/address)
far ip neighbour replace 192.0.2.1 lladdr "$(near cat /sys/class/net/wire/address)" dev wire nud permanent
neighbour() { near ip -d neighbour show to 192.0.2.2 dev wire; }
for wire in auto packet; do
  for kind in 'nud permanent' 'nud noarp' 'nud reachable extern_learn' 'nud permanent protocol static' 'nud stale extern_learn'; do
    near ip neighbour flush dev wire nud all 2>/dev/null || true
    near ip neighbour delete 192.0.2.2 dev wire 2>/dev/null || true
    # shellcheck disable=SC2086 # words
    near ip neighbour replace 192.0.2.2 lladdr "$far_mac" dev wire $kind
    before=$(neighbour)
    start_near --wire $wire
    near ping -q -n -i 0.1 -c 30 -w 10 $far6 >"$two_hosts_files/echoes" 2>&1 || true
    check "$wire, $kind: all echoes are answered" 0 "$(awk '/packets transmitted/ {print $1 - $4}' "$two_hosts_files/echoes")"
    check "$wire, $kind: over a packet socket" packet "$(wire)"
    check "$wire, $kind: the neighbour is unchanged" "$before" "$(neighbour)"
    stop near
  done
done
far sysctl -qw net.ipv4.conf.wire.arp_ignore=0

# A neighbour that the kernel has found is verified as if the kernel's own packets used it: it never stays stale.
near ip neighbour delete 192.0.2.2 dev wire 2>/dev/null || true
near ping -q -c 1 192.0.2.2 >/dev/null
start_near --wire packet
near ip neighbour change 192.0.2.2 lladdr "$far_mac" dev wire nud stale
looked_after() { echo_arrives; near ip neighbour show to 192.0.2.2 dev wire | grep -qE 'DELAY|PROBE|REACHABLE'; }
succeeds 'a stale neighbour in use is verified' until_true 4 looked_after
stop near

# The interface is moved to another network namespace.
configure 'remote = 192.0.2.2'
start_endpoint near "$program" -c "$configuration"
near_pid=$started
near ip link set near6 netns "$two_hosts_far"
reaches 2 near "s['state']" moved || true
check_match 'an interface in another namespace: the state' "\('moved', '.*near6.*network namespace.*'\)" "$(of_status near "(s['state'], s['reason'])")"
check_match 'the log has it too' 'near6.*network namespace' "$(cat "$two_hosts_files/near.log")"
said=$("$program" reload --control "$two_hosts_files/near.sock" 2>&1) && status=0 || status=$?
check 'a reload fails' 2 "$status"
check_match 'the error has the reason' 'near6.*network namespace' "$said"
kill -HUP "$near_pid"
until_true 2 grep -q 'reload failed.*network namespace' "$two_hosts_files/near.log" || true
check_match 'a reload by SIGHUP fails too' 'reload failed.*network namespace' "$(cat "$two_hosts_files/near.log")"
check_match 'explain fails with the reason' 'network namespace' \
  "$("$program" explain near6 $far6 --control "$two_hosts_files/near.sock" 2>&1 || true)"
far ip link set near6 netns "$two_hosts_near"
reaches 2 near "s['state']" down || true
near ip link set near6 up
reaches 2 near "s['state']" up || true
check 'moved back: the state is up' up "$(state)"
succeeds 'moved back: it carries packets' until_true 3 echo_arrives
stop near

finish
