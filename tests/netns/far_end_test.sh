#!/usr/bin/env bash
# The two ends as IPv6 neighbours: neighbour solicitations are answered, keepalive measures round-trip time and loss and
# warns of a silent far end, mss-clamp lowers the MSS that TCP announces.
#   far_end_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_can_capture || two_hosts_fail "needs root: tcpdump does not capture in a user namespace"
two_hosts_make

near6=2001:db8:41::2
far6=2001:db8:41::1
start_near() { # OPTION…
  start_endpoint near "$program" --interface near6 --remote 192.0.2.2 --address $near6/64 "$@"
}
start_far() { # OPTION…
  start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64 --route 2001:db8:42::/64 "$@"
}
stop() { "$program" down --control "$two_hosts_files/$1.sock"; }

# RFC 4213 §3.8: a unicast solicitation is answered. The kernel answers it, and the endpoint carries both unchanged. The
# answer has no link-layer address: an Advertisement of 24 bytes has no options.
start_near --keepalive 0
advertisement='ip proto 41 and src host 192.0.2.1 and ip[26] == 58 and ip[60] == 136'
# is_answered KIND TARGET DESTINATION: KIND of craft.py; the addresses of the Advertisement in hexadecimal
is_answered() {
  local word from_target="" to_destination=""
  for word in 0 1 2 3; do
    from_target+=" and ip[$((68 + 4 * word)):4] == 0x${2:$((8 * word)):8}"
    to_destination+=" and ip[$((44 + 4 * word)):4] == 0x${3:$((8 * word)):8}"
  done
  start_capture advertisements near wire "$advertisement"
  far python3 "$here/craft.py" 192.0.2.2 192.0.2.1 1 "$1"
  until_true 3 has_captured advertisements 1 || true
  stop_capture advertisements
  check "$1: a solicited Neighbour Advertisement for the target, hop limit 255, no options" 1 \
    "$(captured advertisements "ip[24:2] == 24 and ip[27] == 255 and ip[64] & 0x40 != 0 $from_target $to_destination")"
}
has_captured() { (($(captured "$1") >= $2)); }
near_hex=20010db8004100000000000000000002 far_hex=20010db8004100000000000000000001
near_local_hex=fe8000000000000000000000c0000201 far_local_hex=fe8000000000000000000000c0000202
is_answered solicitation-global $near_hex $far_hex
is_answered solicitation-global-option $near_hex $far_hex
is_answered solicitation-link-local $near_local_hex $far_local_hex
is_answered solicitation-link-local-option $near_local_hex $far_local_hex
is_answered solicitation-global-from-link-local $near_hex $far_local_hex
start_capture advertisements near wire "$advertisement"
far python3 "$here/craft.py" 192.0.2.2 192.0.2.1 3 solicitation-from-afar
far python3 "$here/craft.py" 192.0.2.2 192.0.2.1 1 solicitation-global
until_true 3 has_captured advertisements 1 || true
stop_capture advertisements
check "a solicitation with hop limit 254 has been forwarded, and is not answered" 1 "$(captured advertisements)"
check "without keepalive show has no round-trip time and no loss" "None None" "$(of_status near "s['far_end']['rtt_ms']") $(of_status near "s['far_end']['loss']")"
stop near

# Keepalive: an echo after each second of silence.
start_far
start_near --keepalive 1
reaches 5 near "s['far_end']['rtt_ms'] is not None" True || true
check "keepalive: a round-trip time" True "$(of_status near "0 < s['far_end']['rtt_ms'] < 1000")"
check "keepalive: no loss" 0.0 "$(of_status near "s['far_end']['loss']")"
check_match "keepalive: the text of show has both" 'rtt [0-9]+\.[0-9] ms, loss 0\.0 %' "$("$program" show --control "$two_hosts_files/near.sock")"
check "keepalive: show has the time of the last packet" True "$(of_status near "s['far_end']['last_heard_s'] < 3")"
echoes_seen() { far awk '$1 == "Icmp6InEchos" { print $2 }' /proc/net/snmp6; }
before=$(echoes_seen)
near ping -6 -q -n -i 0.2 -c 20 $far6 >/dev/null 2>&1 || true
check "keepalive: no requests while there is traffic" yes "$((($(echoes_seen) - before <= 21)) && echo yes || echo no)"
# The far end falls silent: its firewall drops everything, so that no ICMP error comes.
far nft 'add table ip t; add chain ip t in { type filter hook prerouting priority 0; }; add rule ip t in ip protocol 41 drop'
until_true 10 grep -q 'the far end does not answer: 3 echoes in a row' "$two_hosts_files/near.log" || true
check_match "keepalive: the log warns after three lost echoes" 'the far end does not answer: 3 echoes in a row were lost' \
  "$(cat "$two_hosts_files/near.log")"
check "keepalive: loss" True "$(of_status near "s['far_end']['loss'] > 0")"
check "keepalive: show has the time since the last packet" True "$(of_status near "s['far_end']['last_heard_s'] > 2.5")"
far nft delete table ip t
until_true 5 grep -q 'the far end answers again' "$two_hosts_files/near.log" || true
check_match "keepalive: the log names the end of the silence" 'the far end answers again' "$(cat "$two_hosts_files/near.log")"
check "keepalive: warned once" 1 "$(grep -c 'does not answer' "$two_hosts_files/near.log")"
stop near
# The destination of the requests: the peer; without a global address the link-local address of the remote.
stop far
start_far --address 2001:db8:43::9/128 --route 2001:db8:43::8/128
# asks TITLE DESTINATION OPTION…
asks() {
  local what=$1 whom=$2
  shift 2
  start_capture asked near wire 'ip proto 41 and src host 192.0.2.1 and ip[26] == 58 and ip[60] == 128'
  start_endpoint near "$program" --interface near6 --remote 192.0.2.2 --keepalive 1 "$@"
  until_true 4 has_captured asked 1 || true
  reaches 4 near "s['far_end']['loss']" 0.0 || true
  stop_capture asked
  check_match "keepalive asks $what" "> $whom: ICMP6, echo request" "$(tcpdump -nr "$two_hosts_files/asked.pcap" 2>/dev/null | head -n 1)"
  check "keepalive asks $what: it answers" 0.0 "$(of_status near "s['far_end']['loss']")"
  stop near
}
asks "the peer" 2001:db8:43::9 --address $near6/64 --address "2001:db8:43::8/127 peer 2001:db8:43::9"
asks "the link-local address of the far end" fe80::c000:202 --prefix 2001:db8:42::/64
stop far

# mss-clamp, for hosts beyond the near end whose links carry larger packets than the tunnel.
start_far --mtu 1480
start_near --mtu 1400 --mss-clamp yes --prefix 2001:db8:42::/64
two_hosts_lan=sixin4-lan-$$
trap 'ip netns delete $two_hosts_lan 2>/dev/null || true; two_hosts_remove' EXIT
lan() { ip netns exec "$two_hosts_lan" "$@"; }
ip netns add "$two_hosts_lan"
ip link add lan netns "$two_hosts_near" type veth peer name lan netns "$two_hosts_lan"
near ip link set lan up
lan ip link set lan up
near ip address add 2001:db8:42::1/64 dev lan nodad
lan ip address add 2001:db8:42::2/64 dev lan nodad
lan ip route add default via 2001:db8:42::1
near sysctl -qw net.ipv6.conf.all.forwarding=1
# A network that drops Packet Too Big: TCP needs mss-clamp there.
near nft 'add table ip6 t; add chain ip6 t out { type filter hook postrouting priority 0; }; add rule ip6 t out icmpv6 type packet-too-big drop'
head -c 2000000 /dev/urandom >"$two_hosts_files/sent"
start_capture lan lan lan 'tcp'
start_capture far far far6 'tcp'
tcp_arrives "mss-clamp: TCP from a host behind, where nothing tells of the MTU" lan far $far6 5001
tcp_arrives "mss-clamp: and to it" far lan 2001:db8:42::2 5002
stop_capture lan
stop_capture far
# announced CAPTURE SOURCE: prints the MSS of its SYN, and of its SYN and ACK
announced() { tcpdump -nr "$two_hosts_files/$1.pcap" "src host $2 and (ip6[53] & 2) != 0" 2>/dev/null | grep -o 'mss [0-9]*' | xargs; }
check "mss-clamp: the host beyond announces 1440" "mss 1440 mss 1440" "$(announced lan 2001:db8:42::2)"
check "mss-clamp: the far end receives 1340" "mss 1340 mss 1340" "$(announced far 2001:db8:42::2)"
check "mss-clamp: the far end announces 1420" "mss 1420 mss 1420" "$(announced far $far6)"
check "mss-clamp: the host beyond receives 1340" "mss 1340 mss 1340" "$(announced lan $far6)"
check "no TCP checksum was wrong" "0 0" "$(snmp lan Tcp InCsumErrors) $(snmp far Tcp InCsumErrors)"
stop near
finish
