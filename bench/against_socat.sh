#!/usr/bin/env bash
# One TCP flow through sixin4 and through socat, in the same two network namespaces, turn by turn.
#   bench/against_socat.sh [ROUNDS [SECONDS]]   (5 rounds of 4 seconds where not given)
# Writes bench/results/against_socat.json: every run's rate in bits a second, and the medians with their ratio.
#
# The bed makes one machine behave like two single-core hosts: a veth pair that behaves like two network cards (see
# two_hosts_like_network_cards), each side's processes and its device's receive thread on a processor of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/two_hosts.sh
source tools/two_hosts.sh
two_hosts_enter "$@"
rounds=${1:-5}
seconds=${2:-4}
program=$PWD/build/tools/sixin4
[[ -x $program ]] || two_hosts_fail "build the program first: cmake -S . -B build -G Ninja && cmake --build build"
for tool in socat iperf3 ethtool taskset; do
  command -v $tool >/dev/null || two_hosts_fail "needs $tool (tools/install-deps.sh test)"
done
[[ $(nproc) -ge 2 ]] || two_hosts_fail "needs two processors, one a side"

two_hosts_make
declare -A cpu=([near]=0 [far]=1) own=([near]=2001:db8:41::2 [far]=2001:db8:41::1) other4=([near]=192.0.2.2 [far]=192.0.2.1)
two_hosts_like_network_cards
# A receive thread is named after its device, in both namespaces alike; the far device's was made last.
mapfile -t threads < <(pgrep -x 'napi/wire-[0-9]*' || pgrep 'napi/wire')
[[ ${#threads[@]} == 2 ]] || two_hosts_fail "found ${#threads[@]} receive threads of the veth pair instead of 2"
taskset -pc 0 "${threads[0]}" >/dev/null
taskset -pc 1 "${threads[1]}" >/dev/null

declare -A tunnel_pid
start_sixin4() {
  local side
  for side in near far; do
    start_endpoint $side "$program" --interface tunnel --remote "${other4[$side]}" \
      --address "${own[$side]}/64" --mtu 1480
    taskset -apc "${cpu[$side]}" "$started" >/dev/null
    tunnel_pid[$side]=$started
  done
}
start_socat() {
  local side
  for side in near far; do
    background $side taskset -c "${cpu[$side]}" socat "TUN,tun-name=tunnel,iff-no-pi,iff-up" "IP4-SENDTO:${other4[$side]}:41" 2>/dev/null
    tunnel_pid[$side]=$started
    until_true 5 $side ip link show tunnel
    $side ip link set tunnel mtu 1480
    $side ip address add "${own[$side]}/64" dev tunnel nodad
  done
}
stop_tunnel() {
  kill "${tunnel_pid[near]}" "${tunnel_pid[far]}"
  wait "${tunnel_pid[near]}" "${tunnel_pid[far]}" 2>/dev/null || true
}
measure() { # prints bits a second as the receiver saw them
  background far taskset -c 1 iperf3 --server --one-off --bind "${own[far]}" >/dev/null 2>&1
  local server=$started
  until_true 5 listening far 5201
  timeout $((seconds + 10)) ip netns exec "$two_hosts_near" taskset -c 0 \
    iperf3 --client "${own[far]}" --time "$seconds" --json >"$two_hosts_files/iperf.json" || true
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  python3 -c 'import json, sys; print(int(json.load(open(sys.argv[1])).get("end", {}).get("sum_received", {}).get("bits_per_second", 0)))' \
    "$two_hosts_files/iperf.json"
}

runs=$two_hosts_files/runs
for ((round = 1; round <= rounds; round++)); do
  for offload in on off; do
    two_hosts_receive_offload near $offload
    two_hosts_receive_offload far $offload
    for contestant in sixin4 socat; do
      start_$contestant
      rate=$(measure)
      stop_tunnel
      printf '%s %s %s %s\n' "$round" "$offload" "$contestant" "$rate" | tee -a "$runs"
    done
  done
done

python3 - "$runs" "$seconds" bench/results/against_socat.json <<'END'
import json, os, platform, statistics, sys

runs_file, seconds, result_file = sys.argv[1:]
runs = [
    {"round": int(round_), "receive_offload": offload, "contestant": contestant, "bits_per_second": int(rate)}
    for round_, offload, contestant, rate in (line.split() for line in open(runs_file))
]
summary = {}
for offload in ("on", "off"):
    median = {
        contestant: statistics.median(
            run["bits_per_second"] for run in runs if run["receive_offload"] == offload and run["contestant"] == contestant)
        for contestant in ("sixin4", "socat")
    }
    ratio = median["sixin4"] / median["socat"] if median["socat"] else None
    summary[offload] = {"median_bits_per_second": median, "ratio": ratio and round(ratio, 2)}
    print(f"receive offload {offload}: sixin4 {median['sixin4'] / 1e9:.2f} Gbit/s, socat {median['socat'] / 1e9:.2f} Gbit/s, "
          f"ratio {'infinite' if ratio is None else f'{ratio:.1f}'}")
result = {"what": "one TCP flow, MTU 1480", "seconds_a_run": int(seconds), "kernel": platform.release(),
          "processors": os.cpu_count(), "summary_by_receive_offload": summary, "runs": runs}
with open(result_file, "w") as file:
    json.dump(result, file, indent=1)
    file.write("\n")
END
