#!/usr/bin/env bash
# Interface names of any bytes, as the kernel allows them. The endpoint is found by its real name; lines, JSON and
# captures show the name with escapes.
#   names_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
command -v nft >/dev/null || two_hosts_fail "needs nft"
two_hosts_make

files=$two_hosts_files
near6=2001:db8:41::2
far6=2001:db8:41::1
start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64

# only_text TITLE TEXT: checks that the text is UTF-8 without control characters
only_text() {
  check "$1: UTF-8 without control characters" '' "$(LC_ALL=C.UTF-8 python3 -c '
import sys
data = sys.stdin.buffer.read()
try:
    text = data.decode()
except UnicodeDecodeError as error:
    print(error)
    sys.exit()
print("".join(repr(c) for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)), end="")' <<<"$2")"
}

# shows TITLE TEXT SEEN: checks that SEEN contains TEXT
shows() { check "$1: $2" yes "$([[ $3 == *"$2"* ]] && echo yes || echo "no: $3")"; }

# endpoint TITLE WRITTEN SHOWN: an endpoint whose name is WRITTEN in the escapes of printf(1)
endpoint() {
  local what=$1 shown=$3 name log=$files/$1.log socket said status verb words arguments file value process
  name=$(printf '%b' "$2")
  background near "$program" run --interface "$name" --remote 192.0.2.2 --address $near6/64 2>"$log"
  process=$started
  until_true 10 grep -aq '^ready: ' "$log" || two_hosts_fail "no endpoint $what: $(cat -v "$log")"
  socket="/run/sixin4/$name.sock"
  check "$what: its socket has the real name" yes "$([[ -S $socket ]] && echo yes || echo no)"
  until_true 5 near ping -n -q -c 1 -W 1 $far6 || true

  for verb in "show" "show --json" "explain" "explain --json" "show --watch" "show --watch --json"; do
    read -r -a words <<<"$verb"
    arguments=("${words[0]}" "$name" "${words[@]:1}")
    [[ ${words[0]} != explain ]] || arguments+=($far6)
    said=$(near timeout 1 "$program" "${arguments[@]}" 2>&1) && status=0 || status=$?
    [[ $verb != *watch* ]] || status=$((status == 124 ? 0 : status))
    check "$what: $verb finds it" 0 $status
    only_text "$what: $verb" "$said"
    [[ $verb == *json ]] || shows "$what: $verb" "$shown" "$said"
  done
  check "$what: JSON has the same name as lines" "$shown" \
    "$("$program" show --json "$name" 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["interface"])' 2>/dev/null)"
  said=$("$program" show 2>&1) && status=0 || status=$?
  check "$what: show of all" 0 $status
  only_text "$what: show of all" "$said"

  background near timeout 20 "$program" capture "$name" -w "$files/$what.pcapng" -c 2 2>"$files/$what.err"
  until_true 10 test -s "$files/$what.pcapng" || true
  near ping -n -q -c 2 -i 0.2 -W 1 $far6 >/dev/null || true
  wait "$started" && status=0 || status=$?
  check "$what: capture" 0 $status
  only_text "$what: capture" "$(cat "$files/$what.err")"
  check "$what: recorder" 0 "$(status_of near "$program" recorder "$name" -w "$files/recorded.pcapng")"
  for file in "$what" recorded; do
    said=$(fields "$file" icmpv6 frame.interface_name | sort -u | head -n 1 || true)
    only_text "$what: the interface in $file.pcapng" "$said"
    check "$what: the interface in $file.pcapng" "$shown (inner)" "${said//\\\\/\\}" # tshark doubles backslashes
  done

  # Wireshark gets the escaped name and passes it back.
  said=$(near "$program" --extcap-interfaces)
  only_text "$what: extcap" "$said"
  shows "$what: extcap" "{display=6in4 tunnel ${shown//[\{]/\\x7b}}" "$said"
  value=sixin4-${shown//[\{]/\\x7b}
  mkfifo "$files/$what.fifo"
  background near timeout 10 "$program" --capture --extcap-interface "$value" --fifo "$files/$what.fifo" 2>"$files/$what.extcap"
  timeout 5 head -c 4 "$files/$what.fifo" >"$files/$what.head" || true
  check "$what: a capture by the name that extcap has listed" 0a0d0d0a "$(od -An -tx1 "$files/$what.head" | tr -d ' ')"
  kill "$started" 2>/dev/null || true
  wait "$started" || true

  kill -USR1 "$process"
  kill -USR2 "$process"
  said=$(near "$program" run --interface "$name" --remote 192.0.2.2 2>&1) && status=0 || status=$?
  check "$what: a second endpoint of the name" 2 $status
  only_text "$what: a second endpoint of the name" "$said"
  shows "$what: a second endpoint of the name" "$shown" "$said"
  check "$what: reload" 0 "$(status_of "$program" reload "$name")"
  check "$what: down" 0 "$(status_of "$program" down "$name")"
  wait "$process" || true
  only_text "$what: the log" "$(cat "$log")"
  shows "$what: the log" "ready: $shown 192" "$(cat "$log")"
  said=$("$program" show "$name" 2>&1) && status=0 || status=$?
  check "$what: no endpoint any more" 3 $status
  only_text "$what: no endpoint any more" "$said"
  rm -f "/run/sixin4/$name"-*.pcapng
}

# The kernel's names are 1 to 15 bytes without blanks, slashes and colons.
number=$(($$ % 10000))
endpoint latin1 "t\\xe9{$number" "t\\xe9{$number"
endpoint utf8 "t\\xc3\\xbcn$number" "$(printf 't\xc3\xbcn')$number"
endpoint sequence "e\\x1b[31m$number" "e\\x1b[31m$number"
endpoint backslash "t\\x5cxe9$number" "t\\x5cxe9$number"

# An nftables table with such a name. nft(8) does not make one, but the kernel allows any bytes.
start_endpoint near "$program" --interface near6 --remote 192.0.2.2 --address $near6/64
near python3 - <<'PYTHON'
import socket, struct
def attribute(kind, value):
    data = struct.pack("=HH", 4 + len(value), kind) + value
    return data + b"\0" * (-len(data) % 4)
def message(kind, flags, family, resource, attributes, sequence):
    body = struct.pack("=BBH", family, 0, socket.htons(resource)) + attributes
    return struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0) + body
NEWTABLE = 10 << 8
batch = (message(0x10, 1, 0, 10, b"", 1) + message(NEWTABLE, 0x405, 2, 0, attribute(1, b"a\xe9\x1b[31m\0"), 2) +
         message(0x11, 1, 0, 10, b"", 3))
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netlink:
    netlink.send(batch)
    netlink.settimeout(5)
    answer = netlink.recv(4096)
    error = struct.unpack_from("=i", answer, 16)[0]
    assert error == 0, error
PYTHON
reaches 5 near "s['wire']" raw || true
for verb in show "show --json" "show --watch"; do
  read -r -a words <<<"$verb"
  said=$(timeout 1 "$program" "${words[@]}" --control "$files/near.sock" 2>&1) || true
  only_text "a firewall's table: $verb" "$said"
  [[ $verb == *watch ]] || check_match "a firewall's table: $verb" 'the nftables table ip a\\+xe9\\+x1b\[31m' "$said"
done
said=$("$program" explain near6 $far6 --control "$files/near.sock" 2>&1) && status=0 || status=$?
check "a firewall's table: explain" 0 $status
finish
