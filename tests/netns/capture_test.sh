#!/usr/bin/env bash
# Captures of a running endpoint, live and from its flight recorder, read by tshark and tcpdump: the forms of each packet,
# the missed packets, and that the tunnel loses no packet because of a capture.
#   capture_test.sh PROGRAM
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
socket=$files/near.sock
far ip address add 192.0.2.3/24 dev wire # not the far end's
configuration=$files/near.conf
printf '%s\n' 'interface = near6' 'remote = 192.0.2.2' "address = $near6/64" "control = $socket" \
  'route = 2001:db8:43::/64' 'queues = 2' >"$configuration"
start_endpoint near "$program" -c "$configuration"
endpoint=$started
start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64 --prefix 2001:db8:43::/64
# Packets larger than the tunnel carries, as in an MTU black hole: the route's MTU is too large.
near ip -6 route add 2001:db8:44::/64 dev near6 mtu 1480
until_true 5 near ping -n -q -c 1 -W 1 $far6

# capture NAME ARGUMENT…: starts a capture that writes $files/NAME.pcapng
capture() {
  local name=$1
  shift
  background near "$program" capture near6 --control "$socket" -w "$files/$name.pcapng" "$@" 2>"$files/$name.err"
  captures[$name]=$started
  until_true 10 grep -q '^capturing on' "$files/$name.err" || two_hosts_fail "no capture: $(cat "$files/$name.err")"
}
# end_capture NAME TITLE: ends it and checks that its status is 0
end_capture() { ends "$1" "$2" kill -INT "${captures[$1]}"; }
# ends NAME TITLE [COMMAND…]: the same for a capture that ends by itself or because of the command
ends() {
  local status=0
  "${@:3}"
  wait "${captures[$1]}" || status=$?
  check "$2: status 0" 0 $status
}
statistics() { "$here/pcapng.py" statistics "$files/$1.pcapng" | xargs; }
ids() { "$here/pcapng.py" ids "$files/$1.pcapng"; }
pings() { near ping -n -q -c "$1" -i 0.05 -W 1 "${2:-$far6}" "${@:3}"; } # COUNT [ADDRESS [OPTION]…]
stranger() { far python3 "$here/craft.py" 192.0.2.3 192.0.2.1 "$1" good; } # COUNT
# Each time to another destination, because the kernel caches the path MTU of each destination.
too_big() { pings 1 2001:db8:44::$((++destination)) -s 1400 -M do >/dev/null || true; }
destination=0
# The kernel sends multicast listener reports and the like at any time. An error quotes the echo that it is about.
echoes='(icmpv6.type == 128 || icmpv6.type == 129) && !(icmpv6.type == 2)'
to_black_hole='ipv6.dst == 2001:db8:44::/64'

capture first
pings 2 >/dev/null
too_big
stranger 3
sleep 0.1
end_capture first 'SIGINT ends it'
check 'tshark reads the whole file' '' "$(tshark -n -r "$files/first.pcapng" 2>&1 >/dev/null | grep -v 'Running as' || true)"
check_match 'two interfaces of link type RAW, nanoseconds' \
  'Name = near6 \(inner\).*Raw IP.*nanoseconds.*Name = near6 \(outer\).*Raw IP.*nanoseconds' \
  "$(capinfos "$files/first.pcapng" | xargs -d '\n')"
check_match 'system and application' 'Capture oper-sys: +Linux .*Capture application: +sixin4 ' \
  "$(capinfos "$files/first.pcapng" | xargs -d '\n')"
out='near6 (inner)|0x00000002||2001:db8:41::2
near6 (outer)|0x00000002|192.0.2.1|2001:db8:41::2'
in='near6 (outer)|0x00000001|192.0.2.2|2001:db8:41::1
near6 (inner)|0x00000001||2001:db8:41::1'
check 'both forms of each packet, each with its direction' "$out
$in
$out
$in" "$(fields first "$echoes && !($to_black_hole)" frame.interface_name frame.packet_flags ip.src ipv6.src)"
check 'both forms have the same id' '2 2 2 2' \
  "$(fields first "$echoes && !($to_black_hole)" frame.packet_id | sort | uniq -c | awk '{ print $1 }' | xargs)"
check 'the time of day' yes "$( (($(fields first "$echoes" frame.time_epoch | head -n 1 | cut -d. -f1) >= $(date +%s) - 60)) && echo yes)"
check 'an MTU black hole: the packet with the reason' 'near6 (inner)|drop: too-big|1448' \
  "$(fields first "$echoes && $to_black_hole" frame.interface_name frame.comment frame.len)"
check 'an MTU black hole: the error that its sender got' 'near6 (inner)|0x00000001|1280' \
  "$(fields first 'icmpv6.type == 2' frame.interface_name frame.packet_flags icmpv6.mtu)"
check 'a spoofed source: the packet with the reason' 'near6 (outer)|drop: outer-source-mismatch
near6 (outer)|drop: outer-source-mismatch
near6 (outer)|drop: outer-source-mismatch' "$(fields first 'ip.src == 192.0.2.3' frame.interface_name frame.comment)"
check 'no other comment' 4 "$(fields first 'frame.comment' frame.comment | wc -l)"
check_match 'statistics: nothing missed, all delivered' '^near6 \(inner\) ([0-9]+) 0 ([0-9]+) near6 \(outer\) ([0-9]+) 0 ([0-9]+)$' "$(statistics first)"
check 'the statistics count the packets of the file' "${BASH_REMATCH[1]} ${BASH_REMATCH[3]}" \
  "$(fields first 'frame.interface_id == 0' frame.number | wc -l) $(fields first 'frame.interface_id == 1' frame.number | wc -l)"
check_match 'the summary line' '^capturing on near6, snapshot length 262144 bytes [0-9]+ packets captured 0 inner and 0 outer packets missed' "$(xargs <"$files/first.err")"

# Options that select packets.
capture drops --drops
capture inner -i inner icmp6
capture outer -i outer 'ip proto 41 and src host 192.0.2.2'
capture inward -Q in
capture short -s 60
capture three -c 3
capture ring -b files:2 -b filesize:2
capture whole -b filesize:2
capture both 'src host 192.0.2.3 or udp port 53'
capture none 'udp port 53'
pings 5 >/dev/null
too_big
stranger 2
pings 5 >/dev/null
sleep 0.1
ends three '-c ends by itself'
check '-c: both forms count as one' 3 "$(ids three)"
for name in drops inner outer inward short ring whole both none; do end_capture $name "$name ends"; done
check '--drops: dropped packets only' 'drop: outer-source-mismatch
drop: outer-source-mismatch
drop: too-big' "$(fields drops frame frame.comment | sort)"
check '-i inner: tcpdump reads it' 20 "$(tcpdump -nr "$files/inner.pcapng" 'ip6 and icmp6 and (ip6[40] == 128 or ip6[40] == 129) and not dst net 2001:db8:44::/64' 2>/dev/null | wc -l)"
check '-i inner: only that form' 'near6 (inner)' "$(fields inner frame frame.interface_name | sort -u)"
check '-i outer: tcpdump reads it' 10 "$(tcpdump -nr "$files/outer.pcapng" 2>/dev/null | grep -c 'IP 192.0.2.2 > 192.0.2.1: .*echo reply')"
check '-i outer: the filter applies to that form' 192.0.2.2 "$(fields outer frame ip.src | sort -u)"
check '-Q in: no outbound packets' 0x00000001 "$(fields inward frame frame.packet_flags | sort -u)"
check '-s: the captured length' '60' "$(fields short frame frame.cap_len | sort -un | tail -n 1)"
check '-s: the original length' 1448 "$(fields short frame frame.len | sort -un | tail -n 1)"
check 'a filter in either form' 2 "$(fields both frame frame.number | wc -l)"
check 'a filter that nothing matches' 0 "$(fields none frame frame.number | wc -l)"
check_match 'a filter that nothing matches: received packets count' '^near6 \(inner\) [1-9][0-9]* 0 0 near6 \(outer\) [1-9][0-9]* 0 0$' "$(statistics none)"
each_file_adds_up() { # without a filter every packet up to the end of a file is in it or in an earlier one
  local file received delivered
  for file in "$files"/whole_*; do
    "$here/pcapng.py" statistics "$file" | sed -E 's/.*\) //'
  done | awk '$1 != $3 || $2 != 0 { wrong = 1 } END { print (NR >= 6 && !wrong) ? "yes" : "no" }'
}
check '-b: the statistics are of the packets up to each file'"'"'s end' yes "$(each_file_adds_up)"
check_match '-b: the last two files, with dumpcap'"'"'s names' '^ring_000[0-9]{2}_20[0-9]{12}\.pcapng ring_000[0-9]{2}_20[0-9]{12}\.pcapng$' \
  "$(cd "$files" && echo ring_*)"
check '-b: each file has both interfaces' 'near6 (inner) near6 (outer) near6 (inner) near6 (outer)' \
  "$(for file in "$files"/ring_*; do capinfos "$file" | sed -n 's/.*Name = //p'; done | xargs)"

# Text lines, and pipes.
background near "$program" capture --control "$socket" -i inner icmp6 or src host 192.0.2.3 >"$files/lines" 2>"$files/lines.err"
lines=$started
until_true 10 grep -q '^capturing on' "$files/lines.err"
pings 1 >/dev/null
stranger 1
until_true 5 grep -q drop "$files/lines"
captures[lines]=$lines
ends lines 'SIGTERM ends it, too' kill -TERM "$lines"
check_match 'one line for each packet' '[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6} out IP6 2001:db8:41::2 > 2001:db8:41::1: ICMP6, echo request' "$(cat "$files/lines")"
check_match 'a dropped packet: the line has the reason' 'in  IP 192\.0\.2\.3 > 192\.0\.2\.1: .*, drop: outer-source-mismatch' "$(cat "$files/lines")"
check 'nothing else on standard output' '' "$(grep -Ev '^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6} (out|in ) IP' "$files/lines" || true)"

check 'an empty path' 1 "$(status_of timeout 5 "$program" capture near6 -w '' --control "$socket")"
# A closed standard output must not get the output if its number is reused, here by the control socket.
(until_true 10 grep -q '^capturing on' "$files/closed.err" && pings 1) >/dev/null &
sent=$!
status=0
timeout 10 "$program" capture near6 --control "$socket" -c 1 >&- 2>"$files/closed.err" || status=$?
wait "$sent" || true
check 'a closed standard output' 2 $status

near bash -c "'$program' capture near6 --control '$socket' -w - 2>'$files/live.err' | tshark -n -l -r - >'$files/live' 2>/dev/null" &
until_true 10 grep -q '^capturing on' "$files/live.err"
pings 2 >/dev/null
until_true 10 eval '(($(grep -c "Echo (ping) reply" "$files/live") == 4))' || true
check '-w - into tshark: live' 4 "$(grep -c 'Echo (ping) reply' "$files/live")"
near bash -c "'$program' capture near6 --control '$socket' -i inner -w - 2>'$files/live2.err' | tcpdump -n -l -r - >'$files/live2' 2>/dev/null" &
until_true 10 grep -q '^capturing on' "$files/live2.err"
pings 1 >/dev/null
until_true 10 grep -q 'echo reply' "$files/live2" || true
check '-w - into tcpdump: live' 1 "$(grep -c 'echo reply' "$files/live2")"
succeeds 'the end of the reader ends the capture' near bash -c "set -o pipefail; '$program' capture near6 --control '$socket' -w - 2>'$files/head.err' | head -c 10 >/dev/null"
check_match 'it prints the summary' 'packets captured' "$(cat "$files/head.err")"

mkfifo "$files/fifo"
background near "$program" capture near6 --control "$socket" -w "$files/fifo" 'udp port 9' 2>"$files/fifo.err"
captures[fifo]=$started
head -c 10 "$files/fifo" >/dev/null
ends fifo 'of a pipe with a name, too, though nothing matches' until_true 5 eval "! kill -0 $started 2>/dev/null"
background near bash -c "trap '' HUP; exec '$program' capture near6 --control '$socket' -w '$files/hup.pcapng' 2>'$files/hup.err'"
captures[hup]=$started
until_true 10 grep -q '^capturing on' "$files/hup.err"
kill -HUP "$started"
pings 1 >/dev/null
sleep 0.1
end_capture hup 'nohup(1) is respected'
check 'the capture goes on' 4 "$(fields hup "$echoes" frame.number | wc -l)"

# Mistakes.
check 'an invalid filter: status 1' 1 "$(status_of "$program" capture near6 --control "$socket" ip6 andnot)"
check 'no endpoint: status 3' 3 "$(status_of "$program" capture nobody6)"
check 'a file that cannot be written: status 2' 2 "$(status_of "$program" capture near6 --control "$socket" -w /proc/no)"
if [[ -z ${two_hosts_in_user_namespace:-} ]]; then
  chmod 755 "$files"
  check_match 'an unprivileged user may not capture' 'only root and the user that runs the endpoint' \
    "$(setpriv --reuid nobody --clear-groups "$program" capture near6 --control "$socket" 2>&1 || true)"
fi

# Several captures at once, and one that is killed.
rings() { grep -c 'memfd:sixin4-capture' "/proc/$endpoint/maps" || true; }
check 'no capture is left in the endpoint' 8 "$(rings)" # except those into tshark and tcpdump, of four threads each
capture one
capture two
check 'two more captures' 16 "$(rings)"
kill -KILL "${captures[one]}"
pings 3 >/dev/null
no_more_than() { (($(rings) <= $1)); }
until_true 5 no_more_than 12 || true
check 'a killed capture is removed' 12 "$(rings)"
end_capture two 'the other one goes on'
check 'the other capture has all packets' 12 "$(fields two "$echoes" frame.number | wc -l)"
check_match 'the tunnel carries all packets' ' 0% packet loss' "$(pings 3)"

# The highest rate of datagrams without a loss, with a capture that reads, and with one that is stopped.
counters() { of_status near "' '.join(str(n) for n in (s['out']['packets'], sum(s['drops']['out'].values()), s['in']['packets'], sum(s['drops']['in'].values())))"; }
count=40000
# flood NAME TITLE [SIGNAL]: floods while that capture runs; it gets the signal first
flood() {
  local receiver out_before refused_before in_before dropped_before out_after refused_after in_after dropped_after
  background far python3 "$here/flood.py" receive $far6 5003 $count >"$files/arrived"
  receiver=$started
  until_true 5 eval 'far ss -Hlun "sport = :5003" | grep -q .'
  read -r out_before refused_before in_before dropped_before <<<"$(counters)"
  capture "$1"
  [[ -z ${3:-} ]] || kill "-$3" "${captures[$1]}"
  near python3 "$here/flood.py" send $far6 5003 $count 1200
  wait "$receiver"
  kill -CONT "${captures[$1]}"
  sleep 0.5
  pings 1 >/dev/null
  sleep 0.1
  end_capture "$1" "$2: it ends"
  read -r out_after refused_after in_after dropped_after <<<"$(counters)"
  check "$2: the tunnel lost no packet" "$count" "$(cat "$files/arrived")"
  local sent=$((out_after - out_before)) came=$((in_after - in_before))
  local refused=$((refused_after - refused_before)) dropped=$((dropped_after - dropped_before))
  read -r inner_received inner_missed inner_delivered outer_received outer_missed outer_delivered \
    <<<"$(statistics "$1" | sed -E 's/near6 \((inner|outer)\) ?//g')"
  check "$2: inner: delivered plus missed are all packets" "$((sent + refused + came))" "$((inner_delivered + inner_missed))"
  check "$2: outer: delivered plus missed are all packets" "$((sent + came + dropped))" "$((outer_delivered + outer_missed))"
  check "$2: and equal the received packets" "$((inner_delivered + inner_missed)) $((outer_delivered + outer_missed))" "$inner_received $outer_received"
  check "$2: the delivered packets are in the file" "$((inner_delivered + outer_delivered))" \
    "$(capinfos -c -M "$files/$1.pcapng" | sed -n 's/Number of packets: *//p')"
  check_match "$2: the summary has the missed packets" "$inner_missed inner and $outer_missed outer packets missed" "$(cat "$files/$1.err")"
}
flood fast 'a capture that looks'
flood slow 'a capture that does not look' STOP
check 'the stopped capture has missed many' yes "$( ((inner_missed > 1000 && outer_missed > 1000)) && echo yes)"

# The flight recorder.
too_big
stranger 1
pings 2 >/dev/null
check_match 'recorder: one line for each packet' 'out IP6 2001:db8:41::2 > 2001:db8:41::1: ICMP6, echo request' \
  "$("$program" recorder near6 --control "$socket" | tail -n 4)"
check 'recorder: exactly the last packets' 4096 "$("$program" recorder --control "$socket" | wc -l)"
succeeds 'recorder -w' "$program" recorder near6 --control "$socket" -w "$files/recorder.pcapng"
check 'recorder -w: headers and reasons' 'near6 (inner)|drop: too-big|96|1448
near6 (outer)|drop: outer-source-mismatch|96|160' \
  "$(fields recorder 'frame.comment' frame.interface_name frame.comment frame.cap_len frame.len)"
check 'recorder -w -' 'near6 (inner) near6 (outer)' \
  "$("$program" recorder near6 --control "$socket" -w - | tshark -n -r - -T fields -e frame.interface_name 2>/dev/null | sort -u | xargs)"
printf 'recorder = 16\n' >>"$configuration"
succeeds 'reload with another size' "$program" reload --control "$socket"
pings 20 >/dev/null
check 'a reload changes the size of the recorder' 16 "$("$program" recorder --control "$socket" | wc -l)"
saved() { sed -n "s/.*$1: the last [0-9]* packets are in //p" "$files/near.log"; }
kill -USR2 "$endpoint"
until_true 5 eval '[[ -n $(saved SIGUSR2) ]]' || true
check_match 'SIGUSR2 writes it to a file' '^/run/sixin4/near6-20[0-9]{12}\.pcapng$' "$(saved SIGUSR2)"
check 'the file is readable for its owner only' 600 "$(stat -c %a "$(saved SIGUSR2)")"
kill -USR2 "$endpoint"
twice() { (($(saved SIGUSR2 | sort -u | wc -l) == 2)); }
until_true 5 twice || true
check 'a second recording keeps the first file' 2 "$(saved SIGUSR2 | xargs ls 2>/dev/null | wc -l)"
rm -f "$(saved SIGUSR2 | tail -n 1)"
saved() { sed -n "s/.*$1: the last [0-9]* packets are in //p" "$files/near.log" | head -n 1; }
check 'it has the last packets' 16 "$(tshark -n -r "$(saved SIGUSR2)" 2>/dev/null | wc -l)"
sed -i 's/recorder = 16/recorder = 0/' "$configuration"
succeeds 'reload without' "$program" reload --control "$socket"
check_match 'recorder = 0: the recorder is off' 'the flight recorder is off' "$("$program" recorder --control "$socket" 2>&1 || true)"
kill -USR2 "$endpoint"
until_true 5 grep -q 'recorder is off' "$files/near.log" || true
check_match 'SIGUSR2: the log says that it is off' 'SIGUSR2: the flight recorder is off' "$(cat "$files/near.log")"
sed -i 's/recorder = 0/recorder = 8/' "$configuration"
succeeds 'reload with it' "$program" reload --control "$socket"

if ! grep -q __asan_init "$program" && ! grep -q __tsan_init "$program"; then # sanitizers need too much memory
  sed -i 's/recorder = 8/recorder = 1048576\nmtu = 1400/' "$configuration"
  prlimit --pid "$endpoint" --as=$(($(awk '/VmSize/ { print $2 }' "/proc/$endpoint/status") * 1024 + 65536)):
  for again in 1 2; do
    check_match "no memory for as many, $again" 'recorder: there is no memory for 1048576 packets' \
      "$("$program" reload --control "$socket" 2>&1 || true)"
  done
  check 'the former settings stay in force' 1280 "$(of_status near "s['mtu']")"
  prlimit --pid "$endpoint" --as=unlimited:
fi

# A crash of the program.
background far "$program" run --interface crash6 --remote 192.0.2.9 --control "$files/crash.sock" 2>"$files/crash.log"
crashing=$started
until_true 10 grep -q '^ready: ' "$files/crash.log"
until_true 10 "$program" show --control "$files/crash.sock" >/dev/null
sleep 0.2 # a crash in the middle of an allocation could not write the file
kill -SEGV "$crashing"
status=0
wait "$crashing" 2>/dev/null || status=$?
check 'a crash ends with a failure status' no "$( ((status == 0)) && echo yes || echo no)"
check_match 'the last packets are written' 'Segmentation fault: the last [0-9]+ packets are in /run/sixin4/crash6-20[0-9]{12}\.pcapng' "$(cat "$files/crash.log")"
last_words=$(sed -n 's/.* packets are in //p' "$files/crash.log")
check 'the file can be read' yes "$([[ -n $last_words ]] && capinfos "$last_words" >/dev/null && echo yes)"
rm -f "$last_words"

# One inner packet may leave as several outer ones. With -i outer each has its line.
sed -i '/^mtu/d; s/^recorder = .*/recorder = 8/' "$configuration"
printf 'mtu = 4000\n' >>"$configuration"
"$program" reload --control "$socket"
background near "$program" capture --control "$socket" -i outer -Q out -c 1 'ip[6:2] & 0x3fff != 0' >"$files/pieces" 2>"$files/pieces.err"
captures[pieces]=$started
until_true 10 grep -q '^capturing on' "$files/pieces.err"
pings 1 $far6 -s 3000 >/dev/null
ends pieces 'a packet in three fragments'
check '-i outer: one line for each outer packet' 3 "$(grep -c 'out IP 192\.0\.2\.1 > 192\.0\.2\.2: ' "$files/pieces")"

# The end of the endpoint: an error writes the recorder, and captures end.
capture last
pings 8 >/dev/null
rm -f "$(saved SIGUSR2)"
near ip link delete near6
status=0
wait "$endpoint" || status=$?
check 'an interface that is deleted is an error' 2 "$status"
check_match 'a deleted interface: the recorder is written' '^/run/sixin4/near6-20[0-9]{12}\.pcapng$' "$(saved 'No such device')"
check 'a deleted interface: the file has the last packets' 8 "$(tshark -n -r "$(saved 'No such device')" 2>/dev/null | wc -l)"
ends last 'a capture ends with its endpoint'
check_match 'the capture ends with a message' 'the endpoint has ended' "$(cat "$files/last.err")"
check 'the capture has all packets' 32 "$(fields last "$echoes" frame.number | wc -l)"
rm -f "$(saved 'No such device')"

finish
