#!/usr/bin/env bash
# The needs of an endpoint, with each one missing in turn: capabilities, a directory for the control socket, a path to
# another host. The message names the missing need and the remedy.
#   capabilities_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
command -v setpriv >/dev/null || two_hosts_fail "needs setpriv"
[[ $(id -u) == 0 ]] && setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null ||
  two_hosts_fail "needs root, which can become another user"
two_hosts_make
chmod 755 "$two_hosts_files"
own=$two_hosts_files/own # a directory of the unprivileged user
mkdir -m 700 "$own"
chown 65534:65534 "$own"
copy=$own/sixin4 # the unprivileged user may not be able to read the build directory
cp "$program" "$copy"
chmod 755 "$own" "$copy"

# as_nobody CAPABILITIES ARGUMENT…: runs an endpoint as the unprivileged user with these capabilities
as_nobody() {
  local capabilities=$1
  shift
  near timeout 20 setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps="-all,$capabilities" \
    --ambient-caps="-all,$capabilities" "$copy" run --interface near6 --address 2001:db8:41::2/64 "$@"
}
# refused TITLE PATTERN COMMAND…: checks that the command ends with status 2 and a line that matches
refused() {
  local what=$1 pattern=$2 said status=0
  shift 2
  said=$("$@" 2>&1) || status=$?
  check "$what: status" 2 $status
  check_match "$what" "$pattern" "$said"
}

needed=(--remote 192.0.2.2 --control "$own/near.sock")
refused 'no capability' \
  'without CAP_NET_ADMIN \(.*tun device.*\) and CAP_NET_RAW \(.*raw.*\): run it as root.*setcap cap_net_admin,cap_net_raw\+ep.*AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW.*--cap-add NET_ADMIN --cap-add NET_RAW' \
  as_nobody -net_admin "${needed[@]}"
refused 'no CAP_NET_ADMIN' 'without CAP_NET_ADMIN \([^)]*\): .*setcap cap_net_admin\+ep' as_nobody +net_raw "${needed[@]}"
refused 'no CAP_NET_RAW' 'without CAP_NET_RAW \([^)]*\): .*--cap-add NET_RAW' as_nobody +net_admin "${needed[@]}"
refused 'root in a container that has none' 'without CAP_NET_ADMIN' \
  near setpriv --bounding-set -net_admin "$program" run --remote 192.0.2.2 --control "$two_hosts_files/x.sock"
mkdir -p /run/sixin4
refused 'no directory for the socket' \
  'cannot make control socket /run/sixin4/near6.sock: .* write to /run/sixin4 .*RuntimeDirectory=sixin4.* .control.*: Permission denied' \
  as_nobody +net_admin,+net_raw --remote 192.0.2.2
refused 'a directory that cannot be made' 'cannot make directory /run/sixin4-none/x: .*RuntimeDirectory.*: Permission denied' \
  as_nobody +net_admin,+net_raw --remote 192.0.2.2 --control /run/sixin4-none/x/near.sock

# With both capabilities and a writable directory it runs.
capabilities=+net_admin,+net_raw
# On hosts where only root may open /dev/net/tun, which are rare.
near setpriv --reuid=65534 --regid=65534 --clear-groups test -w /dev/net/tun || capabilities+=,+dac_override
as_nobody "$capabilities" "${needed[@]}" 2>"$two_hosts_files/near.log" &
two_hosts_started+=($!)
until_true 10 grep -q '^ready: ' "$two_hosts_files/near.log" || true
check_match 'an unprivileged user with both capabilities: runs' '^ready: near6 192.0.2.1 > 192.0.2.2' "$(cat "$two_hosts_files/near.log")"
"$program" down --control "$own/near.sock" || true

# Remotes that are not the address of another host.
near ip address flush dev wire
near ip address add 192.0.2.1/24 brd + dev wire
near ip address add 192.0.2.9/24 dev wire
near ip route add blackhole 203.0.113.1/32
near ip route add prohibit 203.0.113.2/32
near ip route add unreachable 203.0.113.3/32
run_near() { near timeout 20 "$program" run --interface near6 --control "$two_hosts_files/near.sock" "$@"; }
refused 'the network'"'"'s broadcast address' 'no IPv4 path to 192.0.2.255: it is a broadcast address' run_near --remote 192.0.2.255
refused 'this host' 'no IPv4 path to 192.0.2.9: it is an address of this host itself' run_near --remote 192.0.2.9 --local 192.0.2.1
refused 'a blackhole' 'no IPv4 path to 203.0.113.1: a blackhole route leads to it' run_near --remote 203.0.113.1
refused 'a prohibition' 'no IPv4 path to 203.0.113.2: a prohibit route leads to it' run_near --remote 203.0.113.2
refused 'an unreachable route' 'no IPv4 path to 203.0.113.3: an unreachable route leads to it' run_near --remote 203.0.113.3
refused 'a name for this host' 'no IPv4 path to 127.0.0.1: it is an address of this host itself' run_near --remote localhost
for remote in 255.255.255.255 127.0.0.2 0.0.0.0 0.1.2.3 224.0.0.1 240.0.0.1; do
  said=$(run_near --remote "$remote" 2>&1) && status=0 || status=$?
  check "$remote: status" 1 $status
  check_match "$remote" "remote: '$remote' is not the address of one host, but (the|a|in) .*address" "$said"
done
check 'no interface is left' '' "$(near ip -o link show near6 2>/dev/null)"
finish
