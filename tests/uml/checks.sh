# shellcheck shell=bash
# Checks for the tests against a real kernel, to be sourced; it sources far_end.sh. A check prints one line: "ok:", or
# "not ok:" with the expected and the actual value; `failures` counts the failed ones. A RUNNER is a function that runs
# a command on one of the hosts: uml_exec, or a function that enters a network namespace.

uml_checks_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/uml/far_end.sh
. "$uml_checks_here/far_end.sh"

failures=0

skip() {
    echo "skipped: $1" >&2
    exit 77
}

# check NAME EXPECTED ACTUAL
check() {
    if [ "$2" = "$3" ]; then
        echo "ok: $1"
    else
        echo "not ok: $1: expected $2, saw $3"
        failures=$((failures + 1))
    fi
}

# check_match NAME PATTERN ACTUAL: PATTERN is an extended regular expression
check_match() {
    if [[ $3 =~ $2 ]]; then
        echo "ok: $1"
    else
        echo "not ok: $1: expected $2, saw $3"
        failures=$((failures + 1))
    fi
}

# until_true SECONDS COMMAND…: waits until a command succeeds
until_true() {
    local tries=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        ((tries-- > 0)) || return 1
        sleep 0.05
    done
}

# ping_check NAME RUNNER ARGUMENT…: three echo requests, all answered
ping_check() {
    local name=$1 runner=$2 output
    shift 2
    set -- ping -6 -c 3 -i 0.05 -W 2 "$@"
    if [ "$runner" = uml_exec ]; then set -- "$*"; fi
    output=$("$runner" "$@" 2>&1 || true)
    check "$name" '3 received' "$(grep -oE '[0-9]+ received' <<<"$output" || tail -n 1 <<<"$output")"
    [[ $output == *'3 received'* ]] || sed 's/^/# /' <<<"$output"
}

# wait_for_listener RUNNER PORT: waits until a process on RUNNER's host listens on the TCP port
wait_for_listener() {
    local try
    for ((try = 0; try < 100; try++)); do
        if [ "$("$1" ss -6Hltn "sport = $2")" ]; then return; fi
        sleep 0.05
    done
}

# tcp_to_guest NAME RUNNER ADDRESS PORT FILE: sends FILE from RUNNER's host and compares the received bytes
tcp_to_guest() {
    rm -f "$uml_dir/receiver.log"
    uml_daemon receiver "timeout 30 socat -u TCP6-LISTEN:$4,reuseaddr - | sha256sum" >/dev/null
    wait_for_listener uml_exec "$4"
    "$2" timeout 20 socat -u "OPEN:$5" "TCP6:[$3]:$4,retry=20,interval=0.25" || echo "# socat ended with $?"
    # The sender ends when its kernel has the data; the receiver has 30 seconds.
    until_true 30 test -s "$uml_dir/receiver.log" || true
    check "$1" "$(sha256sum <"$5")" "$(cat "$uml_dir/receiver.log")"
}

# tcp_from_guest NAME NETNS ADDRESS PORT FILE: the other direction. FILE is in $uml_dir, which has the same path in the
# guest
tcp_from_guest() {
    local receiver status=0
    rm -f "$uml_dir/received"
    ip netns exec "$2" timeout 25 socat -u "TCP6-LISTEN:$4,reuseaddr" "CREATE:$uml_dir/received" &
    receiver=$!
    until_true 5 ip netns exec "$2" sh -c "ss -6Hltn 'sport = $4' | grep -q ." || true
    uml_exec "timeout 20 socat -u OPEN:$5 'TCP6:[$3]:$4'" || status=$?
    [ "$status" = 0 ] || kill "$receiver" 2>/dev/null || true
    wait "$receiver" || true
    check "$1" "$(sha256sum <"$5")" "$(sha256sum 2>/dev/null <"$uml_dir/received")"
}

# guest_icmp FIELD: prints one ICMP counter of the guest's /proc/net/snmp
guest_icmp() {
    uml_exec 'grep ^Icmp: /proc/net/snmp' |
        awk -v field="$1" 'NR == 1 { for (i = 2; i <= NF; i++) if ($i == field) column = i } NR == 2 { print $column }'
}

# of_status CONTROL-SOCKET EXPRESSION: evaluates a Python expression on `s`, the status of the endpoint
of_status() {
    "$program" show --json --control "$1" |
        python3 -c 'import json, sys; s = json.load(sys.stdin)[0]; print(eval(sys.argv[1]))' "$2"
}

# status_is CONTROL-SOCKET EXPRESSION VALUE
status_is() { [ "$(of_status "$1" "$2")" = "$3" ]; }

finish() {
    [ "$failures" = 0 ] && exit 0
    echo "$failures checks failed" >&2
    exit 1
}
