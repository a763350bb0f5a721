#!/usr/bin/env bash
# Traffic between two endpoints with real sockets: echoes of every size; TCP and UDP whose content is compared, with
# receive offload on and off; merged packets that are forwarded to a link with a small MTU; IPv4 fragments.
#   traffic_test.sh PROGRAM JUDGE
set -euo pipefail
program=$(realpath "$1")
judge=$(realpath "$2")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_can_capture || two_hosts_fail "needs root: tcpdump does not capture in a user namespace"
two_hosts_make

near6=2001:db8:41::2
far6=2001:db8:41::1
tcp_bytes=$((100 * 1000 * 1000))

start_both() { # MTU
  start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64 --route 2001:db8:42::/64 --mtu "$1"
  start_endpoint near "$program" --interface near6 --remote 192.0.2.2 --address $near6/64 --prefix 2001:db8:42::/64 --route ::/0 --mtu "$1"
  endpoint=$started # the near one
}
stop_both() {
  "$program" down --control "$two_hosts_files/near.sock"
  "$program" down --control "$two_hosts_files/far.sock"
}

receive_offload() { # on|off
  two_hosts_receive_offload near "$1"
  two_hosts_receive_offload far "$1"
}

# datagrams_arrive TITLE receive|receive-joined SIZE
datagrams_arrive() {
  background far python3 "$here/datagrams.py" "$2" $far6 5003 200 "$3" >"$two_hosts_files/datagrams"
  local receiver=$started
  until_true 5 far sh -c "ss -Hlun 'sport = :5003' | grep -q ."
  near python3 "$here/datagrams.py" send $far6 5003 200 "$3"
  wait "$receiver" || true
  check "$1" "200 of 200" "$(cat "$two_hosts_files/datagrams")"
}

head -c $tcp_bytes /dev/urandom >"$two_hosts_files/sent"
two_hosts_like_network_cards

for mtu in 1280 1480; do
  start_both $mtu
  for size in 0 1 56 1232 $((mtu - 48)); do
    succeeds "mtu $mtu: an echo of $size bytes" near ping -6 -n -q -c 2 -i 0.02 -W 2 -M "do" -s "$size" $far6
  done
  succeeds "mtu $mtu: an echo in inner fragments" near ping -6 -n -q -c 2 -i 0.02 -W 2 -s 4000 $far6
  check "mtu $mtu: nothing was dropped" "{} {}" "$(of_status near "str(s['drops']['in']) + ' ' + str(s['drops']['out'])")"
  stop_both
done

start_both 1480
for offload in on off; do
  receive_offload $offload
  handed_over=$(far cat /sys/class/net/far6/statistics/rx_packets)
  tcp_arrives "receive offload $offload: $tcp_bytes bytes of TCP to the far end" near far $far6 5001
  handed_over=$(($(far cat /sys/class/net/far6/statistics/rx_packets) - handed_over))
  # Joined by the kernel, or else by the endpoint.
  check "receive offload $offload: TCP packets reach the kernel" joined \
    "$(((handed_over * 1420 < tcp_bytes)) && echo joined || echo "one by one")"
  tcp_arrives "receive offload $offload: $tcp_bytes bytes of TCP from the far end" far near $near6 5002
  # The kernel hands over UDP super-packets if the sending program asks for segmentation. It joins datagrams before the
  # endpoint receives them if the receiving program asks for that.
  for way in receive receive-joined; do
    for size in 1200 300; do
      datagrams_arrive "receive offload $offload, $way: datagrams of $size bytes arrive one by one" $way $size
    done
  done
done
check "no checksum was wrong at the far end" 0 \
  "$(far cat /proc/net/snmp6 | awk '/^(Udp6InCsumErrors|Icmp6InCsumErrors|Ip6InHdrErrors)/ { n += $2 } END { print n }')"
check "no TCP checksum was wrong at either end" "0 0" "$(snmp near Tcp InCsumErrors) $(snmp far Tcp InCsumErrors)"
check "nothing was dropped on the way out" "{}" "$(of_status near "s['drops']['out']")"

# A batch that waits for the endpoint: datagrams with a right checksum are joined, without those with a wrong one.
background near timeout 3 socat -u "UDP6-RECV:5007,bind=[$near6]" "CREATE:$two_hosts_files/datagrams"
receiver=$started
until_true 5 near sh -c "ss -Hlun 'sport = :5007' | grep -q ."
handed_over=$(near cat /sys/class/net/near6/statistics/rx_packets)
refused=$(near awk '$1 == "Udp6InCsumErrors" { print $2 }' /proc/net/snmp6)
delivered=$(snmp near Ip InDelivers)
six_more() { (($(snmp near Ip InDelivers) >= delivered + 6)); }
kill -STOP "$endpoint"
until_true 5 grep -q '^State:.*stopped' "/proc/$endpoint/status" || true
far python3 "$here/craft.py" 192.0.2.2 192.0.2.1 1 datagram datagram damaged-datagram datagram datagram damaged-datagram
until_true 5 six_more || true # on a timeout the check below fails
kill -CONT "$endpoint"
wait "$receiver" || true
check "of a batch the datagrams with a right checksum arrive" "$(printf 'right\n%.0s' 1 2 3 4)" \
  "$(cat "$two_hosts_files/datagrams")"
check "the kernel counts those with a wrong checksum" 2 \
  "$(($(near awk '$1 == "Udp6InCsumErrors" { print $2 }' /proc/net/snmp6) - refused))"
# Six if each were written alone. The far end's kernel may have sent a packet of its own meanwhile.
check_match "right ones were written in pairs, and each wrong one alone" '^[45]$' \
  "$(($(near cat /sys/class/net/near6/statistics/rx_packets) - handed_over))"

# Super-packets of both kinds on the wire, before the far end's receive offload can join them: libtins builds
# every packet of a capture again, and the bytes are compared. The link must not compute checksums, so that the kernel
# completes them before tcpdump sees the packet.
near ethtool -K wire tx off >/dev/null
background near tcpdump -n -i wire -s 0 -B 65536 -w "$two_hosts_files/outer.pcap" -c 3000 'ip proto 41 and src host 192.0.2.1' \
  2>"$two_hosts_files/tcpdump.err"
capture=$started
until_true 5 grep -q 'listening on' "$two_hosts_files/tcpdump.err"
near ping -6 -n -q -c 2 -i 0.02 -W 2 -s 1000 $far6 >/dev/null
near python3 "$here/datagrams.py" send $far6 5003 200 1200
near python3 "$here/datagrams.py" send $far6 5003 10 7
tcp_arrives "TCP while it is captured" near far $far6 5006
kill "$capture" 2>/dev/null || true
wait "$capture" || true
check "each packet on the wire is the one that libtins builds" 3000 "$("$judge" "$two_hosts_files/outer.pcap")"
near ethtool -K wire tx on >/dev/null

# The packet socket for joined datagrams receives from every link. In a bridge a packet passes two links.
far ip link add bridge type bridge
far ip address flush dev wire
far ip link set wire master bridge
far ip link set bridge addrgenmode none up
far ip address add 192.0.2.2/24 dev bridge
far ip route replace 192.0.2.0/24 dev bridge
until_true 5 near ping -6 -c 1 -W 0.2 $far6
datagrams_arrive "over a bridge: joined datagrams arrive once" receive-joined 1200
far ip address flush dev bridge
far ip link set wire nomaster
far ip link delete bridge
far ip address add 192.0.2.2/24 dev wire
until_true 5 near ping -6 -c 1 -W 0.2 $far6

# A host beyond the near end, on a link with a smaller MTU than the tunnel.
receive_offload on
lan=sixin4-lan-$$
trap 'ip netns delete $lan 2>/dev/null || true; two_hosts_remove' EXIT
ip netns add "$lan"
two_hosts_lan=$lan
ip link add lan netns "$two_hosts_near" type veth peer name lan netns "$lan"
for command in "link set lan mtu 1280 up" "link set lo up"; do
  near ip $command
  ip -n "$lan" $command
done
near ip address add 2001:db8:42::1/64 dev lan nodad
ip -n "$lan" address add 2001:db8:42::2/64 dev lan nodad
ip -n "$lan" route add default via 2001:db8:42::1
near sysctl -qw net.ipv6.conf.all.forwarding=1
near ethtool -K lan tso off gso off
ip netns exec "$lan" ethtool -K lan gro off
background lan tcpdump -n -i lan -w "$two_hosts_files/lan.pcap" 'ip6 and greater 1295' 2>"$two_hosts_files/tcpdump.err"
capture=$started
until_true 5 grep -q 'listening on' "$two_hosts_files/tcpdump.err"
lan() { ip netns exec "$lan" "$@"; }
tcp_arrives "forwarded to a link with MTU 1280: the bytes arrive" far lan 2001:db8:42::2 5004
kill "$capture" && wait "$capture" || true
check "no packet on that link is larger than its MTU" 0 "$(tcpdump -nr "$two_hosts_files/lan.pcap" 2>/dev/null | wc -l)"
stop_both

# RFC 4213 §3.2.1: with a tunnel MTU larger than the link's, packets travel as IPv4 fragments.
start_both 8000
succeeds "mtu 8000 over 1500: an echo in one inner packet" near ping -6 -n -q -c 3 -i 0.02 -W 2 -M "do" -s $((8000 - 48)) $far6
tcp_arrives "mtu 8000 over 1500: $tcp_bytes bytes of TCP in IPv4 fragments" near far $far6 5005
check "they were IPv4 fragments" yes "$((($(snmp far Ip ReasmOKs) > 0)) && echo yes || echo no)"
stop_both
check "the interfaces are gone" "" "$(near ip -br link show type tun; far ip -br link show type tun)"
finish
