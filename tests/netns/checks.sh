# For the tests in network namespaces, to be sourced: one line a check, and a count of those that failed.
# What cannot run here ends with 77 and a sentence.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
two_hosts_failure=77
# shellcheck source=tools/two_hosts.sh
source "$here/../../tools/two_hosts.sh"

failures=0

# check WHAT EXPECTED SEEN
check() {
  if [[ $2 == "$3" ]]; then
    echo "ok: $1"
  else
    printf 'not ok: %s\n  expected: %s\n  saw:      %s\n' "$1" "$2" "$3"
    failures=$((failures + 1))
  fi
}

# check_match WHAT PATTERN SEEN: PATTERN is an extended regular expression
check_match() {
  if [[ $3 =~ $2 ]]; then
    echo "ok: $1"
  else
    printf 'not ok: %s\n  expected: %s\n  saw:      %s\n' "$1" "$2" "$3"
    failures=$((failures + 1))
  fi
}

# succeeds WHAT COMMAND…
succeeds() {
  local what=$1 said
  shift
  if said=$("$@" 2>&1); then
    echo "ok: $what"
  else
    printf 'not ok: %s\n  %s said: %s\n' "$what" "$*" "$said"
    failures=$((failures + 1))
  fi
}

# status_of COMMAND…: prints its exit status
status_of() {
  local status=0
  "$@" >/dev/null 2>&1 || status=$?
  echo "$status"
}

# of_status SIDE EXPRESSION: evaluates a Python expression on `s`, the status of the endpoint at that side
of_status() {
  "$program" show --json --control "$two_hosts_files/$1.sock" |
    python3 -c 'import json, sys; s = json.load(sys.stdin)[0]; print(eval(sys.argv[1]))' "$2"
}

# drops SIDE DIRECTION REASON
drops() { of_status "$1" "s['drops']['$2'].get('$3', 0)"; }

# snmp SIDE PROTOCOL FIELD: a counter of the host's kernel (/proc/net/snmp)
snmp() {
  "$1" awk -v protocol="$2:" -v field="$3" '
    $1 == protocol && !named { for (i = 2; i <= NF; i++) if ($i == field) column = i; named = 1; next }
    $1 == protocol { print $column }' /proc/net/snmp
}

finish() {
  if ((failures > 0)); then
    echo "$failures checks failed" >&2
    exit 1
  fi
  exit 0
}
