#!/bin/bash
# The endpoint as a tunnel broker: the client is the sit device of a real kernel (User Mode Linux, see far_end.sh), and
# all its IPv6 traffic goes through the broker to the host :web. The router between client and broker lowers the path
# MTU in some checks, and marks congestion in others.
#   broker_test.sh PROGRAM
# Exit status: 0, 1 if a check failed, 77 with a sentence on standard error if the test cannot run here.
#
#   :guest                           :router                             :broker                    :web
#   sit he1 fd00:6::2, fd00:8::1     -- tap 10.64.0.1   10.65.0.1 ------ 10.65.0.2
#       10.64.0.2/30                                                     PROGRAM, he6 fd00:6::1
#                                                                        fd00:9::1 --------------- fd00:9::2
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/uml/checks.sh
. "$here/checks.sh"

program=$(realpath -- "${1:?usage: broker_test.sh PROGRAM}")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/broker-test-XXXXXX")
control=$scratch/control
router_ns=router-$$ broker_ns=broker-$$ web_ns=web-$$
program_pid=''

clean_up() {
    [ -z "$program_pid" ] || kill -KILL "$program_pid" 2>/dev/null || true
    uml_stop
    for namespace in "$router_ns" "$broker_ns" "$web_ns"; do ip netns delete "$namespace" 2>/dev/null || true; done
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

router() { ip netns exec "$router_ns" "$@"; }
broker() { ip netns exec "$broker_ns" "$@"; }
web() { ip netns exec "$web_ns" "$@"; }

for tool in ping socat ss sha256sum awk nft python3; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done
uml_usable || skip "$uml_why"
ip netns add "$router_ns" || skip 'no network namespace can be made here'
ip netns add "$broker_ns"
ip netns add "$web_ns"
for runner in router broker web; do $runner ip link set lo up; done
ip link add broker netns "$router_ns" type veth peer name wire netns "$broker_ns"
ip link add web netns "$broker_ns" type veth peer name wire netns "$web_ns"
broker sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.web.accept_dad=0 net.ipv6.conf.web.dad_transmits=0
router ip link set broker addrgenmode none up
broker ip link set wire addrgenmode none up
broker ip link set web up
web ip link set wire up
router ip address add 10.65.0.1/30 dev broker
broker ip address add 10.65.0.2/30 dev wire
broker ip route add default via 10.65.0.1
broker ip address add fd00:9::1/64 dev web nodad
web ip address add fd00:9::2/64 dev wire nodad
web ip route add default via fd00:9::1
router sysctl -qw net.ipv4.ip_forward=1

uml_start "$router_ns" outer 10.64.0.1/30 10.64.0.2/30 || skip "$uml_why"
head -c 4000000 /dev/urandom >"$uml_dir/file"
: >"$scratch/log"
ip netns exec "$broker_ns" "$program" run --interface he6 --remote 10.64.0.2 --address fd00:6::1/64 --route fd00:8::/48 \
    --egress-filter no --mtu auto --control "$control" 2>"$scratch/log" &
program_pid=$!
until_true 10 grep -q ^ready "$scratch/log" || { echo "not ok: the program starts: $(cat "$scratch/log")"; exit 1; }
uml_exec 'ip route add default via 10.64.0.1
    ip link add he1 type sit local 10.64.0.2 remote 10.65.0.2 ttl 64 && ip link set he1 mtu 1480 up
    ip address add fd00:6::2/64 dev he1 nodad; ip address add fd00:8::1/48 dev lo; ip route add default via fd00:6::1 dev he1'

# both_ways WHAT SIZE: echoes of SIZE bytes between the guest's prefix and :web, in both directions
both_ways() {
    ping_check "$1: echoes of $2 bytes from the client" uml_exec -M "do" -s $(($2 - 48)) -I fd00:8::1 fd00:9::2
    ping_check "$1: echoes of $2 bytes to the client" web -M "do" -s $(($2 - 48)) fd00:8::1
}
tcp_both_ways() { # WHAT PORT
    tcp_from_guest "$1: TCP from the client" "$web_ns" fd00:9::2 "$2" "$uml_dir/file"
    tcp_to_guest "$1: TCP to the client" web fd00:8::1 $(($2 + 1)) "$uml_dir/file"
}
# path_takes BYTES: sets the path MTU of the router in both directions
path_takes() {
    router ip route replace 10.64.0.2/32 dev outer mtu "$1"
    router ip route replace 10.65.0.2/32 dev broker mtu "$1"
}
# too_big_both_ways SIZE MTU: packets of SIZE bytes are answered with Packet Too Big (MTU) by both ends
too_big_both_ways() {
    check_match "a path of $(($2 + 20)): the broker tells the host behind" "Packet too big: mtu=$2" \
        "$(web ping -6 -n -c 1 -W 2 -M "do" -s $(($1 - 48)) fd00:8::1 2>&1 || true)"
    # The sit device does not answer the packet that the ICMPv4 error quotes, but the next one, so ping sends three.
    check_match "a path of $(($2 + 20)): sit tells its host" "(Packet too big: mtu=|message too long, mtu: )$2" \
        "$(uml_exec "ping -6 -n -c 3 -i 0.2 -W 2 -M do -s $(($1 - 48)) -I fd00:8::1 fd00:9::2 2>&1" || true)"
}
outer_fragments() { router nft list ruleset | awk '/frag-off/ { for (i = 1; i < NF; i++) if ($i == "packets") n += $(i + 1) } END { print n + 0 }'; }

path='a path of 1500'
check "$path: mtu, path mtu" '1480 1500' "$(of_status "$control" "'%d %d' % (s['mtu'], s['path_mtu'])")"
both_ways "$path" 56
both_ways "$path" 1480
web ping -6 -q -c 1 -W 0.2 -s 4000 fd00:8::1 >/dev/null 2>&1 || true # :web learns the MTU of the tunnel
ping_check "$path: inner fragments from the client" uml_exec -s 4000 -I fd00:8::1 fd00:9::2
ping_check "$path: inner fragments to the client" web -s 4000 fd00:8::1
tcp_both_ways "$path" 5001

path='a path of 1400'
path_takes 1400
too_big_both_ways 1480 1380
until_true 5 status_is "$control" "s['mtu'], s['path_mtu']" '(1380, 1400)' || true
check "$path: mtu, path mtu" '(1380, 1400)' "$(of_status "$control" "s['mtu'], s['path_mtu']")"
router nft 'add table ip t; add chain ip t forward { type filter hook forward priority 0; }
    add rule ip t forward ip protocol 41 ip frag-off & 0x3fff != 0 counter'
both_ways "$path" 1380
tcp_both_ways "$path" 5003
check "$path: no IPv4 fragment was seen" 0 "$(outer_fragments)"

path='a path of 1000'
path_takes 1000
web ip -6 route flush cache
check_match "$path: the broker tells the host behind" 'Packet too big: mtu=1280' \
    "$(web ping -6 -n -c 1 -W 2 -M "do" -s $((1380 - 48)) fd00:8::1 2>&1 || true)"
until_true 5 status_is "$control" "s['mtu'], s['path_mtu']" '(1280, 1000)' || true
check "$path: mtu, path mtu" '(1280, 1000)' "$(of_status "$control" "s['mtu'], s['path_mtu']")"
uml_exec "ping -6 -n -q -c 3 -i 0.2 -W 1 -M do -s $((1380 - 48)) -I fd00:8::1 fd00:9::2" >/dev/null 2>&1 || true # sit learns
both_ways "$path" 1280
tcp_both_ways "$path" 5005

# Congestion marks of outer and inner headers (RFC 6040), as the kernels of the guest and of the broker count them.
path_takes 1500
# inside RUNNER FIELD COMMAND…: sets ecn_seen to the increase of FIELD in /proc/net/snmp6 of RUNNER's host during
# COMMAND
inside() {
    local runner=$1 before
    ecn_seen=0
    before=$("$runner" 'cat /proc/net/snmp6' | awk -v field="$2" '$1 == field { print $2 }')
    "${@:3}" >/dev/null 2>&1 || true
    ecn_seen=$(($("$runner" 'cat /proc/net/snmp6' | awk -v field="$2" '$1 == field { print $2 }') - before))
}
in_broker() { broker sh -c "$1"; }
from_guest() { uml_exec "ping -6 -n -q -c 3 -i 0.05 -W 1 -Q $1 fd00:6::1"; }
to_guest() { broker ping -6 -n -q -c 3 -i 0.05 -W 1 -Q "$1" fd00:6::2; }
# marks ACTION: an nftables rule for echo requests only. @nh offsets are in bits from the IPv4 header.
marks() {
    router nft flush ruleset
    router nft "add table ip t; add chain ip t forward { type filter hook forward priority 0; }
        add rule ip t forward ip protocol 41 @nh,208,8 58 @nh,480,8 128 $1"
}
sit_errors() { uml_exec 'cat /sys/class/net/he1/statistics/rx_frame_errors'; }
marks 'ip ecn ect0 counter'
counted() { router nft list ruleset | grep -oE 'packets [0-9]+' | awk '{ print $2 }'; }
inside uml_exec Ip6InECT0Pkts to_guest 2
check 'ECT(0) to sit: outside' 3 "$(counted)"
check 'ECT(0) to sit: inside' 3 "$ecn_seen"
inside in_broker Ip6InECT0Pkts from_guest 2
check 'ECT(0) from sit: inside' 3 "$ecn_seen"
marks 'ip ecn set ce'
inside uml_exec Ip6InCEPkts to_guest 2
check 'ECT(0) to sit, marked on the way: sit takes it for CE' 3 "$ecn_seen"
inside in_broker Ip6InCEPkts from_guest 2
check 'ECT(0) from sit, marked on the way: CE comes out of the tunnel' 3 "$ecn_seen"
before=$(sit_errors)
to_guest 0 >/dev/null 2>&1 || true
check 'Not-ECT to sit, marked on the way: sit drops it' 3 $(($(sit_errors) - before))
before=$(of_status "$control" "s['drops']['in'].get('ecn-invalid', 0)")
from_guest 0 >/dev/null 2>&1 || true
check 'Not-ECT from sit, marked on the way: ecn-invalid' $((before + 3)) "$(of_status "$control" "s['drops']['in'].get('ecn-invalid', 0)")"

errors=$(uml_exec 'cat /proc/net/snmp6' | awk '/^(Ip6InHdrErrors|Ip6InTruncatedPkts|Ip6ReasmFails|Icmp6InErrors|Icmp6InCsumErrors)/ && $2 > 0')
check "the guest's IPv6 counts no malformed packet" none "${errors:-none}"
check 'the guest saw no wrong TCP checksum' 'TcpInCsumErrors 0' \
    "TcpInCsumErrors $(uml_exec 'grep ^Tcp: /proc/net/snmp' | awk 'END { print $NF }')"
"$program" down --control "$control"
wait "$program_pid" || true
program_pid=''
finish
