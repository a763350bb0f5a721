#!/usr/bin/env bash
# Shows the main job on this machine alone: two hosts in network namespaces, an endpoint at each, and traffic
# through the tunnel between them. Takes about a minute after the build, ends by itself, and removes its namespaces.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/two_hosts.sh
source tools/two_hosts.sh

if [[ -t 1 ]]; then bold=$'\033[1m' plain=$'\033[0m'; else bold='' plain=''; fi
say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
show() { printf '$ %s\n' "${*//$PWD\//}"; }
show_and_run() {
  show "$@"
  "$@"
}
# throughput OPTION…: prints the two result lines of iperf3
throughput() {
  show near iperf3 --client 2001:db8:41::1 --time 3 --format m "$@"
  near iperf3 --client 2001:db8:41::1 --time 3 --format m "$@" | grep -E 'sender|receiver'
}

if [[ -z ${two_hosts_in_user_namespace:-} ]]; then
  say "Packages and build"
  tools/install-deps.sh build
  cmake -S . -B build -G Ninja -DSIXIN4_TESTS=OFF -DSIXIN4_BENCH=OFF >/dev/null
  cmake --build build --target sixin4
fi
two_hosts_enter "$@"
two_hosts_make
program=$PWD/build/tools/sixin4

say "Two hosts, joined by IPv4 only: near (192.0.2.1) is this end, far (192.0.2.2) plays the broker"
start_endpoint far "$program" --interface broker6 --remote 192.0.2.1 --address 2001:db8:41::1/64 --mtu 1480
start_endpoint near "$program" --interface he6 --remote 192.0.2.2 --address 2001:db8:41::2/64 --route ::/0 --mtu 1480
cat "$two_hosts_files/near.log" "$two_hosts_files/far.log"

say "ping over the tunnel, up to the largest packet that fits"
show_and_run near ping -6 -n -c 3 -i 0.2 2001:db8:41::1
show_and_run near ping -6 -n -c 2 -i 0.2 -M do -s 1432 2001:db8:41::1

say "The same packets on the IPv4 wire"
if two_hosts_can_capture; then
  background near tcpdump -n -l -c 4 -i wire ip proto 41 >"$two_hosts_files/tcpdump" 2>"$two_hosts_files/tcpdump.err"
  capture=$started
  until_true 5 grep -q 'listening on' "$two_hosts_files/tcpdump.err"
  near ping -6 -n -q -c 2 -i 0.2 2001:db8:41::1 >/dev/null
  wait "$capture" || true
  cat "$two_hosts_files/tcpdump"
else
  echo "(tcpdump captures only for root: run the demo with sudo to see it)"
fi

say "A web page from the far end, over IPv6"
mkdir "$two_hosts_files/www"
echo '<h1>Hello from the other end of the tunnel</h1>' >"$two_hosts_files/www/index.html"
background far python3 -m http.server --bind 2001:db8:41::1 --directory "$two_hosts_files/www" 80 >/dev/null 2>&1
until_true 5 listening far 80
show_and_run near curl --silent --show-error --max-time 5 'http://[2001:db8:41::1]/'

say "TCP throughput, three seconds each way"
background far iperf3 --server --bind 2001:db8:41::1 >/dev/null 2>&1
until_true 5 listening far 5201
throughput
sleep 0.3
throughput --reverse

say "Counters of the endpoint"
show_and_run "$program" show --control "$two_hosts_files/near.sock"

say "Now your own tunnel"
cat <<'END'
With the tunnel's addresses from your broker's page (Server IPv4, Client IPv6, Routed /64), as root:

  build/tools/sixin4 run --interface he6 --remote SERVER_IPV4 --address CLIENT_IPV6/64 --prefix ROUTED/64 --route ::/0
  ping -6 -c 3 2600::
END
