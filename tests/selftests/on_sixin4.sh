#!/usr/bin/env bash
# on_sixin4.sh PROGRAM COMMAND…: runs a command in new network, mount and PID namespaces, in which links of type sit are
# sixin4 endpoints. Everything in the namespaces ends with them, also after an interruption.
# Exit status: that of the command; 1 if an endpoint failed or none was started; 77 if namespaces cannot be created.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/selftests/endpoints.sh
source "$here/endpoints.sh"

if [[ -z ${sixin4_endpoints:-} ]]; then
  namespaces=(--net --mount --pid --fork --kill-child --mount-proc)
  [[ $(id -u) == 0 ]] || namespaces+=(--user --map-root-user)
  if ! unshare "${namespaces[@]}" mount -t tmpfs tmpfs /run 2>/dev/null; then
    echo "$(basename "$0"): may not make network, mount and process namespaces here" >&2
    exit 77
  fi
  sixin4_endpoints=/run/endpoints unshare "${namespaces[@]}" "$0" "$@" &
  # unshare(1) ignores other signals while it waits for its child.
  trap 'kill -KILL $! 2>/dev/null || true' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  status=0
  wait $! || status=$?
  trap - EXIT
  exit "$status"
fi

mount -t tmpfs tmpfs /run
mkdir "$sixin4_endpoints" /run/tmp
ip link set lo up
sixin4_program=$1 sixin4_ip=$(command -v ip)
export sixin4_program sixin4_ip
shift
status=0
TMPDIR=/run/tmp PATH=$here:$PATH "$@" || status=$?

end_endpoints '*' || true
if [[ -e $sixin4_endpoints/failures ]]; then
  cat "$sixin4_endpoints/failures"
  status=1
fi
started=0
for directory in "$sixin4_endpoints"/*/; do
  [[ -d $directory ]] || continue
  started=$((started + 1))
  ended=$(cat "$directory/status" 2>/dev/null || echo nothing)
  [[ $ended == 0 ]] || status=1
  [[ $status == 0 ]] || sed "s/^/endpoint $(basename "$directory") ended with $ended: /" "$directory/log"
done
if [[ $started == 0 && $status == 0 ]]; then
  echo "$* made no link of type sit"
  status=1
fi
exit "$status"
