#!/usr/bin/env bash
# Changes by other programs on the host: a route that another link has taken does not stop the rest, a change that fails
# is undone as a whole, and an MTU that is set on the link is always followed.
#   conflicts_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_make

configuration=$two_hosts_files/near.conf
control=$two_hosts_files/near.sock
# configure MTU [LINE]…
configure() {
  printf '%s\n' "interface = near6" "remote = 192.0.2.2" "address = 2001:db8:41::2/64" "route = 2001:db8:99::/48" \
    "mtu = $1" "${@:2}" >"$configuration"
}
shows() { # TITLE MTU PATH-MTU
  reaches 3 near "(s['mtu'], s['path_mtu'])" "($2, $3)" || true
  check "$1: mtu $2, path mtu $3" "($2, $3)" "$(of_status near "(s['mtu'], s['path_mtu'])")"
  check "$1: the link's MTU is $2" "$2" "$(near cat /sys/class/net/near6/mtu)"
}
fragmentation_needed() { far python3 "$here/craft_icmp.py" 192.0.2.1 192.0.2.2 3 4 "mtu=$1"; }

# Another link takes the route's prefix and metric.
configure auto
start_endpoint near "$program" -c "$configuration"
endpoint=$started
near ip link add other type veth peer name rehto
near ip link set other up
near ip link set rehto up
kill -STOP "$endpoint" # or it restores the route between the two commands
printf '%s\n' 'route del 2001:db8:99::/48 dev near6' 'route add 2001:db8:99::/48 dev other metric 1024' | near ip -6 -batch -
kill -CONT "$endpoint"
until_true 3 grep -q 'cannot add route 2001:db8:99::/48' "$two_hosts_files/near.log" || true
check_match "a route that another link has taken: the log names it" 'cannot add route 2001:db8:99::/48' "$(cat "$two_hosts_files/near.log")"
fragmentation_needed 1380
shows "meanwhile a router reports 1380" 1360 1380
near ip address delete 192.0.2.1/24 dev wire
near ip address add 192.0.2.11/24 dev wire
reaches 3 near "s['local']" 192.0.2.11 || true
check "meanwhile the host's IPv4 address changes: local follows" 192.0.2.11 "$(of_status near "s['local']")"
shows "what was told of the former path is forgotten" 1480 1500
configure 1400
check "a reload that needs the route fails" 2 "$(status_of "$program" reload --control "$control")"
shows "and nothing of it stays" 1480 1500
configure auto
near ip link set wire mtu 1400
shows "meanwhile the link changes" 1380 1400
near ip link set wire mtu 1500
shows "and again" 1480 1500
near ip -6 route del 2001:db8:99::/48 dev other
route_is_back() { near ip -6 route show 2001:db8:99::/48 | grep -q near6; }
until_true 3 route_is_back || true
check "the other link's route is removed: the route is restored" yes "$(route_is_back && echo yes || echo no)"

# An administrator sets the MTU, and right after it another change concerns the link.
near ip link set near6 mtu 1400
kill -HUP "$endpoint"
sleep 0.3
shows "1400 set on the link, and a reload at once" 1400 1500
near ip link set near6 mtu 1390
check "reload" 0 "$(status_of "$program" reload --control "$control")"
shows "1390 set on the link, and the verb reload" 1390 1500
near ip link set near6 mtu 65535
shows "more than a tunnel can have" 1480 1500

# A reload with a remote whose route leads into the tunnel.
near ip route add 203.0.113.9/32 dev near6
sed -i 's/^remote.*/remote = 203.0.113.9/' "$configuration"
said=$("$program" reload --control "$control" 2>&1) && status=0 || status=$?
check "a reload with a remote inside the tunnel fails" 2 "$status"
check_match "the error names the reason" 'the IPv4 route to 203.0.113.9 leads into near6 itself' "$said"
check "the former remote stays in force" 192.0.2.2 "$(of_status near "s['remote']")"

# After a change of the far end, the values of the former far end are gone.
configure auto "keepalive = 1"
start_endpoint far "$program" --interface far6 --remote 192.0.2.11 --address 2001:db8:41::1/64
check "reload with keepalive" 0 "$(status_of "$program" reload --control "$control")"
reaches 5 near "s['far_end']['rtt_ms'] is not None" True || true
check "the far end answers" True "$(of_status near "s['far_end']['rtt_ms'] is not None")"
check "reload again" 0 "$(status_of "$program" reload --control "$control")"
check "a reload without changes keeps the round-trip time" True "$(of_status near "s['far_end']['rtt_ms'] is not None")"
sed -i 's/^remote.*/remote = 192.0.2.77/' "$configuration"
check "reload to another far end" 0 "$(status_of "$program" reload --control "$control")"
reaches 3 near "s['far_end']['last_heard_s'] is None" True || true
check "the new far end: no packet heard, no round-trip time" "(None, None)" \
  "$(of_status near "(s['far_end']['last_heard_s'], s['far_end']['rtt_ms'])")"
"$program" down --control "$control"

# A sysctl of the kernel.
near sysctl -qw net.ipv4.ip_no_pmtu_disc=2
configure auto
start_endpoint near "$program" -c "$configuration"
check_match "the log warns of the sysctl that hides path MTUs" 'net.ipv4.ip_no_pmtu_disc is not 0' "$(cat "$two_hosts_files/near.log")"
finish
