#!/usr/bin/env bash
# Explicit congestion notification through the tunnel (RFC 6040), over a router that marks packets: the ECN fields that
# leave and arrive, and a TCP connection that slows down.
#   ecn_test.sh PROGRAM
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
names=("Not-ECT" "ECT(1)" "ECT(0)" "CE") # in the order of the two bits
# Only echo requests are captured and marked, because the kernel sends router solicitations at any time.
outward='ip proto 41 and src host 192.0.2.1 and ip[26] == 58 and ip[60] == 128'
echo_request='@nh,208,8 58 @nh,480,8 128' # the same for nft, which counts in bits

start_near() { # OPTION…
  start_endpoint near "$program" --interface near6 --remote 198.51.100.2 --address $near6/64 --mtu auto "$@"
}
stop_near() { "$program" down --control "$two_hosts_files/near.sock"; }
# marks RULE: the router's change of the outer header of packets from the near host; empty: none
marks() {
  router nft flush ruleset
  router nft 'add table ip t; add chain ip t forward { type filter hook forward priority 0; }'
  [[ -z $1 ]] || router nft "add rule ip t forward ip protocol 41 ip saddr 192.0.2.1 $1"
}
# echoes_with TRAFFIC-CLASS: captures three echo requests, between router and far host and then at the far host
echoes_with() {
  start_capture outer far wire "$outward"
  start_capture inner far far6 'icmp6 and ip6[40] == 128'
  near ping -6 -n -q -c 3 -i 0.05 -W 0.5 -Q "$1" $far6 >/dev/null 2>&1 || true
  until_true 2 arrived || true
  stop_capture outer
  stop_capture inner
}
# Whether all three have arrived or were dropped.
arrived() { (($(captured inner) + $(drops far in ecn-invalid) - invalid >= 3)); }
# The values of the ECN field, each with the number of packets.
fields_outside() {
  local field
  for field in 0 1 2 3; do echo "${names[field]} $(captured outer "(ip[1] & 3) == $field")"; done | grep -v ' 0$' | xargs
}
fields_inside() {
  local field
  for field in 0 1 2 3; do echo "${names[field]} $(captured inner "(ip6[0:2] & 0x30) == $((field << 4))")"; done | grep -v ' 0$' | xargs
}
# becomes INNER OUTSIDE INSIDE: checks the fields with the marks and options in force; an empty INSIDE: it is dropped
becomes() {
  invalid=$(drops far in ecn-invalid)
  echoes_with "$1"
  check "$situation, ${names[$1]}: outside ${names[$2]}" "${names[$2]} 3" "$(fields_outside)"
  if [[ -n $3 ]]; then
    check "$situation, ${names[$1]}: inside ${names[$3]}" "${names[$3]} 3" "$(fields_inside)"
    check "$situation, ${names[$1]}: nothing is dropped" "$invalid" "$(drops far in ecn-invalid)"
  else
    check "$situation, ${names[$1]}: does not arrive" "" "$(fields_inside)"
    check "$situation, ${names[$1]}: ecn-invalid" $((invalid + 3)) "$(drops far in ecn-invalid)"
  fi
}

start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64 --mtu auto

start_near
marks ""
situation="ecn yes, no marks"
for field in 0 1 2 3; do becomes $field $field $field; done
echoes_with 0xba
check "the DSCP stays inside" "3 3" "$(captured outer 'ip[1] == 2') $(captured inner '(ip6[0:2] & 0xff0) == 0xba0')"
marks "$echo_request ip ecn set ce"
situation="marked CE"
becomes 0 3 ""
for field in 1 2 3; do becomes $field 3 3; done
marks "$echo_request ip ecn set ect1"
situation="marked ECT(1)"
becomes 0 1 0
becomes 2 1 1
marks "$echo_request ip ecn set not-ect"
situation="marks taken off"
becomes 2 0 2
stop_near

start_near --tos inherit
marks ""
echoes_with 0xba
check "tos inherit: the DSCP goes outside too" "3 3" "$(captured outer 'ip[1] == 0xba') $(captured inner '(ip6[0:2] & 0xff0) == 0xba0')"
stop_near

start_near --ecn no
situation="ecn no, no marks"
for field in 1 2 3; do becomes $field 0 $field; done
marks "$echo_request ip ecn { ect0, ect1 } ip ecn set ce"
situation="ecn no, a router that marks what it may"
becomes 2 0 2

# TCP: the router marks one of twenty ECN-capable packets.
for side in near far; do $side sysctl -qw net.ipv4.tcp_ecn=1; done
two_hosts_receive_offload far on
head -c 8000000 /dev/urandom >"$two_hosts_files/sent"
ce_delivered() { near nstat -asz TcpExtTCPDeliveredCE | awk '/DeliveredCE/ { print $2 }'; }
# transfer TITLE PORT
transfer() {
  before=$(ce_delivered)
  start_capture tcp near near6 'tcp'
  tcp_arrives "$1: the bytes arrive" near far $far6 "$2"
  stop_capture tcp
  check "$1: ECN was negotiated" 1 "$(captured tcp 'src host 2001:db8:41::1 and (ip6[53] & 0x42) == 0x42')" # SYN, ACK and ECE
}
marks "ip ecn { ect0, ect1 } numgen inc mod 20 == 0 ip ecn set ce"
transfer "ecn no, TCP" 5001
check "ecn no, TCP: no congestion is reported" 0 $(($(ce_delivered) - before))
stop_near
start_near
transfer "ecn yes, TCP" 5002
check "ecn yes, TCP: congestion is reported" yes "$((($(ce_delivered) > before)) && echo yes || echo no)"
check "ecn yes, TCP: the receiver sends ECE" yes "$((($(captured tcp 'src host 2001:db8:41::1 and (ip6[53] & 0x42) == 0x40') > 0)) && echo yes || echo no)"
check "ecn yes, TCP: the sender sends CWR" yes "$((($(captured tcp 'src host 2001:db8:41::2 and (ip6[53] & 0x82) == 0x80') > 0)) && echo yes || echo no)"
check "no packet was dropped for its marks" "$invalid" "$(drops far in ecn-invalid)"
check "no TCP checksum was wrong" "0 0" "$(snmp near Tcp InCsumErrors) $(snmp far Tcp InCsumErrors)"
stop_near
finish
