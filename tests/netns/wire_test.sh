#!/usr/bin/env bash
# The choice between raw and packet socket: its conditions, its changes with the host, and no lost packets meanwhile.
#   wire_test.sh PROGRAM
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
start_near() { # OPTION…
  start_endpoint near "$program" --interface near6 --remote 198.51.100.2 --address $near6/64 "$@"
  near_pid=$started
}
start_far() { # OPTION…
  start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64 "$@"
}
stop() { "$program" down --control "$two_hosts_files/$1.sock"; }
wire() { of_status near "s['wire'] + ': ' + s['wire_reason']"; }
becomes() { reaches 3 near "s['wire']" "$1" || true; }
echoes() { near ping -q -n -i 0.02 -c "$1" -w 10 $far6 >"$two_hosts_files/echoes" 2>&1 || true; }
lost() { awk '/packets transmitted/ {print $1 - $4}' "$two_hosts_files/echoes"; }
# lost_during COMMAND…: prints how many of 75 echoes, 20 ms apart, are lost; COMMAND runs in the middle of them
lost_during() {
  echoes 75 &
  local pinging=$!
  sleep 0.5
  "$@"
  wait $pinging
  lost
}
# wakes: prints how often the endpoint's control thread has gone to sleep
wakes() { awk '/^voluntary_ctxt_switches/ {print $2}' "/proc/$near_pid/task/$near_pid/status"; }
# neighbours: adds and deletes two hundred neighbours
neighbours() {
  local action number
  for action in replace delete; do
    for ((number = 1; number <= 200; number++)); do
      echo "neighbour $action 192.0.2.$((number + 1)) lladdr 02:00:00:00:01:00 nud permanent dev wire"
    done >"$two_hosts_files/neighbours"
    near ip -batch "$two_hosts_files/neighbours"
  done
}
# few COUNT: up to 2 are few, because echoes are 20 ms apart and a change is followed within a few milliseconds
few() { if (($1 <= 2)); then echo few; else echo "$1"; fi; }

head -c 3000000 /dev/urandom >"$two_hosts_files/sent"
start_far --wire raw
near ping -q -c 1 192.0.2.254 >/dev/null

start_near --wire raw
check 'wire = raw: a raw socket' 'raw: as configured' "$(wire)"
tcp_arrives 'TCP over a raw socket' near far $far6 5001
before=$(wakes)
neighbours
check 'wire = raw: neighbours do not wake the control thread' 0 "$(($(wakes) - before))"
stop near

start_near
check 'auto: a packet socket if no condition forbids it' \
  'packet: nothing on this host filters or tracks IPv4 packets' "$(wire)"
has_captured() { (($(captured "$1") > 0)); }
# unfinished NAME: prints the number of our inner TCP packets without a complete checksum, during a connection attempt
unfinished() {
  start_capture "$1" router near 'ip proto 41 and src host 192.0.2.1'
  near timeout 5 socat -u OPEN:/dev/null "TCP6:[$far6]:9" 2>/dev/null || true
  until_true 3 has_captured "$1" || true
  stop_capture "$1"
  tcpdump -vvnr "$two_hosts_files/$1.pcap" 2>/dev/null | grep -c 'cksum.*incorrect' || true
}
tcp_arrives 'TCP over a packet socket' near far $far6 5002
if two_hosts_can_capture; then
  check 'by default no inner checksum is left to the link' 0 "$(unfinished default)"
fi
check 'no drops' '{}' "$(of_status near "s['drops']['out']")"
stop near

start_near --checksum-offload yes
tcp_arrives 'TCP over a packet socket, checksums left to the link' near far $far6 5003
if two_hosts_can_capture; then
  check_match 'checksum-offload = yes: inner checksums are left to the link' '^[1-9]' "$(unfinished offload)"
fi
near ethtool -K wire tx off >/dev/null
tcp_arrives 'TCP over a packet socket, the link leaves checksums to the kernel' near far $far6 5004
near ethtool -K wire tx on >/dev/null

if near ip xfrm policy add dir out src 10.0.0.0/8 dst 10.1.0.0/16 2>/dev/null; then
  becomes raw
  check 'IPsec policies: a raw socket' 'raw: this host has IPsec policies' "$(wire)"
  near ip xfrm policy flush
  becomes packet
else
  echo 'skipped: no IPsec in this kernel'
fi
check 'without IPsec policies: a packet socket again' packet "$(of_status near "s['wire']")"

# Neighbours.
forget_gateway() { near ip neighbour delete 192.0.2.254 dev wire; }
check 'a deleted neighbour: few echoes are lost' few "$(few "$(lost_during forget_gateway)")"
becomes packet
check 'the neighbour is found again: a packet socket' packet "$(of_status near "s['wire']")"
sleep 1.1 # the kernel ignores a second announcement within a second (net.ipv4.neigh.*.locktime)
router sysctl -qw net.ipv4.conf.near.arp_notify=1
move_gateway() { router ip link set near address 02:00:00:00:00:77; }
check 'another link-layer address of the gateway: few echoes are lost' few "$(few "$(lost_during move_gateway)")"
own_address() { near ip link set wire address 02:00:00:00:00:78; }
near sysctl -qw net.ipv4.conf.wire.arp_notify=1
check 'another link-layer address of this host: few echoes are lost' few "$(few "$(lost_during own_address)")"
check 'still a packet socket' packet "$(of_status near "s['wire']")"
stop near

# A permanent neighbour entry for a gateway that answers no ARP.
router sysctl -qw net.ipv4.conf.near.arp_ignore=8
router ip neighbour replace 192.0.2.1 lladdr "$(near cat /sys/class/net/wire/address)" dev near nud permanent
near ip neighbour replace 192.0.2.254 lladdr "$(router cat /sys/class/net/near/address)" dev wire nud permanent
for wire in raw packet auto; do
  start_near --wire $wire
  tcp_arrives "$wire, a permanent gateway: TCP arrives" near far $far6 5011
  sleep 2.2 # two checks of the neighbour
  tcp_arrives "$wire, a permanent gateway: and goes on" near far $far6 5012
  check_match "$wire, a permanent gateway: it stays permanent" PERMANENT "$(near ip neighbour show to 192.0.2.254 dev wire)"
  # The path is lost over a gateway as it is on the link.
  near ip route add unreachable 198.51.100.2/32
  reaches 3 near "s['state']" no-path || true
  check "$wire, a permanent gateway: no path" "no-path none" "$(of_status near "s['state'] + ' ' + s['wire']")"
  near ip route delete unreachable 198.51.100.2/32
  reaches 3 near "s['state']" up || true
  tcp_arrives "$wire, a permanent gateway: and a path again" near far $far6 5013
  stop near
done
router sysctl -qw net.ipv4.conf.near.arp_ignore=0
near ip neighbour delete 192.0.2.254 dev wire
router ip neighbour delete 192.0.2.1 dev near
near ping -q -c 1 192.0.2.254 >/dev/null

# Another link and gateway.
ip link add name wire2 netns "$two_hosts_near" type veth peer name near2 netns "$two_hosts_router"
near ip address add 203.0.113.1/24 dev wire2
near ip link set wire2 up
router ip address add 203.0.113.254/24 dev near2
router ip link set near2 up
start_near --local 192.0.2.1
other_gateway() { near ip route replace 198.51.100.0/24 via 203.0.113.254 dev wire2; }
# Before the first packet to a gateway the kernel resolves its link-layer address.
near ping -q -c 1 203.0.113.254 >/dev/null
near ip route show | grep -q 198.51.100 || near ip route add 198.51.100.0/24 via 192.0.2.254
check 'another gateway on another link: few echoes are lost' few "$(few "$(lost_during other_gateway)")"
check 'another gateway: a packet socket' packet "$(of_status near "s['wire']")"
stop near
near ip route delete 198.51.100.0/24

# Links without Ethernet headers, and VLANs.
near ip tuntap add dev point mode tun
near ip link set point up
near ip route add 198.51.100.2 dev point
start_near --local 192.0.2.1
check 'a link without Ethernet headers: a raw socket' 'raw: point has no Ethernet header' "$(wire)"
stop near
near ip route delete 198.51.100.2 dev point
if near ip link add link wire name wire.5 type vlan id 5 2>/dev/null; then
  router ip link add link near name near.5 type vlan id 5
  near ip address add 203.0.113.129/28 dev wire.5
  near ip link set wire.5 up
  router ip address add 203.0.113.142/28 dev near.5
  router ip link set near.5 up
  near ip route add 198.51.100.2 via 203.0.113.142
  near ping -q -c 1 203.0.113.142 >/dev/null
  start_near --local 192.0.2.1
  check 'a VLAN: a packet socket' packet "$(of_status near "s['wire']")"
  tcp_arrives 'TCP over a packet socket on a VLAN' near far $far6 5005
  stop near
else
  echo 'skipped: no VLANs in this kernel'
fi

# A stateful firewall that has not seen the packets leave would drop the answers.
if near nft list tables 2>/dev/null; then
  firewall() {
    near nft -f - <<'END'
table inet guard {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
  }
}
END
  }
  start_near --local 192.0.2.1
  near nft add table ip6 other
  sleep 0.2
  check 'auto: a table without IPv4: a packet socket' packet "$(of_status near "s['wire']")"
  check 'a new firewall: few echoes are lost' few "$(few "$(lost_during firewall)")"
  check 'auto: a firewall: a raw socket' 'raw: this host has the nftables table inet guard' "$(wire)"
  stop near
  start_near --wire packet
  check 'wire = packet: a packet socket in spite of the firewall' 'packet: as configured' "$(wire)"
  stop near
  near nft delete table inet guard
  start_near
  check 'auto: connection tracking: a raw socket' 'raw: this host has connection tracking' "$(wire)"
  stop near
else
  echo 'skipped: no nft here'
fi

finish
