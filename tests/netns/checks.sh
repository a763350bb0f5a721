# Functions for the tests in network namespaces; to be sourced. Each check prints one line; failures are counted.
# A test that cannot run on this host prints the reason and exits with 77.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/two_hosts.sh
source "$here/../../tools/two_hosts.sh"
# Before the hosts exist a failure means that the test cannot run here. Afterwards, for example if an endpoint does not
# start, it means that the test has failed.
two_hosts_fail() {
  echo "$(basename "$0"): $*" >&2
  if [[ -z ${two_hosts_near:-} ]]; then exit 77; fi
  exit 1
}

failures=0

# check TITLE EXPECTED SEEN
check() {
  if [[ $2 == "$3" ]]; then
    echo "ok: $1"
  else
    printf 'not ok: %s\n  expected: %s\n  saw:      %s\n' "$1" "$2" "$3"
    failures=$((failures + 1))
  fi
}

# check_match TITLE PATTERN SEEN: PATTERN is an extended regular expression
check_match() {
  if [[ $3 =~ $2 ]]; then
    echo "ok: $1"
  else
    printf 'not ok: %s\n  expected: %s\n  saw:      %s\n' "$1" "$2" "$3"
    failures=$((failures + 1))
  fi
}

# succeeds TITLE COMMAND…
succeeds() {
  local title=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok: $title"
  else
    printf 'not ok: %s\n  %s printed: %s\n' "$title" "$*" "$output"
    failures=$((failures + 1))
  fi
}

# status_of COMMAND…: prints its exit status
status_of() {
  local status=0
  "$@" >/dev/null 2>&1 || status=$?
  echo "$status"
}

# of_status SIDE EXPRESSION: evaluates a Python expression on `s`, the status of that side's endpoint
of_status() {
  "$program" show --json --control "$two_hosts_files/$1.sock" |
    python3 -c 'import json, sys; s = json.load(sys.stdin)[0]; print(eval(sys.argv[1]))' "$2"
}

# drops SIDE DIRECTION REASON: prints the drop counter
drops() { of_status "$1" "s['drops']['$2'].get('$3', 0)"; }

# snmp SIDE PROTOCOL FIELD: prints a counter of that side's kernel (/proc/net/snmp)
snmp() {
  "$1" awk -v protocol="$2:" -v field="$3" '
    $1 == protocol && !named { for (i = 2; i <= NF; i++) if ($i == field) column = i; named = 1; next }
    $1 == protocol { print $column }' /proc/net/snmp
}

# reaches SECONDS SIDE EXPRESSION VALUE: waits until `of_status` prints that value
reaches() { until_true "$1" status_is "${@:2}"; }
status_is() { [[ $(of_status "$1" "$2") == "$3" ]]; }

# start_capture NAME SIDE LINK FILTER: tcpdump writes $two_hosts_files/NAME.pcap until stop_capture NAME
declare -A captures
start_capture() {
  local errors=$two_hosts_files/$1.err
  : >"$errors"
  # Immediate mode, because otherwise the last packets are lost in a block that tcpdump has not read at its end.
  background "$2" tcpdump -n --immediate-mode -s 300 -B 32768 -U -i "$3" -w "$two_hosts_files/$1.pcap" "$4" 2>"$errors"
  captures[$1]=$started
  until_true 10 grep -q 'listening on' "$errors" || two_hosts_fail "tcpdump does not capture: $(cat "$errors")"
}
stop_capture() {
  kill "${captures[$1]}"
  wait "${captures[$1]}" || true
}
# captured NAME [FILTER]: prints the number of packets in the capture that match the filter
captured() { tcpdump -nr "$two_hosts_files/$1.pcap" "${@:2}" 2>/dev/null | wc -l; }

# fields NAME FILTER FIELD…: prints these fields of each matching packet in $two_hosts_files/NAME.pcapng, separated by |
fields() {
  local file=$two_hosts_files/$1.pcapng filter=$2 field arguments=()
  shift 2
  for field in "$@"; do arguments+=(-e "$field"); done
  tshark -n -r "$file" -Y "$filter" -T fields -E 'separator=|' "${arguments[@]}" 2>/dev/null
}

# tcp_arrives TITLE FROM TO ADDRESS PORT: sends $two_hosts_files/sent from one host to the other over TCP and compares
tcp_arrives() {
  rm -f "$two_hosts_files/received" # socat creates it when the sender connects
  background "$3" timeout 60 socat -u "TCP6-LISTEN:$5,bind=[$4],reuseaddr" "CREATE:$two_hosts_files/received"
  local receiver=$started
  until_true 5 listening "$3" "$5" || true
  "$2" timeout 60 socat -u "OPEN:$two_hosts_files/sent" "TCP6:[$4]:$5" || kill "$receiver" 2>/dev/null || true
  wait "$receiver" || true
  check "$1" "$(sha256sum <"$two_hosts_files/sent")" "$(sha256sum 2>/dev/null <"$two_hosts_files/received")"
}

finish() {
  if ((failures > 0)); then
    echo "$failures checks failed" >&2
    exit 1
  fi
  exit 0
}
