#!/usr/bin/env bash
# While one program floods new ports through a source rule, others can still open connections.
#   flood_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_make

near6=2001:db8:41::2
far6=2001:db8:41::1
start_endpoint near "$program" --interface near6 --remote 192.0.2.2 --address $near6/64 --prefix 2001:db8:42::/64 \
  --route 2001:db8:43::/64 --source 'proto tcp use 2001:db8:42::25' --source 'use 2001:db8:42::53'
start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address $far6/64 --route 2001:db8:42::/64
background far python3 "$here/peers.py" tcp :: 25
until_true 5 listening far 25
# The far host sends no errors, so that its processor keeps up with the flood.
far ip -6 route add blackhole 2001:db8:43::/64

# Each datagram to another port, up to 38,000 a second, until a signal ends it.
cat >"$two_hosts_files/flood.py" <<'END'
import itertools, socket, time
start = time.monotonic()
client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
for number in itertools.count():
    try:
        client.sendto(b"flood", (f"2001:db8:43::{number // 60000:x}", 1 + number % 60000))
    except OSError:
        pass
    if number % 400 == 0:
        time.sleep(max(0, start + number / 38000 - time.monotonic()))
END
# Opens connections one after the other, and prints the source addresses that the server has seen.
cat >"$two_hosts_files/connect.py" <<'END'
import socket, sys
seen = set()
for _ in range(int(sys.argv[2])):
    try:
        with socket.create_connection((sys.argv[1], 25), timeout=5) as client:
            client.sendall(b"who am I?")
            seen.add(client.recv(100).decode().strip())
    except OSError as error:
        seen.add(str(error))
print(*sorted(seen))
END
opens() { # TITLE COUNT
  check "$1" 2001:db8:42::25 "$(near python3 "$two_hosts_files/connect.py" $far6 "$2")"
}

opens 'before the flood a connection opens' 1
background near timeout 120 python3 "$two_hosts_files/flood.py"
flood=$started
until_true 40 eval '(($(of_status near "s[\"flows\"]") == 65536))' || true
check 'the table is full' 65536 "$(of_status near "s['flows']")"
opens 'in the flood connections open' 200
check 'the flood has lasted until then' yes "$(kill "$flood" 2>/dev/null && echo yes)"
wait "$flood" || true
opens 'after the flood connections open' 50
sleep 5
opens 'and 5 s later' 50
check 'nothing is dropped as flow-table-full' 0 "$(drops near out flow-table-full)"
finish
