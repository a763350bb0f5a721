#!/usr/bin/env bash
# Everything that `sixin4 bench` can measure, with all contestants: both tunnel MTUs, receive offload on and off.
#   bench/fair_bed.sh [ROUNDS [SECONDS]]   (default: 5 rounds of 1 second, about 40 minutes)
# Needs root and a build in build/. Writes every run to bench/results/fair_bed.json and plots the medians.
set -euo pipefail
cd "$(dirname "$0")/.."
program=build/tools/sixin4
kernel_tunnel=build/bench/kernel_tunnel.bpf.o
for file in $program $kernel_tunnel; do
  if [[ ! -f $file ]]; then
    echo "fair_bed.sh: there is no $file: tools/install-deps.sh test && cmake -S . -B build -G Ninja && cmake --build build" >&2
    exit 1
  fi
done

mkdir -p bench/results
$program bench --json --rounds "${1:-5}" --seconds "${2:-1}" --mtu 1280,1480 --receive-offload both \
  --contestants raw,packet,packet-offload,socat,kernel --kernel-tunnel $kernel_tunnel >bench/results/fair_bed.json.new
mv bench/results/fair_bed.json.new bench/results/fair_bed.json
for offload in on off; do
  bench/plot.py --receive-offload $offload bench/results/fair_bed.json >bench/results/fair_bed_offload_$offload.svg
done
