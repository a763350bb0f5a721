#!/usr/bin/env bash
# The program as an extcap of Wireshark: tshark lists its interface and captures from it.
#   extcap_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
command -v tshark >/dev/null || two_hosts_fail "needs tshark"
two_hosts_make

near6=2001:db8:41::2
far6=2001:db8:41::1
files=$two_hosts_files
interface=x$$ # with the default control socket, because extcap finds only those endpoints
background near "$program" run --interface "$interface" --remote 192.0.2.2 --address $near6/64 2>"$files/near.log"
endpoint=$started
until_true 10 grep -q '^ready: ' "$files/near.log" || two_hosts_fail "the endpoint did not start: $(cat "$files/near.log")"
start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64
# Packets larger than the tunnel carries: the route's MTU is too large.
near ip -6 route add 2001:db8:44::/64 dev "$interface" mtu 1480
until_true 5 near ping -n -q -c 1 -W 1 $far6

# A home directory of its own, so that the user's Wireshark is not changed.
export HOME=$files/home
unset XDG_CONFIG_HOME
mkdir "$HOME"
installed=$("$here/../../tools/install-extcap.sh" "$program")
check_match 'the link is installed, and its path is printed' "^$HOME/.*/extcap/sixin4 -> $program\$" "$installed"
link=${installed%% -> *}
name=sixin4-$interface

# The queries of Wireshark.
check "interfaces" "extcap {version=$("$program" --version | cut -d' ' -f2)}{display=sixin4}
interface {value=$name}{display=6in4 tunnel $interface}" \
  "$("$link" --extcap-interfaces --extcap-version=4.0 | grep -E "^extcap|$interface")"
check 'link types' 'dlt {number=101}{name=RAW}{display=Raw IP}' "$("$link" --extcap-interface "$name" --extcap-dlts)"
check 'configuration' '--form --drops --filter' \
  "$("$link" --extcap-config --extcap-interface "$name" | sed -n 's/^arg .*{call=\([^}]*\)}.*/\1/p' | xargs)"
check 'a good filter' '' "$("$link" --extcap-interface "$name" --extcap-capture-filter 'tcp port 25')"
check_match 'a bad filter: the error' 'syntax error' "$("$link" --extcap-interface "$name" --extcap-capture-filter 'tcp and')"
check 'an interface that is not listed: status 1' 1 "$(status_of "$link" --extcap-interface near6 --extcap-dlts)"

# The view of tshark.
check_match 'tshark lists it' "$name \(6in4 tunnel $interface\)" "$(tshark -D 2>/dev/null)"
check_match 'with its link type' 'RAW \(Raw IP\)' "$(tshark -i "$name" -L 2>&1)"

pings() { near ping -n -q -c "$1" -i 0.05 -W 1 $far6 >/dev/null; }
# Each time to another destination, because the kernel caches the path MTU of each destination.
too_big() { near ping -n -q -c 1 -W 1 -s 1400 -M do "2001:db8:44::$((++destination))" >/dev/null || true; }
destination=0
captures_now() { grep -c 'memfd:sixin4-capture' "/proc/$endpoint/maps" || true; }
idle() { (($(captures_now) == 0)); }
# The file begins once the endpoint's threads write to the capture.
begun() { until_true 20 test -s "$files/$1.pcapng"; } # NAME
# capture NAME OPTION…: by tshark, until end_capture
capture() {
  background near tshark -i "$name" -w "$files/$1.pcapng" "${@:2}" 2>"$files/$1.err"
  tshark=$started
  begun "$1" || two_hosts_fail "no capture: $(cat "$files/$1.err")"
}
end_capture() { # NAME COUNT: once COUNT packets have arrived
  until_true 10 eval "((\$(tshark -n -r '$files/$1.pcapng' 2>/dev/null | wc -l) >= $2))" || true
  kill -INT "$tshark"
  local status=0
  wait "$tshark" || status=$?
  check "$1: tshark ends with status 0" 0 $status
  check "$1: no error messages" '' "$(grep -iE 'extcap|error|sixin4:' "$files/$1.err" || true)"
  until_true 5 idle || true
  check "$1: no capture is left in the endpoint" 0 "$(captures_now)"
}

capture all
pings 2
too_big
end_capture all 9
echo_of() { fields all 'icmpv6.type == 128 && ipv6.dst == '$far6 "$@" | head -n 2; }
check 'a packet in both forms' "$interface (inner)|
$interface (outer)|192.0.2.1" "$(echo_of frame.interface_name ip.src)"
check 'both forms have the same id' 1 "$(echo_of frame.packet_id | sort -u | wc -l)"
check 'a dropped packet with its reason' "$interface (inner)|drop: too-big" \
  "$(fields all frame.comment frame.interface_name frame.comment)"

capture filtered -f "icmp6 and src host $near6"
pings 3
end_capture filtered 6
check 'a capture filter' $near6 "$(fields filtered frame ipv6.src | sort -u)"

# With the options that Wireshark's dialogue sets.
mkfifo "$files/fifo"
background near "$link" --capture --extcap-interface "$name" --fifo "$files/fifo" --form inner --drops 2>"$files/dialogue.err"
dialogue=$started
cat "$files/fifo" >"$files/dialogue.pcapng" &
reading=$!
begun dialogue || true
pings 1
too_big
until_true 5 eval "((\$(tshark -n -r '$files/dialogue.pcapng' 2>/dev/null | wc -l) >= 1))" || true
status=0
kill -TERM "$dialogue"
wait "$dialogue" || status=$?
check 'ended as by Wireshark: status 0' 0 $status
wait "$reading"
check 'the options form and drops' "$interface (inner)|drop: too-big" "$(fields dialogue frame frame.interface_name frame.comment)"
check 'tshark reads the whole file' '' "$(tshark -n -r "$files/dialogue.pcapng" 2>&1 >/dev/null | grep -v 'Running as' || true)"
check 'no messages without an error' '' "$(cat "$files/dialogue.err")"
(sleep 0.3; : <"$files/fifo") &
check 'the end of the reader ends the capture with status 0' 0 "$(status_of near timeout 5 "$link" --capture --extcap-interface "$name" --fifo "$files/fifo")"

# The toolbar: messages as Wireshark sends them.
mkfifo "$files/in" "$files/out"
message() { python3 - "$@" <<'END'
import sys
control, command, payload = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].encode().decode("unicode_escape").encode()
with open(sys.argv[1], "wb") as pipe:
    pipe.write(b"T" + (len(payload) + 2).to_bytes(3, "big") + bytes([control, command]) + payload)
END
} # PIPE CONTROL COMMAND PAYLOAD
background near "$link" --capture --extcap-interface "$name" --fifo "$files/fifo" --form outer \
  --extcap-control-in "$files/in" --extcap-control-out "$files/out" --extcap-capture-filter icmp6 2>"$files/toolbar.err"
toolbar=$started
cat "$files/fifo" >"$files/toolbar.pcapng" &
reading=$!
cat "$files/out" >"$files/told" &
told=$!
begun toolbar || true
shown() { tshark -n -r "$files/toolbar.pcapng" -T fields -e frame.interface_name -e frame.comment 2>/dev/null | sort | uniq -c | xargs; }
shows() { [[ $(shown) == "$1" ]]; }
message "$files/in" 255 0 ''
message "$files/in" 0 1 inner
sleep 0.2
pings 1
until_true 10 shows "2 $interface (inner)" || true
check 'the toolbar: another form' "2 $interface (inner)" "$(shown)"
message "$files/in" 1 1 '\x01'
sleep 0.2
pings 1
too_big
until_true 10 shows "2 $interface (inner) 1 $interface (inner) drop: too-big" || true
check 'the toolbar: drops only' "2 $interface (inner) 1 $interface (inner) drop: too-big" "$(shown)"
message "$files/in" 1 1 '\x00'
message "$files/in" 2 1 "src host $near6"
sleep 0.2
pings 1
until_true 10 shows "3 $interface (inner) 1 $interface (inner) drop: too-big" || true
check 'the toolbar: another filter, beside the first' "3 $interface (inner) 1 $interface (inner) drop: too-big" "$(shown)"
message "$files/in" 2 1 'tcp and'
until_true 5 grep -q 'syntax error' "$files/told" || true
check_match 'the toolbar: the error of a bad filter' "filter 'tcp and': .*syntax error" "$(tr -d '\0' <"$files/told")"
check_match 'the toolbar: begins with the options of the capture' 'outer' "$(head -c 11 "$files/told" | tr -d '\0')"
kill "$toolbar"
status=0
wait "$toolbar" || status=$?
check 'the toolbar: ended' 0 $status
wait "$reading" "$told"

# An endpoint that ends.
capture last
pings 1
until_true 10 eval "((\$(tshark -n -r '$files/last.pcapng' 2>/dev/null | wc -l) >= 4))" || true
kill "$endpoint"
wait "$endpoint" || true
until_true 10 eval "! kill -0 $tshark 2>/dev/null" || kill -INT "$tshark"
wait "$tshark" || true
check 'a capture ends with its endpoint, whole' '' "$(tshark -n -r "$files/last.pcapng" 2>&1 >/dev/null | grep -v 'Running as' || true)"
check 'and is not listed any more' '' "$(tshark -D 2>/dev/null | grep -F "$name" || true)"
check 'the link is taken away' "$link is removed" "$("$here/../../tools/install-extcap.sh" --remove)"
check 'and is not there' no "$([[ -e $link || -L $link ]] || echo no)"

finish
