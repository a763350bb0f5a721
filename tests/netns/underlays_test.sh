#!/usr/bin/env bash
# IPv4 links of all MTUs under a tunnel with `mtu = auto`. The tunnel MTU follows the link, down to the 1280 bytes that
# IPv6 needs; below that packets travel as IPv4 fragments. And fragments made by others, in any order.
#   underlays_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_can_capture || two_hosts_fail "needs root: tcpdump does not capture in a user namespace"
two_hosts_make

near6=2001:db8:41::2
far6=2001:db8:41::1
from_near='ip proto 41 and src host 192.0.2.1'
fragment='(ip[6:2] & 0x3fff) != 0'
dont_fragment='(ip[6] & 0x40) != 0'
head -c 3000000 /dev/urandom >"$two_hosts_files/sent"

start_both() {
  start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64 --mtu auto
  start_endpoint near "$program" --interface near6 --remote 192.0.2.2 --address $near6/64 --route ::/0 --mtu auto
}
stop_both() {
  "$program" down --control "$two_hosts_files/near.sock"
  "$program" down --control "$two_hosts_files/far.sock"
}
# unanswered INNER-SIZE…: prints the sizes whose echo is not answered; the sender may have to fragment some
unanswered() {
  local size
  for size in "$@"; do
    near ping -6 -n -q -c 1 -W 3 -s $((size - 48)) $far6 >/dev/null || echo "$size"
  done
}
yes_if() { (("$1")) && echo yes || echo no; }

for link in 9000 1500 1301 1300 1299 1280 1000 576; do
  near ip link set wire mtu $link
  far ip link set wire mtu $link
  start_both
  whole=$((link >= 1300))
  mtu=$((whole ? link - 20 : 1280))
  check "a link of $link: mtu" "$mtu $link" "$(of_status near "s['mtu']") $(of_status near "s['path_mtu']")"
  start_capture wire near wire "$from_near"
  check "a link of $link: echoes of all sizes near the MTU" "" \
    "$(unanswered 48 49 $((link / 2)) $((link - 20)) $((link - 19)) 1279 1280 1281 1500 1501 $((mtu - 1)) "$mtu" 9000 20000)"
  tcp_arrives "a link of $link: TCP to the far end" near far $far6 5001
  tcp_arrives "a link of $link: TCP from the far end" far near $near6 5002
  stop_capture wire
  packets=$(captured wire)
  if ((whole)); then
    check "a link of $link: DF set in all, no fragments" "$packets 0" "$(captured wire "$dont_fragment") $(captured wire "$fragment")"
    check "a link of $link: packets fill it" yes "$(yes_if "$(captured wire "ip[2:2] == $link") > 300")"
  else
    largest=$((20 + (link - 20) / 8 * 8)) # fragment offsets are multiples of eight bytes
    check "a link of $link: DF clear in all" 0 "$(captured wire "$dont_fragment")"
    check "a link of $link: fragments fill it" yes "$(yes_if "$(captured wire "ip[6] & 0x20 != 0 and ip[2:2] == $largest") > 1000")"
    check "a link of $link: only the last fragment of a packet is smaller" 0 "$(captured wire "ip[6] & 0x20 != 0 and ip[2:2] != $largest")"
  fi
  check "a link of $link: nothing was dropped" "{} {}" "$(of_status near "str(s['drops']['in']) + ' ' + str(s['drops']['out'])")"
  stop_both
done

# Packets that the far end or a router has fragmented. RFC 4213 §3.6: reassembly must take at least 1500 bytes.
near ip link set wire mtu 1500
far ip link set wire mtu 1500
start_endpoint near "$program" --interface near6 --remote 192.0.2.2 --address $near6/64 --route ::/0
icmp6() { near awk -v name="$1" '$1 == name { print $2 }' /proc/net/snmp6; }
echoes_are() { [[ $(icmp6 Icmp6InEchos) == "$1" ]]; }
for order in forward backward shuffled interleaved; do
  for size in 1280 1480 1500 4000 40000; do
    before=$(icmp6 Icmp6InEchos)
    far python3 "$here/craft.py" --fragments $order --size $size 192.0.2.2 192.0.2.1 5 echo
    until_true 3 echoes_are $((before + 5)) || true
    check "fragments, $order: five packets of $size bytes arrive whole" $((before + 5)) "$(icmp6 Icmp6InEchos)"
  done
done
check "no checksum was wrong" "0 0" "$(icmp6 Icmp6InCsumErrors) $(icmp6 Icmp6InErrors)"
finish
