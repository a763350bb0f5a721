#!/usr/bin/env bash
# `sixin4 bench` as a user runs it: its figures, its failures, and that it leaves no process or namespace after any end.
#   bed_test.sh PROGRAM KERNEL_TUNNEL
set -euo pipefail
program=$(realpath "$1")
kernel_tunnel=$2
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/../netns/checks.sh"
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT

help=$("$program" bench --help)
check_match "the help names options and workloads" "--receive-offload .*udp-gso" "$(tr '\n' ' ' <<<"$help")"
check "an unknown workload: exit status 1" 1 "$(status_of "$program" bench tpc)"
check_match "an unknown workload is named with those that there are" "unknown workload 'tpc'; the workloads are tcp, tcp8" \
  "$("$program" bench tpc 2>&1 || true)"

skip() {
  echo "$(basename "$0"): $*" >&2
  if ((failures > 0)); then finish; fi
  exit 77
}
[[ $(id -u) == 0 ]] || skip "needs root: receive threads of the kernel are bound to processors"
unshare --net --mount true 2>/dev/null || skip "may not make network namespaces here"
[[ -c /dev/net/tun ]] || skip "needs /dev/net/tun"
[[ $(nproc) -ge 2 ]] || skip "needs two processors"
for tool in ip tc ethtool; do command -v $tool >/dev/null || skip "needs $tool"; done

# Each link of the testbed has a kernel thread, which ends when the kernel removes the namespace.
links() { pgrep "napi/[nf]${1}x" || true; }
started_by() { pgrep -P "$1" || true; }

# of_results EXPRESSION: evaluates a Python expression on the results `r`, with the function figure(CONTESTANT,
# WORKLOAD, KEY)
of_results() {
  python3 - "$files/results.json" "$1" <<'END'
import json, sys
r = json.load(open(sys.argv[1]))
def figure(contestant, workload, key):
    return next(m["medians"].get(contestant) for m in r["medians"] if m["workload"] == workload and m["figure"] == key)
print(eval(sys.argv[2]))
END
}

contestants=(raw)
arguments=()
if [[ -f $kernel_tunnel ]]; then
  contestants+=(kernel)
  arguments=(--kernel-tunnel "$kernel_tunnel")
fi
joined=$(IFS=,; echo "${contestants[*]}")
succeeds "a short measurement of $joined" sh -c '"$@" >"$0"' "$files/results.json" \
  timeout 60 "$program" bench --json --seconds 0.3 --contestants "$joined" "${arguments[@]}" tcp rtt udp1200
check "no run failed" "[]" "$(of_results '[run["failure"] for run in r["runs"] if run["failure"]]')"
check "every run is there" $((3 * ${#contestants[@]})) "$(of_results 'len(r["runs"])')"
for contestant in "${contestants[@]}"; do
  check "$contestant: TCP passes, and costs something" "True True" \
    "$(of_results "figure('$contestant', 'tcp', 'bits_per_second') > 1e6")$(
      of_results "' ' + str(figure('$contestant', 'tcp', 'cpu_seconds_per_gigabyte') > 0)")"
  check "$contestant: round trips take longer than nothing" True \
    "$(of_results "0 < figure('$contestant', 'rtt', 'rtt_median_us') <= figure('$contestant', 'rtt', 'rtt_p99_us')")"
  check "$contestant: datagrams pass" True "$(of_results "figure('$contestant', 'udp1200', 'datagrams_per_second') > 100")"
done
check "the host is told" "$(uname -r) 1 0.3" "$(of_results "r['kernel'], r['rounds'], r['seconds']" | tr -d "(),'")"

# A testbed or a tunnel that fails once after the first round costs one turn. A missing program costs all turns of its
# contestant.
failing() { # PROGRAM CALL: a wrapper of PROGRAM in $files/path whose call number CALL fails
  rm -rf "$files/path" "$files/calls"
  mkdir "$files/path"
  cat >"$files/path/$1" <<END
#!/bin/sh
echo >>"$files/calls"
[ "\$(wc -l <"$files/calls")" != $2 ] || { echo 'no luck' >&2; exit 1; }
exec $(command -v "$1") "\$@"
END
  chmod +x "$files/path/$1"
}
three_rounds() { # PATH CONTESTANT…
  local path=$1 joined
  joined=$(IFS=,; echo "${*:2}")
  succeeds "three rounds of $joined" sh -c '"$@" >"$0"' "$files/results.json" \
    env PATH="$path" timeout 60 "$program" bench --json --seconds 0.3 --rounds 3 --contestants "$joined" rtt
}
failed_rounds() { of_results "[(run['contestant'], run['round']) for run in r['runs'] if run['failure']]"; }
failing ethtool 4
three_rounds "$files/path:$PATH" raw
check "a bed that fails in the second round: that run failed, the others did not" "[('raw', 2)] 3" \
  "$(failed_rounds) $(of_results 'len(r["runs"])')"
if command -v socat >/dev/null; then
  failing socat 1
  three_rounds "$files/path:$PATH" socat
  check "an end that does not start at first has its turns all the same" "[('socat', 1)] 3" \
    "$(failed_rounds) $(of_results 'len(r["runs"])')"
fi
rm -rf "$files/path"
mkdir "$files/path"
for tool in ip tc ethtool timeout; do ln -s "$(command -v $tool)" "$files/path/"; done
three_rounds "$files/path" raw socat
check_match "a program that is not there is named" "^socat:.*socat; install it" \
  "$(of_results "r['not_available'][0]['contestant'] + ':' + r['not_available'][0]['reason']")"
check "and the others are measured" "[] 3" "$(failed_rounds) $(of_results 'len(r["runs"])')"

for offload in on off; do
  check_match "receive offload $offload: a table" "receive offload $offload.*tcp8 +Gbit/s +[0-9.]+ " \
    "$(timeout 60 "$program" bench --seconds 0.3 --receive-offload $offload --contestants raw tcp8 2>/dev/null | tr '\n' ' ')"
done

for signal in TERM INT KILL; do
  # A non-interactive shell starts background processes with SIGINT ignored.
  env --default-signal=INT "$program" bench --contestants raw --seconds 5 tcp >/dev/null 2>"$files/progress" &
  bench=$!
  succeeds "SIG$signal: a measurement has begun" until_true 10 grep -q "raw, tcp" "$files/progress"
  sleep 0.5
  children=$(started_by $bench)
  check "SIG$signal: it has two endpoints, two generators and two links" "4 2" \
    "$(wc -w <<<"$children") $(links $bench | wc -w)"
  kill -$signal $bench
  wait $bench 2>/dev/null || true
  succeeds "SIG$signal: they are gone" until_true 5 sh -c "for id in $(echo $children); do ! kill -0 \$id || exit 1; done"
  succeeds "SIG$signal: and the namespaces with them" until_true 5 sh -c "! pgrep 'napi/[nf]${bench}x'"
done

check "a kernel tunnel that is no object file: exit status 2" 2 \
  "$(status_of "$program" bench --contestants kernel --kernel-tunnel "$0" tcp)"
finish
