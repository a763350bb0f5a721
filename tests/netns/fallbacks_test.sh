#!/usr/bin/env bash
# Kernels and sandboxes without an optional service: all packets arrive nevertheless, and `show` names the missing
# service.
#   fallbacks_test.sh PROGRAM JUDGE REFUSE
set -euo pipefail
program=$(realpath "$1") refuse=$(realpath "$3")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_make
near "$refuse" true || { echo "$(basename "$0"): needs seccomp's user notification" >&2; exit 77; }

near6=2001:db8:41::2 far6=2001:db8:41::1
start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64 --mtu 1480
head -c 2000000 /dev/urandom >"$two_hosts_files/sent"
near_options=(--interface near6 --remote 192.0.2.2 --address $near6/64 --mtu 1480)

# near_under REFUSE_OPTION… -- ENDPOINT_OPTION…: starts the near end under `refuse`
near_under() {
  local refused=()
  while [[ $1 != -- ]]; do refused+=("$1") && shift; done
  shift
  start_endpoint near "$refuse" "${refused[@]}" "$program" run "${near_options[@]}" "$@"
}
# Replaces the function of two_hosts.sh, which appends `run` to its first argument: here that may be the launcher.
start_endpoint() {
  local side=$1 log=$two_hosts_files/$1.log command=()
  shift
  if [[ $1 == "$refuse" ]]; then
    while [[ $1 != run ]]; do command+=("$1") && shift; done
    shift
  else
    command=("$1") && shift
  fi
  : >"$log"
  background "$side" "${command[@]}" run --control "$two_hosts_files/$side.sock" "$@" 2>"$log"
  until_true 10 grep -q '^ready: ' "$log" || two_hosts_fail "the endpoint at the $side end did not start: $(cat "$log")"
}
near_down() { "$program" down --control "$two_hosts_files/near.sock"; }
missing() { of_status near "s['offload']['missing'].get('$1', '')"; }
# all_arrives TITLE: echoes of all sizes are answered, and no packet is lost, dropped or duplicated
all_arrives() {
  tcp_arrives "$1: TCP outward" near far $far6 5001
  tcp_arrives "$1: TCP inward" far near $near6 5002
  check_match "$1: echoes of all sizes" ' 60 packets transmitted, 60 received, 0% packet loss' \
    " $(near ping -q -c 60 -i 0.002 -s 1400 $far6 | grep transmitted)"
  check "$1: no drops" "{} {}" "$(of_status near "s['drops']['out']") $(of_status near "s['drops']['in']")"
}
# bits REPORT KEY: bits per second in a report of iperf3
bits() { python3 -c 'import json, sys; print(int(json.load(open(sys.argv[1]))["end"][sys.argv[2]]["bits_per_second"]))' "$@"; }

# Writes of super-packets that fail.
for kind in tcp udp; do
  near_under --super-packets $kind --
  background near iperf3 -s -1 -B $near6 >/dev/null
  server=$started
  until_true 5 listening near 5201
  if [[ $kind == tcp ]]; then
    far iperf3 -J -c $near6 -t 2 >"$two_hosts_files/report"
    rate=$(bits "$two_hosts_files/report" sum_received)
    # The rate is low because another process inspects each write.
    check "writing TCP super-packets fails: TCP keeps a rate of 50 Mb/s" yes "$( ((rate > 50000000)) && echo yes || echo $rate)"
  else
    far iperf3 -J -u -b 30M -l 1200 -c $near6 -t 2 >"$two_hosts_files/report"
    check "writing UDP super-packets fails: no datagram of 30 Mb/s is lost" 0 \
      "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["end"]["sum"]["lost_packets"])' "$two_hosts_files/report")"
  fi
  wait "$server"
  all_arrives "writing $kind super-packets fails"
  if [[ $kind == tcp ]]; then
    check_match "\`show\` names the reason" 'writing TCP super-packets .* failed' "$(missing tun-in-tcp)"
    check "UDP super-packets are still in use" "" "$(missing tun-in-udp)"
    check "the log has one line about it" 1 "$(grep -c 'tun-in-tcp' "$two_hosts_files/near.log")"
    check_match "the text of \`show\` has a line about it" 'without tun-in-tcp' \
      "$("$program" show --control "$two_hosts_files/near.sock")"
  fi
  near_down
done

# without TITLE NAME REASON REFUSE_OPTION… [-- ENDPOINT_OPTION…]: checks that `show` has REASON for the missing NAME
without() {
  local what=$1 name=$2 reason=$3
  shift 3
  [[ " $* " == *" -- "* ]] || set -- "$@" --
  near_under "$@"
  all_arrives "without $what"
  check_match "without $what: \`show\` names the reason" "$reason" "$(missing "$name")"
  near_down
}
eperm=(--error 1) einval=(--error 22)
without "offload data on tun" tun-offload-data IFF_VNET_HDR "${einval[@]}" --matching 'ioctl 0x400454ca 0xd001'
without "IFF_TUN_EXCL" tun-out-tcp tun-offload-data "${einval[@]}" --matching 'ioctl 0x400454ca 0xd001' \
  --matching 'ioctl 0x400454ca 0x9001'
without "TUNSETOFFLOAD" tun-out-tcp TUNSETOFFLOAD "${einval[@]}" --matching 'ioctl 0x400454d0'
without "TUNSETVNETLE" tun-out-tcp '^$' "${einval[@]}" --matching 'ioctl 0x400454dc'
without "socket filters" receive-filter SO_ATTACH_FILTER "${eperm[@]}" --matching 'setsockopt 1 26'
without "packet sockets" receive-joined-udp 'packet socket.*not permitted' "${eperm[@]}" --matching 'socket 17 526339 0'
without "PACKET_VNET_HDR" receive-joined-udp PACKET_VNET_HDR "${einval[@]}" --matching 'setsockopt 263 15'
without "PACKET_VNET_HDR, sending" send-checksum PACKET_VNET_HDR "${einval[@]}" --matching 'setsockopt 263 15' \
  -- --wire packet --checksum-offload yes
without "PACKET_AUXDATA" receive-joined-udp PACKET_AUXDATA "${einval[@]}" --matching 'setsockopt 263 8'
without "IP_RECVERR" receive-icmp-errors 'IP_RECVERR.*no path MTU' "${eperm[@]}" --matching 'setsockopt 0 11'
without "SO_MEMINFO" receive-loss-count SO_MEMINFO "${einval[@]}" --matching 'getsockopt 1 55'
without "multiple queues" tun-queues TUNSETIFF "${einval[@]}" --matching 'ioctl 0x400454ca 0xd101' \
  --matching 'ioctl 0x400454ca 0x9101' --matching 'ioctl 0x400454ca 0x1101' -- --queues auto
without "filters for several workers" tun-queues SO_ATTACH_FILTER "${eperm[@]}" --matching 'setsockopt 1 26' -- --queues auto

near_under "${eperm[@]}" --matching 'socket 17 526339 0' -- --wire packet
check "wire = packet, but opening the packet socket fails: a raw socket" raw "$(of_status near "s['wire']")"
check_match "\`show\` has the reason for the raw socket" 'packet socket.*not permitted' "$(of_status near "s['wire_reason']")"
near_down
# Without announcements of a condition `wire = auto` takes a raw socket.
for watched in 'socket 16 526339 12:nftables' 'socket 16 526339 6:IPsec'; do
  near_under "${eperm[@]}" --matching "${watched%:*}" --
  near ping -q -c 2 -i 0.1 $far6 >/dev/null
  check_match "changes of ${watched#*:} cannot be watched: a raw socket" "raw changes of ${watched#*:}.* cannot be watched" \
    "$(of_status near "s['wire'] + ' ' + s['wire_reason']")"
  near_down
done

said=$(near "$refuse" "${einval[@]}" --matching 'ioctl 0x400454ca 0xd101' --matching 'ioctl 0x400454ca 0x9101' \
  --matching 'ioctl 0x400454ca 0x1101' "$program" run "${near_options[@]}" --control "$two_hosts_files/near.sock" \
  --queues 4 2>&1) && status=0 || status=$?
check_match "configured queues that cannot be opened end the start" "2 .*'queues = 4': cannot open so many queues \('queues = 1' needs less\)" "$status $said"
finish
