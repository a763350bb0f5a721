#!/bin/bash
# The endpoint on a host whose kernel has tunnel modules: it runs in the guest (User Mode Linux, see far_end.sh), with
# and without the modules that make the kernel answer protocol 41 with ICMP. The test shows that the warning of `run` is
# right and that the command in it helps.
#   kernel_tunnel_test.sh PROGRAM
# Exit status: 0, 1 if a check failed, 77 with a sentence on standard error if the test cannot run here.
#
#   namespace: PROGRAM, he6 fd00:6::1 -- tap 10.64.0.1/30 ==== 10.64.0.2/30, PROGRAM, he6 fd00:6::2 :guest
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/uml/checks.sh
. "$here/checks.sh"

program=$(realpath -- "${1:?usage: kernel_tunnel_test.sh PROGRAM}")
netns=kernel-tunnel-$$ bystander=bystander-$$
scratch=$(mktemp -d "${TMPDIR:-/tmp}/kernel-tunnel-XXXXXX")
program_pid=''

clean_up() {
    [ -z "$program_pid" ] || kill -KILL "$program_pid" 2>/dev/null || true
    uml_stop
    ip netns delete "$netns" 2>/dev/null || true
    ip netns delete "$bystander" 2>/dev/null || true
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

in_netns() { ip netns exec "$netns" "$@"; }

for tool in ping awk nft python3; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done
uml_usable || skip "$uml_why"
ip netns add "$netns" || skip 'no network namespace can be made here'
ip -n "$netns" link set lo up
uml_start "$netns" outer 10.64.0.1/30 10.64.0.2/30 || skip "$uml_why"

# The guest has its own /tmp. The exchange directory has the same path on the host and in the guest.
cp "$program" "$uml_dir/program"
if ! output=$(uml_exec "$uml_dir/program --version 2>&1"); then
    # AddressSanitizer needs more address space than a process in the guest has.
    skip "the program does not run in the guest: $(head -n 1 <<<"$output")"
fi
uml_exec "$uml_dir/modprobe tun; sysctl -qw net.ipv4.icmp_ratelimit=0"
[ -n "$(uml_exec 'ls /dev/net/tun')" ] || skip 'the guest has no /dev/net/tun'

start_in_guest() {
    uml_exec "rm -f $uml_dir/guest.log"
    uml_daemon guest "exec $uml_dir/program run --interface he6 --remote 10.64.0.1 --address fd00:6::2/64 --control /tmp/control"
    until_true 10 grep -q ^ready "$uml_dir/guest.log" || { echo "not ok: the program starts in the guest: $(cat "$uml_dir/guest.log")"; exit 1; }
}
stop_in_guest() { uml_exec "$uml_dir/program down --control /tmp/control"; }
warning() { grep -o "^warning: the kernel module [^ ]* answers" "$uml_dir/guest.log" || echo none; }
# answers: prints the number of ICMP destination unreachable that the guest's kernel sends for ten echoes of the far end
answers() {
    local before
    before=$(guest_icmp OutDestUnreachs)
    in_netns ping -6 -q -c 10 -i 0.02 -W 2 fd00:6::2 >"$scratch/ping" 2>&1 || true
    echo $(($(guest_icmp OutDestUnreachs) - before))
}
remove_modules() { uml_exec "perl -e 'for (@ARGV) { my \$name = \$_; syscall(176, \$name, 0x800) == 0 or die qq(\$name: \$!\\n) }' $*"; }

ip netns exec "$netns" "$program" run --interface he6 --remote 10.64.0.2 --address fd00:6::1/64 --control "$scratch/control" 2>"$scratch/log" &
program_pid=$!
until_true 10 grep -q ^ready "$scratch/log" || { echo "not ok: the program starts: $(cat "$scratch/log")"; exit 1; }
# Router solicitations of a new link would be counted as well.
in_netns sysctl -qw net.ipv6.conf.he6.router_solicitations=0

start_in_guest >/dev/null
check 'modules sit and tunnel4: run warns' 'warning: the kernel module tunnel4 answers' "$(warning)"
# The effect of the modules: the echoes are answered, and also reported as unreachable, because the far end translates
# the ICMP error as it must.
check_match 'modules sit and tunnel4: echoes are answered, and reported unreachable' '[1-9] received, \+[1-9][0-9]* errors' \
    "$(in_netns ping -6 -n -c 4 -i 0.05 -W 2 fd00:6::2 2>&1 || true)"
in_netns nft 'add table ip t; add chain ip t in { type filter hook input priority 0; }; add rule ip t in icmp type destination-unreachable drop'
check 'modules sit and tunnel4: each packet is answered with ICMP all the same' 10 "$(answers)"
check 'modules sit and tunnel4: the echoes are answered too' '10 received' "$(grep -oE '[0-9]+ received' "$scratch/ping")"
uml_exec 'ip link set sit0 up'
check 'a sit device that takes what nobody else does: no answers' 0 "$(answers)"
uml_exec 'ip link set sit0 down'
check 'without it again: answers' 10 "$(answers)"
remedy=$(grep -oE "nft '[^']*'" "$uml_dir/guest.log" || echo none)
stop_in_guest

uml_exec "$uml_dir/modprobe ipip"
remove_modules sit
start_in_guest >/dev/null
check 'modules ipip and tunnel4: run warns' 'warning: the kernel module tunnel4 answers' "$(warning)"
check 'modules ipip and tunnel4: answers' 10 "$(answers)"
stop_in_guest

remove_modules ipip tunnel4
start_in_guest >/dev/null
check 'without those modules: no warning' none "$(warning)"
check 'without those modules: no answers' 0 "$(answers)"
check 'without those modules: the echoes are answered' '10 received' "$(grep -oE '[0-9]+ received' "$scratch/ping")"
stop_in_guest
# Without these modules the raw sockets keep the kernel from answering.
check 'without those modules, and without the program: answers' 10 "$(answers)"

# The nft command of the warning runs on the host, because the guest's kernel has no nftables chains: it drops a port
# unreachable to the far end.
ip netns add "$bystander"
ip -n "$bystander" link set lo up
ip -n "$bystander" address add 10.64.0.1/32 dev lo
# refused: prints "refused" if a datagram from the far end's address to a closed port is answered with port unreachable,
# else "silence"
refused() {
    ip netns exec "$bystander" python3 - <<'END'
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.bind(("10.64.0.1", 0))
    client.connect(("127.0.0.1", 9))
    client.settimeout(0.3)
    client.send(b"x")
    try:
        client.recv(1)
    except ConnectionRefusedError:
        print("refused")
    except TimeoutError:
        print("silence")
END
}
check 'before the advice: port unreachable' refused "$(refused)"
check_match 'the warning has a command' "^nft 'add table" "$remedy"
ip netns exec "$bystander" sh -c "$remedy" || true
check 'with the advice: silence' silence "$(refused)"
ip -n "$bystander" address delete 10.64.0.1/32 dev lo

"$program" down --control "$scratch/control"
wait "$program_pid" || true
program_pid=''
finish
