#!/usr/bin/env bash
# Each system call of the start fails in turn. The endpoint runs without the service, or ends with a message that names
# the reason.
#   refused_calls_test.sh PROGRAM JUDGE REFUSE
set -euo pipefail
program=$(realpath "$1") refuse=$(realpath "$3")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_make
near "$refuse" true || { echo "$(basename "$0"): needs seccomp's user notification" >&2; exit 77; }

near6=2001:db8:41::2 far6=2001:db8:41::1
start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64
far_mac=$(far cat /sys/class/net/wire/address)
log=$two_hosts_files/near.log
exec {nap}<> <(:)
doze() { read -r -t 0.01 -u "$nap" || true; }

# launch REFUSE_OPTION…: starts the near end and waits until it is ready or has ended
launch() {
  # With a known link-layer address of the far end the start opens the packet socket too.
  near ip neighbour replace 192.0.2.2 lladdr "$far_mac" dev wire nud reachable
  : >"$log"
  background near "$refuse" "$@" "$program" run --control "$two_hosts_files/near.sock" --interface near6 \
    --remote 192.0.2.2 --address $near6/64 --prefix 2001:db8:42::/64 --route 2001:db8:9::/48 --table 4100 \
    --keepalive 60 --recorder 0 --checksum-offload yes ${configured[@]+"${configured[@]}"} 2>"$log"
  local patience=1500
  until grep -q '^ready: ' "$log" || ! kill -0 "$started" 2>/dev/null || ((patience-- == 0)); do doze; done
}
# end: stops the endpoint if it runs; $status is its exit status
end() {
  local patience=1000
  kill -TERM "$started" 2>/dev/null || true
  while kill -0 "$started" 2>/dev/null && ((patience-- > 0)); do doze; done
  kill -KILL "$started" 2>/dev/null || true
  status=0
  wait "$started" || status=$?
}
# judge_launched: ends the endpoint; $wrong lists its faults, empty: none
judge_launched() {
  wrong=
  local passes=
  grep -q '^ready: ' "$log" && near ping -q -c 1 -W 1 $far6 >/dev/null 2>&1 && passes=1
  end
  case $status in
    0) [[ -n $passes ]] || wrong+="no ping passes; " ;;
    # The message names the call or the object, and the remedy. It may come soon after `ready`, when the endpoint first
    # checks the host.
    2) grep -qE '^sixin4: .{10,}: .*(needs|has to|must|choose)' "$log" || wrong+="a bare message; " ;;
    *) wrong+="exit status $status; " ;;
  esac
  ! near test -e /sys/class/net/near6 || wrong+="the interface is left; "
}

launch --log "$two_hosts_files/calls"
calls=$(wc -l <"$two_hosts_files/calls")
judge_launched
check "no call fails: the endpoint runs" "" "$wrong"
check_match "the start has more than a hundred calls" '^[1-9][0-9]{2}$' "$calls"

# EPERM is the usual error of seccomp profiles, EINVAL that of kernels without an option.
for error in 1 22; do
  failed=0 ran=0 tried=0
  for ((number = 1; number <= calls; ++number)); do
    # For netlink messages the error makes no difference.
    [[ $error == 22 && $(sed -n "${number}p" "$two_hosts_files/calls") =~ ' '(sendto|recvmsg|recvfrom|openat) ]] && continue
    tried=$((tried + 1))
    launch --log "$two_hosts_files/refused" --number "$number" --error $error
    grep -q '^ready: ' "$log" && ran=$((ran + 1))
    judge_launched
    [[ -z $wrong ]] && continue
    failed=$((failed + 1))
    echo "  error $error at call $(grep ' refused$' "$two_hosts_files/refused" | head -n 1): $wrong"
    sed 's/^/    /' "$log"
  done
  check "error $error at each of $tried calls in turn: $ran times it runs, otherwise it names the reason; faults" 0 $failed
done
finish
