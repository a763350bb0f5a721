#!/bin/bash
# Runs the endpoint against the sit device of a real kernel (User Mode Linux, see far_end.sh).
#   sit_test.sh PROGRAM
# Exit status: 0, 1 if a check failed, 77 with a sentence on standard error if the test cannot run here.
#
#   namespace: PROGRAM, he6 fd00:6::2 -- tap 10.64.0.1/30 ==== 10.64.0.2/30, sit he1 fd00:6::1 :guest
#              and fd00:8::1                                             and fd00:7::1
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/uml/checks.sh
. "$here/checks.sh"

program=$(realpath -- "${1:?usage: sit_test.sh PROGRAM}")
netns=sit-test-$$
tcp_bytes=$((20 * 1024 * 1024))
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sit-test-XXXXXX")
program_pid='' capture_pid=''

clean_up() {
    [ -z "$program_pid" ] || kill -KILL "$program_pid" 2>/dev/null || true
    [ -z "$capture_pid" ] || kill "$capture_pid" 2>/dev/null || true
    uml_stop
    ip netns delete "$netns" 2>/dev/null || true
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# stage NAME: prints the duration of the previous stage; fails the test if the program has ended
stage() {
    local now=${EPOCHREALTIME/[.,]/}
    if [ -n "$program_pid" ] && ! kill -0 "$program_pid" 2>/dev/null; then
        echo "not ok: the program runs until it is stopped: it has ended with the output: $(tail -n 3 "$scratch/program.log")"
        exit 1
    fi
    [ -z "${stage_name:-}" ] || echo "# $stage_name: $(((now - stage_start) / 1000)) ms"
    stage_name=$1 stage_start=$now
}

in_netns() { ip netns exec "$netns" "$@"; }

start_program() {
    local try
    : >"$scratch/program.log" # removes the ready line of the previous round
    # Without in_netns, because a function in the background runs in a subshell, and $! would be its process id.
    ip netns exec "$netns" "$program" run --interface he6 --local 10.64.0.1 --remote 10.64.0.2 \
        --address fd00:6::2/64 --prefix fd00:8::/64 --route ::/0 --mtu "$1" --control "$scratch/control" \
        2>"$scratch/program.log" &
    program_pid=$!
    for ((try = 0; try < 100; try++)); do
        if grep -q '^ready' "$scratch/program.log"; then return; fi
        kill -0 "$program_pid" 2>/dev/null || break
        sleep 0.05
    done
    echo "not ok: the program starts with MTU $1: expected 'ready' within 5 s, saw: $(tail -n 3 "$scratch/program.log")"
    exit 1
}

stop_program() {
    local try status=0
    kill -TERM "$program_pid" || true
    for ((try = 0; try < 100; try++)); do
        kill -0 "$program_pid" 2>/dev/null || break
        sleep 0.05
    done
    [ "$try" -lt 100 ] || kill -KILL "$program_pid"
    wait "$program_pid" || status=$?
    program_pid=''
    check "the program stops on SIGTERM (MTU $1)" 'status 0' "status $status"
}

# check_guest_counters PACKETS: the guest's kernel counts no errors of received packets, and its sit device carried at
# least PACKETS packets in each direction.
check_guest_counters() {
    local device errors
    device=$(uml_exec 'cd /sys/class/net/he1/statistics && grep . rx_packets tx_packets *_errors *_dropped')
    errors=$(awk -F: '/_(errors|dropped):/ && $2 > 0' <<<"$device")
    check "MTU $mtu: the guest's sit device counts no error" none "${errors:-none}"
    check "MTU $mtu: the guest's sit device carried the traffic" 'both ways' \
        "$(awk -F: -v least="$1" '/_packets:/ && $2 >= least { n++ } END { print n == 2 ? "both ways" : "too little" }' <<<"$device")"
    errors=$(uml_exec 'cat /proc/net/snmp6' |
        awk '/^(Ip6InHdrErrors|Ip6InTruncatedPkts|Ip6ReasmFails|Icmp6InErrors|Icmp6InCsumErrors)/ && $2 > 0')
    check "MTU $mtu: the guest's IPv6 counts no malformed packet" none "${errors:-none}"
    # TCP retransmits segments with a wrong checksum, so the received data alone does not show them.
    check "MTU $mtu: the guest saw no wrong TCP checksum" 'TcpInCsumErrors 0' \
        "TcpInCsumErrors $(uml_exec 'grep ^Tcp: /proc/net/snmp' | awk 'END { print $NF }')"
    check "MTU $mtu: no ICMP message reached the guest" '0 messages' "$(guest_icmp InMsgs) messages"
    check "MTU $mtu: the guest sent no ICMP message" '0 messages' "$(($(guest_icmp OutMsgs) - guest_messages)) messages"
}

for tool in ping socat ss sha256sum awk; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done
[ -x "$program" ] || { echo "$program is not a program" >&2; exit 2; }
uml_usable || skip "$uml_why"

stage 'boot of the guest'
ip netns add "$netns" || skip 'no network namespace can be made here'
ip -n "$netns" link set lo up
ip -n "$netns" address add fd00:8::1/128 dev lo
uml_start "$netns" outer 10.64.0.1/30 10.64.0.2/30 || skip "$uml_why"
if command -v tcpdump >/dev/null; then
    ip netns exec "$netns" tcpdump -i outer -U -w "$scratch/icmp.pcap" icmp and src host 10.64.0.1 2>"$scratch/tcpdump.log" &
    capture_pid=$!
fi
head -c "$tcp_bytes" /dev/urandom >"$scratch/to_guest"
head -c "$tcp_bytes" /dev/urandom >"$uml_dir/from_guest"

uml_exec 'ip address add fd00:7::1/128 dev lo'

for mtu in 1280 1480; do
    stage "echoes with MTU $mtu"
    # While only one end exists, the other kernel rightly answers its packets with ICMP. The program starts
    # first and ends last, and the guest's messages are counted from here on.
    start_program "$mtu"
    uml_sit he1 10.64.0.2 10.64.0.1 "$mtu"
    uml_exec 'ip address add fd00:6::1/64 dev he1 nodad; ip route add fd00:8::/64 via fd00:6::2 dev he1'
    guest_messages=$(guest_icmp OutMsgs)
    check "the program sets the interface's MTU" "$mtu" "$(in_netns cat /sys/class/net/he6/mtu)"
    full=$((mtu - 48)) # less the IPv6 and the ICMPv6 header
    ping_check "MTU $mtu: echo to the guest" in_netns fd00:6::1
    ping_check "MTU $mtu: echo from the guest" uml_exec fd00:6::2
    ping_check "MTU $mtu: echo to a routed prefix" in_netns -I fd00:8::1 fd00:7::1
    ping_check "MTU $mtu: echo from a routed prefix" uml_exec -I fd00:7::1 fd00:8::1
    ping_check "MTU $mtu: full packets to the guest" in_netns -M "do" -s "$full" fd00:6::1
    ping_check "MTU $mtu: full packets from the guest" uml_exec -M "do" -s "$full" fd00:6::2
    ping_check "MTU $mtu: inner fragments to the guest" in_netns -s 4000 fd00:6::1
    ping_check "MTU $mtu: inner fragments from the guest" uml_exec -s 4000 fd00:6::2
    if [ "$mtu" = 1280 ]; then
        check_guest_counters 20
        uml_exec 'ip link delete he1'
        stop_program "$mtu"
    fi
done

stage "TCP to the guest, $tcp_bytes bytes"
uml_daemon receiver 'socat -u TCP6-LISTEN:5001 - | sha256sum' >/dev/null
wait_for_listener uml_exec 5001
in_netns timeout 20 socat -u "OPEN:$scratch/to_guest" 'TCP6:[fd00:6::1]:5001' || echo "# socat ended with $?"
for ((try = 0; try < 40; try++)); do
    if [ -s "$uml_dir/receiver.log" ]; then break; fi
    sleep 0.05
done
check 'TCP to the guest arrives unchanged' "$(sha256sum <"$scratch/to_guest")" "$(cat "$uml_dir/receiver.log")"

stage "TCP from the guest, $tcp_bytes bytes"
in_netns timeout 25 socat -u TCP6-LISTEN:5002 "CREATE:$scratch/received" &
receiver=$!
wait_for_listener in_netns 5002
uml_exec "timeout 20 socat -u OPEN:$uml_dir/from_guest 'TCP6:[fd00:6::2]:5002'" || echo "# socat ended with $?"
wait "$receiver" || echo "# socat ended with $?"
check 'TCP from the guest arrives unchanged' "$(sha256sum <"$uml_dir/from_guest")" "$(sha256sum <"$scratch/received")"

stage 'counters'
check_guest_counters 1000
if [ -n "$capture_pid" ]; then
    kill -TERM "$capture_pid" # not INT, because bash makes background programs ignore SIGINT
    wait "$capture_pid" || true
    capture_pid=''
    messages=$(tcpdump -nr "$scratch/icmp.pcap" 2>/dev/null)
    check 'no ICMP message left on the outer link' none "$(head -n 2 <<<"${messages:-none}")"
fi
check 'show --json answers with a list' '[' \
    "$(in_netns "$program" show --json --control "$scratch/control" | tr -d '[:space:]' | head -c 1)"
uml_exec 'ip link delete he1'
stop_program 1480
check 'the interface is gone' gone "$(in_netns test -e /sys/class/net/he6 && echo there || echo gone)"

stage 'halt of the guest'
uml_stop
stage ''
[ "$failures" = 0 ] || { echo "$failures checks failed" >&2; exit 1; }
