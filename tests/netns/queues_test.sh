#!/usr/bin/env bash
# Several workers: the flows are spread over them, and each flow stays in order.
#   queues_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_make

near6=2001:db8:41::2
far6=2001:db8:41::1
start_both() { # OPTION…
  start_endpoint near "$program" --interface near6 --remote 192.0.2.2 --address $near6/64 --mtu 1480 "$@"
  near_pid=$started
  start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64 --mtu 1480 "$@"
  far_pid=$started
}
stop_both() { for side in near far; do "$program" down --control "$two_hosts_files/$side.sock"; done; }
# busy PID: prints the number of its threads, without the first, that have used time
busy() {
  local task count=0
  for task in /proc/"$1"/task/*; do
    [[ $task != */"$1" ]] && (($(awk '/^voluntary_ctxt_switches/ {print $2}' "$task/status") > 50)) && count=$((count + 1))
  done
  echo $count
}

head -c 20000000 /dev/urandom >"$two_hosts_files/sent"
for wire in raw packet; do
  start_both --queues 4 --wire $wire
  near ping -q -n -c 20 -i 0.02 $far6 >/dev/null
  background far python3 "$here/flows.py" receive $far6 5001 1 >"$two_hosts_files/flows"
  receiver=$started
  until_true 5 far sh -c "ss -Hlun 'sport = :5001' | grep -q ."
  near python3 "$here/flows.py" send $far6 5001 16 2000
  wait "$receiver"
  # On a slow machine some may be lost. The drop counters of the far end show it.
  read -r flows datagrams late <"$two_hosts_files/flows"
  check "$wire: sixteen UDP flows: number of flows, datagrams, late datagrams" "16 32000 0" \
    "$flows $((datagrams + $(drops far in wire-overflow))) $late"
  transfers=()
  for port in 5011 5012 5013 5014 5015 5016; do
    background far timeout 60 socat -u "TCP6-LISTEN:$port,bind=[$far6],reuseaddr" "CREATE:$two_hosts_files/received.$port"
    transfers+=("$started")
    until_true 5 listening far $port
    near timeout 60 socat -u "OPEN:$two_hosts_files/sent" "TCP6:[$far6]:$port" &
    transfers+=($!)
  done
  for transfer in "${transfers[@]}"; do wait "$transfer" || true; done
  check "$wire: six connections at once: all bytes arrive" 1 "$(sha256sum <"$two_hosts_files/sent" >"$two_hosts_files/sum" &&
    for file in "$two_hosts_files"/received.*; do sha256sum <"$file"; done | sort -u | cmp - "$two_hosts_files/sum" && echo 1)"
  check "$wire: no TCP segment arrived out of order" 0 "$(far nstat -asz TcpExtTCPOFOQueue | awk '/OFO/ {print $2}')"
  check "$wire: no drops" "{} []" \
    "$(of_status near "s['drops']['out']") $(of_status far "[drop for drop in s['drops']['in'] if drop != 'wire-overflow']")"
  check_match "$wire: the flows have been spread over threads" '^[3-9]$' "$(busy "$near_pid")"
  stop_both
done

start_both --queues auto
check "auto is one queue for each processor" "$(nproc)" "$(near ip -d -j link show near6 | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["linkinfo"]["info_data"].get("numqueues", 1))')"
check_match "packets and bytes are those of all queues" '^[3-9]$' "$(near ping -q -n -c 3 -i 0.02 $far6 >/dev/null; of_status near "s['out']['packets']")"
stop_both
finish
