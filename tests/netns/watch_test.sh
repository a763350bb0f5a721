#!/usr/bin/env bash
# `show --watch` of a running endpoint, in a pipe and on a terminal. The terminal's state must be restored.
#   watch_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_make

near6=2001:db8:41::2
far6=2001:db8:41::1
socket=$two_hosts_files/near.sock
start_near() {
  start_endpoint near "$program" --interface near6 --remote 192.0.2.2 --address $near6/64 --keepalive 1
  near ip -6 route add 2001:db8:44::/64 dev near6 mtu 1480 # an MTU larger than the tunnel's
}
start_near
endpoint=$started
start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64
until_true 5 near ping -n -q -c 1 -W 1 $far6
near python3 - $far6 <<'END' &
import socket, sys, time
fits = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
for number in range(1, 201):
    fits.sendto(bytes(952), (sys.argv[1], 9))  # 1000 bytes with its headers
    try:
        # To another host each time: for a known path MTU the kernel would send fragments.
        fits.sendto(bytes(1400), (f"2001:db8:44::{number:x}", 9))
    except OSError:
        pass  # the error of the datagram before
    time.sleep(0.05)
END

blocks=$(timeout 3.5 "$program" show near6 --watch --control "$socket" || true)
check 'piped: a block each second' yes "$( (($(grep -c '^near6: up' <<<"$blocks") >= 3)) && echo yes)"
check 'piped: plain text' '' "$(grep -P '[^\x20-\x7e]' <<<"$blocks" || true)"
check 'piped: at most 80 columns' '' "$(grep -E '^.{81}' <<<"$blocks" || true)"
check_match 'the ends' 'near6: up, 192.0.2.1 > 192.0.2.2, runs ' "$blocks"
check_match 'MTUs, wire and flows' 'mtu 1280, path mtu 1500, wire (raw|packet), flows 0' "$blocks"
check_match 'the far end' 'far end heard [0-9.]+ s ago(, rtt [0-9.]+ ms, loss 0.0 %)?' "$blocks"
last=$(tail -n 10 <<<"$blocks")
check_match 'rates' $'\n  out +[1-9][0-9.]* pps +[1-9][0-9.]* kbit/s ' "$last"
check_match 'drops with their rate' $'\n  out too-big +[1-9][0-9]+ +\+[1-9]' "$last"
wait $!
sleep 1.1
quiet=$(timeout 1.8 "$program" show --watch --control "$socket" || true)
check_match 'no rate without new drops' $'too-big +[1-9][0-9]+(\n|$)' "${quiet##*now}"
reads_lines() {
  python3 -c 'import json, sys
for line in sys.stdin:
    looked = json.loads(line)
    print(looked[0]["interface"], looked[0]["drops"]["out"]["too-big"] > 0)'
}
check 'json: one list in each line' 'near6 True' "$( (timeout 1.5 "$program" show --watch --json --interval 0.2 --control "$socket" || true) | reads_lines | sort -u)"
# An endpoint with the default control socket.
background near "$program" run --interface "x$$" --remote 192.0.2.2 2>"$two_hosts_files/other.log"
other=$started
until_true 10 grep -q '^ready: ' "$two_hosts_files/other.log" || two_hosts_fail "no other endpoint: $(cat "$two_hosts_files/other.log")"
# The socket of another program, which answers with JSON of another shape.
strange=/run/sixin4/y$$.sock
cat >"$two_hosts_files/stranger.py" <<'END'
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[1])
listener.listen()
while True:
    client = listener.accept()[0]
    client.recv(100)
    client.sendall(b'{"result": {"interface": 5}}')
    client.close()
END
background near python3 "$two_hosts_files/stranger.py" "$strange"
stranger=$started
until_true 5 test -S "$strange"
both=$(timeout 3 "$program" show --watch || true)
check_match 'another program'"'"'s socket: the reason' "y$$: does not answer: the answer is not that of this version of sixin4" "$both"
check 'another program'"'"'s socket does not end the watch' yes "$( (($(grep -c "^x$$: up" <<<"$both") >= 2)) && echo yes)"
kill "$stranger"
rm -f "$strange"
check_match 'all endpoints' "(^|"$'\n'")x$$: up, " "$(timeout 1 "$program" show --watch || true)"
kill "$other"
wait "$other" || true

# An endpoint ends and is started again.
background near "$program" show --watch --control "$socket" --interval 0.2 >>"$two_hosts_files/blocks"
watching=$started
until_true 5 grep -q 'near6: up' "$two_hosts_files/blocks"
"$program" down --control "$socket"
until_true 5 grep -q 'has ended, last seen' "$two_hosts_files/blocks" || true
check_match 'the endpoint has ended' 'has ended, last seen [0-9.]+ s ago' "$(cat "$two_hosts_files/blocks")"
wait "$endpoint" || true
start_near
endpoint=$started
: >"$two_hosts_files/blocks"
until_true 5 grep -q 'near6: up' "$two_hosts_files/blocks" || true
check_match 'the endpoint is up again' 'near6: up' "$(cat "$two_hosts_files/blocks")"
kill "$watching"
wait "$watching" || true
check 'no impossible numbers' '' "$(grep -E '[0-9]{7}|-[0-9]|nan|inf|bit/s.*Gbit/s' "$two_hosts_files/blocks" || true)"

# On a terminal of 80 columns and 12 rows.
cat >"$two_hosts_files/terminal.py" <<'END'
import fcntl, os, pty, select, signal, struct, subprocess, sys, termios, time
how, draws, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 80, 0, 0))
before = termios.tcgetattr(slave)
def own():
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
watched = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, preexec_fn=own)
seen, asked, end = b"", False, time.monotonic() + 25
while time.monotonic() < end and watched.poll() is None:
    if select.select([master], [], [], 0.1)[0]:
        seen += os.read(master, 65536)
    if not asked and seen.count(b"\x1b[H") >= draws:
        asked = True
        raw = not termios.tcgetattr(slave)[3] & termios.ECHO
        if how == "q":
            os.write(master, b"q")
        elif how == "quit":
            os.write(master, b"\x1c")
        elif how == "key":
            time.sleep(4)  # more output waits than the terminal takes at once: the key must not cut it
            os.write(master, b"\x03")
        else:
            watched.send_signal(signal.SIGTERM)
time.sleep(0.2)
while select.select([master], [], [], 0)[0]:
    seen += os.read(master, 65536)
frames = seen.split(b"\x1b[H")[1:]
print("status", watched.poll(), "silent keys", raw)
print("as before", termios.tcgetattr(slave) == before and seen.endswith(b"\x1b[?25h\x1b[?1049l") and seen.startswith(b"\x1b[?1049h"))
print("rows", max(frame.count(b"\n") + 1 for frame in frames) <= 12)
print("cleared", all(b"\x1b[K" in frame and b"\x1b[J" in frame for frame in frames))
print(frames[-1].decode())
END
# on_terminal HOW [DRAWS]: ends the watch by HOW after DRAWS screens
on_terminal() { python3 "$two_hosts_files/terminal.py" "$1" "${2:-3}" "$program" show near6 --watch --interval 0.3 --control "$socket"; }
for how in q key quit signal; do
  seen=$(on_terminal $how)
  check "on a terminal, ended by $how: status 0, and no key was echoed" 'status 0 silent keys True' "$(sed -n 1p <<<"$seen")"
  check 'the state of the terminal is restored' 'as before True' "$(sed -n 2p <<<"$seen")"
  check 'no more rows than the terminal has' 'rows True' "$(sed -n 3p <<<"$seen")"
  check 'drawn in place' 'cleared True' "$(sed -n 4p <<<"$seen")"
  check_match 'the same lines as in a pipe' 'near6: up, 192.0.2.1 > 192.0.2.2' "$seen"
done

# An endpoint that does not answer for longer than the interval.
kill -STOP "$endpoint"
for how in key signal; do
  check "a watch of a hanging endpoint ends by $how" 'status 0 silent keys True' "$(on_terminal $how 1 | sed -n 1p)"
done
kill -CONT "$endpoint"

# Mistakes.
check 'an interval that is not a number: status 1' 1 "$(status_of "$program" show --watch --interval never)"
check 'an interval that is too short: status 1' 1 "$(status_of "$program" show --watch --interval 0)"
check 'an interval without --watch: status 1' 1 "$(status_of "$program" show --interval 2)"
check 'flows are not watched: status 1' 1 "$(status_of "$program" show near6 --watch --flows)"
finish
