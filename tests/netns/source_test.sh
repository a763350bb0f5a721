#!/usr/bin/env bash
# Source rules between two hosts: the source address that the other host sees, for each action and mode, and for flows
# that are open while the rules change.
#   source_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_make

near6=2001:db8:41::2
far6=2001:db8:41::1
table=$two_hosts_files/table
configuration=$two_hosts_files/near.conf
write_configuration() { # LINE…
  printf '%s\n' 'interface = near6' 'remote = 192.0.2.2' "address = $near6/64" 'prefix = 2001:db8:42::/64' \
    'route = 2001:db8:43::/64' "control = $two_hosts_files/near.sock" 'flows = 200' \
    'pool = three: 2001:db8:42::a-2001:db8:42::b, 2001:db8:42::c' "$@" >"$configuration"
}
reload() { "$program" reload --control "$two_hosts_files/near.sock"; }
tcp_source() { near timeout 5 socat -t 2 - "TCP6:[$1]:$2${3:+,$3}" <<<'who am I?' 2>&1; }
udp_source() { near python3 "$here/peers.py" ask-udp "$@"; }
flows() { "$program" show --flows --control "$two_hosts_files/near.sock"; }

printf '%s\n' '# recipients' '2001:db8:43::/64' '2001:db8:43::2 2001:db8:42::77' '2001:db8:43::3 keep # this one' \
  '2001:db8:43::4 reject' '2001:db8:43::5 three' >"$table"
write_configuration \
  'source = proto tcp port 25 use 2001:db8:42::25' \
  'source = proto tcp port 26 use three first' \
  'source = proto tcp port 27 use three random' \
  'source = proto tcp port 28 use three every 1' \
  'source = proto tcp port 29,31-32 reject' \
  "source = to @$table use 2001:db8:42::99" \
  'source = proto udp use three' \
  'source = proto icmpv6 use 2001:db8:42::58'
succeeds 'check accepts the rules' "$program" check -c "$configuration"
start_endpoint near "$program" -c "$configuration"
start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64 --prefix 2001:db8:43::/64 \
  --route 2001:db8:42::/64
for host in 1 2 3 4 5; do far ip address add 2001:db8:43::$host/128 dev far6 nodad; done
background far python3 "$here/peers.py" tcp :: 24 25 26 27 28 29 31
background far python3 "$here/peers.py" udp $far6 53
background near python3 "$here/peers.py" tcp :: 5000
background near python3 "$here/peers.py" udp $near6 5001
until_true 5 listening far 31

check 'a fixed address' 2001:db8:42::25 "$(tcp_source $far6 25)"
check 'no rule: the host'"'"'s address' $near6 "$(tcp_source $far6 24)"
check 'the first of a pool' 2001:db8:42::a "$(tcp_source $far6 26)"
check 'random over a pool' '2001:db8:42::a 2001:db8:42::b 2001:db8:42::c' \
  "$(for _ in {1..40}; do tcp_source $far6 27; done | sort -u | xargs)"
check 'every: one after the other' 3 \
  "$(for _ in {1..7}; do tcp_source $far6 28; sleep 0.5; done | sort -u | wc -l)"
check_match 'a rejected connection fails at once' 'Permission denied' "$(tcp_source $far6 29)"
check 'the rejection is counted' yes "$( (($(drops near out source-rejected) > 0)) && echo yes)"
check 'a table: the prefix has the target of the rule' 2001:db8:42::99 "$(tcp_source 2001:db8:43::1 24)"
check 'a table: an address' 2001:db8:42::77 "$(tcp_source 2001:db8:43::2 24)"
check 'a table: keep' $near6 "$(tcp_source 2001:db8:43::3 24)"
check_match 'a table: reject' 'Permission denied' "$(tcp_source 2001:db8:43::4 24)"
check_match 'a table: a pool' '^2001:db8:42::[abc]$' "$(tcp_source 2001:db8:43::5 24)"
check_match 'UDP' '^2001:db8:42::[abc]$' "$(udp_source $far6 53)"
check 'hash: the same address for each pair of hosts' "$(udp_source $far6 53)" "$(for _ in {1..5}; do udp_source $far6 53; done | sort -u)"
check 'a closed UDP port: the error arrives' ECONNREFUSED "$(udp_source $far6 54)"
check_match 'ping' ' 0% packet loss' "$(near ping -q -n -c 3 -i 0.1 $far6)"
check_match 'ping with fragments' ' 0% packet loss' "$(near ping -q -n -c 2 -i 0.1 -s 4000 $far6)"
head -c 3000000 /dev/urandom >"$two_hosts_files/sent"
tcp_arrives 'a long stream from a chosen address' near far $far6 5002
check 'a connection from outside: no translation' $far6 "$(far timeout 5 socat -t 2 - "TCP6:[$near6]:5000" <<<'who?' 2>&1)"
check 'a UDP server answers from the address that was asked' $far6 "$(far python3 "$here/peers.py" ask-udp $near6 5001)"

explain() { "$program" explain --control "$two_hosts_files/near.sock" "$@"; }
check 'explain: a rule' "$far6 from $near6 (RFC 6724 rule 2, the smallest scope that reaches it, before fe80::c000:201)
  route    2001:db8:41::/64 dev near6 table main
  source   leaves as 2001:db8:42::25 (rule 1: proto tcp port 25 use 2001:db8:42::25)
  mtu      1280
  verdict  pass" "$(explain $far6 --port 25)"
check_match 'explain: random over a pool' 'leaves as one of three: 2001:db8:42::a-2001:db8:42::b, 2001:db8:42::c \(rule 3' "$(explain $far6 --port 27)"
check_match 'explain: a rejected connection' 'does not leave \(rule 5.*source-rejected' "$(explain $far6 --port 29)"
check_match 'explain: a table' 'leaves as 2001:db8:42::77 \(rule 6: to @' "$(explain 2001:db8:43::2 --port 24)"
check_match 'explain: no rule' 'is kept \(no rule matches\)' "$(explain $far6 --port 24 --from 2001:db8:42::1)"
check_match 'explain: a source that is not ours' 'does not leave \(no rule matches\).*source-not-ours' "$(explain $far6 --port 24 --from 2001:db8:77::1)"
check_match 'explain: a route that does not enter the tunnel' 'from none.*route    none.*does not enter the tunnel' "$(explain 2001:db8:99::1)"
check 'explain --json' '2001:db8:42::25 1' "$(explain $far6 --port 25 --json |
  python3 -c 'import json, sys; e = json.load(sys.stdin); print(e["leaves_as"], e["rule"])')"
check 'explain: not an address' 1 "$(status_of explain he6)"

# A connection stays open while the rules change.
mkfifo "$two_hosts_files/questions"
exec 7<>"$two_hosts_files/questions"
# By descriptor, because bash redirects the input of a background command to /dev/null.
background near socat -t 2 "OPEN:$two_hosts_files/questions!!STDOUT" "TCP6:[$far6]:25" >"$two_hosts_files/answers"
echo 'who am I?' >&7
until_true 5 grep -q . "$two_hosts_files/answers"
check_match 'show --flows lists it' "tcp $near6.[0-9]+ > $far6.25 as 2001:db8:42::25, established, rule 1, idle" "$(flows)"
check 'show --flows --json lists it' True "$("$program" show --flows --json --control "$two_hosts_files/near.sock" |
  python3 -c 'import json, sys; print(any(f["outside_source"] == "2001:db8:42::25" and f["rule"] == 1 for f in json.load(sys.stdin)))')"
write_configuration 'source = proto tcp port 25 use 2001:db8:42::26'
succeeds 'reload accepts other rules' reload
echo 'and now?' >&7
until_true 5 eval '(($(wc -l <"$two_hosts_files/answers") == 2))' || true
check 'an open flow keeps its address' '2001:db8:42::25 2001:db8:42::25' "$(xargs <"$two_hosts_files/answers")"
check 'a new flow gets the new address' 2001:db8:42::26 "$(tcp_source $far6 25)"
write_configuration "source = to @$table.gone use 2001:db8:42::26"
check 'reload fails for a missing table' 2 "$(status_of reload)"
printf '%s\n' '2001:db8:43::/64 nobody' >"$table"
write_configuration "source = to @$table keep"
check 'reload fails for a table with an unknown pool' "sixin4: $table:1: there is no 'pool' 'nobody'" "$(reload 2>&1 || true)"
check 'the former rules stay in force' 2001:db8:42::26 "$(tcp_source $far6 25)"
write_configuration
succeeds 'reload without rules' reload
echo 'and now?' >&7
until_true 5 eval '(($(wc -l <"$two_hosts_files/answers") == 3))' || true
check 'without rules the open flow keeps its address' 2001:db8:42::25 "$(tail -n 1 "$two_hosts_files/answers")"
check 'without rules new flows keep their source' $near6 "$(tcp_source $far6 25)"

# More flows than the table holds: to a port without an answer, then to a port with answers, where all flows stay alive.
write_configuration 'source = use three'
succeeds 'reload with a rule for all ports' reload
flood() { # PORT COUNT: sends from COUNT ports
  near python3 - $far6 "$@" <<'END'
import socket, sys
for port in range(20000, 20000 + int(sys.argv[3])):
    client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    client.bind(("::", port))
    try:
        client.connect((sys.argv[1], int(sys.argv[2])))
        client.send(b"flood")
    except OSError:
        pass
END
}
cat >"$two_hosts_files/talk.py" <<'END'
# talk.py ADDRESS PORT COUNT FILE: sends from COUNT ports; each waits for its answer before the next one begins. Then it
# creates FILE, and all ports go on sending for a minute at most.
import pathlib, socket, sys, time
clients = []
for port in range(21000, 21000 + int(sys.argv[3])):
    client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    client.settimeout(0.1)  # not every drop is answered
    client.bind(("::", port))
    clients.append(client)
end = time.monotonic() + 60
while time.monotonic() < end:
    for client in clients:
        try:
            client.connect((sys.argv[1], int(sys.argv[2])))
            client.send(b"talk")
            client.recv(100)
        except OSError:
            pass
    pathlib.Path(sys.argv[4]).touch()
END
flood 9 1000
check 'the table has at most 200 flows' yes "$( (($(of_status near "s['flows']") <= 200)) && echo yes)"
check 'flows without an answer are replaced' 0 "$(drops near out flow-table-full)"
check_match 'a new connection is possible' '^2001:db8:42::[abc]$' "$(tcp_source $far6 24)"
echo 'and now?' >&7
until_true 5 eval '(($(wc -l <"$two_hosts_files/answers") == 4))' || true
check 'an established connection goes on' 2001:db8:42::25 "$(tail -n 1 "$two_hosts_files/answers")"
background near python3 "$two_hosts_files/talk.py" $far6 53 210 "$two_hosts_files/talking"
talkers=$started
until_true 30 test -e "$two_hosts_files/talking" || true
check 'the table has at most 200 flows' yes "$( (($(of_status near "s['flows']") <= 200)) && echo yes)"
check 'flows that find no room are counted' yes "$( (($(drops near out flow-table-full) > 0)) && echo yes)"
check_match 'a new connection fails' 'No route to host' "$(tcp_source $far6 24)"
echo 'and now?' >&7
until_true 5 eval '(($(wc -l <"$two_hosts_files/answers") == 5))' || true
check 'an established connection goes on' 2001:db8:42::25 "$(tail -n 1 "$two_hosts_files/answers")"
kill "$talkers"
sleep 6
check_match 'after some seconds there is room again' '^2001:db8:42::[abc]$' "$(tcp_source $far6 24)"
exec 7>&-

finish
