#!/usr/bin/env bash
# The commands: output, standard output or standard error, exit status.
#   commands_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_make

cd "$two_hosts_files"
# said COMMAND…: prints its standard error in one line
said() { "$@" 2>&1 >/dev/null | head -n 1 || true; }

for arguments in "--help" "run --help" "check --help" "show --help" "reload --help" "down --help" "--version"; do
  # shellcheck disable=SC2086
  check "sixin4 $arguments: exit status" 0 "$(status_of "$program" $arguments)"
  # shellcheck disable=SC2086
  check_match "sixin4 $arguments: on standard output" 'sixin4' "$("$program" $arguments 2>/dev/null)"
done
for key in interface local remote dev address prefix route table metric mtu pmtudisc ttl tos ecn ingress-filter egress-filter mss-clamp \
  keepalive wire control log-level; do
  check_match "run --help has $key" "--$key" "$("$program" run --help)"
done

check "no verb: exit status" 1 "$(status_of "$program")"
check "an unknown verb: exit status" 1 "$(status_of "$program" walk)"
check_match "an unknown verb is named" 'walk' "$(said "$program" walk)"

# The message of a mistake names the place and the key.
mistake() { # LINE PATTERN
  printf 'remote = 192.0.2.2\n# comment\n%s\n' "$1" >bad.conf
  check "'$1': exit status" 1 "$(status_of "$program" check -c bad.conf)"
  check_match "'$1': the message" "bad.conf:3: $2" "$(said "$program" check -c bad.conf)"
  check "'$1' with run: exit status" 1 "$(status_of near "$program" run -c bad.conf)"
}
mistake 'colour = blue' "'colour': unknown key"
mistake 'remote = 192.0.2.3' 'remote: given twice'
mistake 'mtu = 1279' 'mtu: .1279. is not a number from 1280 to 65515'
mistake 'mtu = 65516' 'mtu: '
mistake 'mtu = 1480x' 'mtu: '
mistake 'mtu =' 'mtu: '
mistake 'mtu' "'mtu' is not of the form"
mistake '[tunnel]' '.* is not of the form'
mistake 'ttl = 0' 'ttl: '
mistake 'ttl = 256' 'ttl: '
mistake 'tos = 100' 'tos: '
mistake 'tos = 0xg' 'tos: '
mistake 'address = 2001:db8::1' 'address: '
mistake 'address = 2001:db8::1/129' 'address: '
mistake 'address = ff02::1/64' 'address: '
mistake 'address = 2001:db8::1/64 peer' 'address: '
mistake 'address = 2001:db8::1/64 pier 2001:db8::2' 'address: '
mistake 'prefix = 2001:db8::1/64' 'prefix: .*the prefix is 2001:db8::/64'
mistake 'route = 192.0.2.0/24' 'route: '
mistake 'table = 255' 'table: '
mistake 'table = 4294967296' 'table: '
mistake 'metric = -1' 'metric: '
mistake 'local = 192.0.2' 'local: '
mistake 'dev = a/b' 'dev: '
mistake 'interface = sixteen-letters-' 'interface: '
mistake 'wire = carrier-pigeon' 'wire: '
mistake 'control = relative/path' 'control: '
mistake 'log-level = loud' 'log-level: '
mistake 'ecn = maybe' 'ecn: '
mistake 'ingress-filter = 1' 'ingress-filter: '
mistake 'mtu = automatic' 'mtu: '
mistake 'pmtudisc = want' 'pmtudisc: '
mistake 'egress-filter = off' 'egress-filter: '
mistake 'mss-clamp = 1220' 'mss-clamp: '
mistake 'keepalive = -1' 'keepalive: '
mistake 'keepalive = 86401' 'keepalive: .86401. is not a number from 0 to 86400'
for remote in 0.0.0.0 224.0.0.1 255.255.255.255; do
  check_match "a remote that is not a host: $remote" 'command line: remote: ' "$(said "$program" check --remote $remote)"
done
check_match "a remote that is this host" '192.0.2.1: it is an address of this host itself' "$(said near "$program" run --remote 192.0.2.1 --control "$PWD/x.sock")"
echo precious >"$PWD/file"
check "a control path that is a file: exit status" 2 "$(status_of near "$program" run --remote 192.0.2.2 --control "$PWD/file")"
check "the file is unchanged" precious "$(cat "$PWD/file")"
printf 'remote = 192.0.2.256\n' >bad.conf
check_match "a remote that is not an address" 'bad.conf:1: remote: ' "$(said "$program" check -c bad.conf)"
printf 'mtu = 1480\n' >bad.conf
check_match "no remote" 'bad.conf: remote: missing' "$(said "$program" check -c bad.conf)"
check "a missing file: exit status" 2 "$(status_of "$program" check -c nowhere.conf)"
check_match "a missing file" 'nowhere.conf: No such file' "$(said "$program" check -c nowhere.conf)"
check "a name without a file: exit status" 2 "$(status_of "$program" check nowhere)"
check_match "a name stands for a file" '/etc/sixin4/nowhere.conf' "$(said "$program" check nowhere)"
check_match "a mistake on the command line" 'command line: mtu: ' "$(said "$program" check --remote 192.0.2.2 --mtu 1)"
check_match "an unknown key on the command line" "command line: .*--colour" "$(said "$program" check --remote 192.0.2.2 --colour blue)"
check_match "an abbreviated key" "command line: .*--remot" "$(said "$program" check --remot 192.0.2.2)"
check "two names: exit status" 1 "$(status_of "$program" check a b)"

# check prints a complete file, which check reads back unchanged. The command line overrides the file.
printf 'remote = tunnel.example # a name\naddress=2001:DB8::2/64 peer 2001:db8::1\naddress = 2001:db8::3/128\ntos = 0x2e\nmtu = 1400\n' >good.conf
"$program" check -c good.conf --mtu 1480 >effective.conf
check "check: the command line overrides the file" "mtu = 1480" "$(grep '^mtu' effective.conf)"
check "check: both addresses" "address = 2001:db8::2/64 peer 2001:db8::1;address = 2001:db8::3/128;" "$(grep '^address' effective.conf | tr '\n' ';')"
check "check: the defaults" "interface = sixin4;local = auto;table = main;ttl = 64;wire = auto;" \
  "$(grep -E '^(interface|local|table|ttl|wire) ' effective.conf | tr '\n' ';')"
check "check: mtu = auto discovers the path MTU" "mtu = auto;pmtudisc = yes;" \
  "$("$program" check --remote 192.0.2.2 --mtu auto | grep -E '^(mtu|pmtudisc) ' | tr '\n' ';')"
check "check: a fixed mtu does not" "pmtudisc = no" "$(grep '^pmtudisc' effective.conf)"
check "check: its output reads back unchanged" "$(cat effective.conf)" "$("$program" check -c effective.conf)"
check "check changes nothing on the host" "" "$(ip -br link show type tun)"

# The message of a failed system call names the call and the remedy.
check "an unknown host name: exit status" 2 "$(status_of near timeout 20 "$program" run --remote no-such-host.invalid --control "$PWD/x.sock")"
check_match "an unknown host name is named" 'no-such-host.invalid' "$(said near timeout 20 "$program" run --remote no-such-host.invalid --control "$PWD/x.sock")"
check_match "no route" 'no IPv4 path to 198.51.100.1: this host has no route to it' "$(said near "$program" run --remote 198.51.100.1 --control "$PWD/x.sock")"
check_match "a local address of another host" "192.0.2.99 is not an address of this host \('local' must be one\)" "$(said near "$program" run --local 192.0.2.99 --remote 192.0.2.2 --control "$PWD/x.sock")"
check_match "a missing link" 'link eth99' "$(said near "$program" run --dev eth99 --remote 192.0.2.2 --control "$PWD/x.sock")"
if [[ -z ${two_hosts_in_user_namespace:-} ]]; then
  # Without privileges; more in capabilities_test.sh.
  unprivileged() { near setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
  chmod 755 .
  cp "$program" ./program
  mkdir -m 777 open
  check "without privileges: exit status" 2 "$(status_of unprivileged ./program run --remote 192.0.2.2 --control "$PWD/open/x.sock")"
  check_match "without privileges: the message" 'CAP_NET_ADMIN \(.*CAP_NET_RAW \(' "$(said unprivileged ./program run --remote 192.0.2.2 --control "$PWD/open/x.sock")"
  check_match "without CAP_NET_RAW" 'CAP_NET_RAW' \
    "$(said near setpriv --bounding-set -net_raw --inh-caps -net_raw "$program" run --remote 192.0.2.2 --control "$PWD/x.sock")"
  check_match "without CAP_NET_ADMIN" 'CAP_NET_ADMIN|not permitted' \
    "$(said near setpriv --bounding-set -net_admin --inh-caps -net_admin "$program" run --remote 192.0.2.2 --control "$PWD/x.sock")"
fi
check "no interface is left" "" "$(near ip -br link show type tun)"

# A running endpoint.
start_endpoint near "$program" --interface near6 --remote 192.0.2.2 --address 2001:db8:41::2/64 >stdout
endpoint=$started
control=$two_hosts_files/near.sock
check "run prints nothing on standard output" "" "$(cat stdout)"
check "run prints one line on standard error" 1 "$(wc -l <near.log)"
check "a second endpoint on the same socket: exit status" 2 "$(status_of near "$program" run --remote 192.0.2.2 --interface other --control "$control")"
check_match "a second endpoint on the same interface" 'near6' "$(said near "$program" run --remote 192.0.2.2 --interface near6 --control "$PWD/x.sock")"
check "show --json has the documented names" \
  "drops far_end flows in interface local mtu offload out path_mtu remote state uptime_s wire wire_reason" \
  "$("$program" show --json --control "$control" | python3 -c 'import json, sys; print(*sorted(json.load(sys.stdin)[0]))')"
check "show --json: the order is that of the manual" "interface" "$("$program" show --json --control "$control" | grep -o '"[a-z_]*"' | head -1 | tr -d '"')"
check_match "the text of show" 'near6: up, 192.0.2.1 > 192.0.2.2, mtu 1280' "$("$program" show --control "$control")"
check "show of a missing endpoint: exit status" 3 "$(status_of "$program" show nobody6)"
check "down of a missing endpoint: exit status" 3 "$(status_of "$program" down nobody6)"
check "reload of a missing endpoint: exit status" 3 "$(status_of "$program" reload nobody6)"
check "down without a name: exit status" 1 "$(status_of "$program" down)"
check "show of all: exit status" 0 "$(status_of "$program" show)"
check "show --json of all is a list" "[" "$("$program" show --json | head -c 1)"
if [[ -z ${two_hosts_in_user_namespace:-} ]]; then
  check "show as an unprivileged user: exit status" 0 "$(status_of unprivileged ./program show --control "$control")"
  check "down as an unprivileged user: exit status" 2 "$(status_of unprivileged ./program down --control "$control")"
  check "the endpoint still runs" 0 "$(status_of kill -0 "$endpoint")"
fi
# No message on the control socket may end the endpoint.
python3 - "$control" <<'END'
import socket, sys
for message in (b"", b"\x00" * 100, b"nonsense", b"x" * 5000):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.connect(sys.argv[1])
        if message:
            client.send(message)
idle = []
for _ in range(100):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect(sys.argv[1])
    idle.append(client)
END
check "invalid messages on the control socket: the endpoint goes on" 0 "$(status_of "$program" show --control "$control")"

# The service manager is notified.
python3 - "$two_hosts_files/notify.sock" >"$two_hosts_files/notified" <<'END' &
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
    manager.bind(sys.argv[1])
    manager.settimeout(10)
    print(manager.recv(100).decode(), flush=True)
END
manager=$!
until_true 5 test -S "$two_hosts_files/notify.sock"
"$program" down --control "$control"
NOTIFY_SOCKET=$two_hosts_files/notify.sock start_endpoint near "$program" --interface near6 --remote 192.0.2.2
wait "$manager" || true
check "the service manager gets READY=1" "READY=1" "$(cat "$two_hosts_files/notified")"
"$program" down --control "$control"

# The default path, by the name of the interface.
background near "$program" run --interface near6-$$ --remote 192.0.2.2 2>named.log
until_true 5 grep -q '^ready' named.log
check "show NAME" 0 "$(status_of "$program" show "near6-$$")"
check_match "show without a name lists it" "near6-$$: up" "$("$program" show)"
check "down NAME" 0 "$(status_of "$program" down "near6-$$")"
check "its socket is gone" no "$([[ -e /run/sixin4/near6-$$.sock ]] && echo yes || echo no)"
finish
