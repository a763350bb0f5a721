#!/usr/bin/env bash
# The number of captures that an endpoint allows, and their memory.
#   capture_limits_test.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
two_hosts_make

# Starts captures until one is refused. Prints the number of captures, the MiB of their memory, the growth in MiB of the
# endpoint's peak memory by the refused capture, and the error text.
cat >"$two_hosts_files/captures.py" <<'END'
import array, json, os, re, socket, sys

path, process = sys.argv[1:]

def found(pattern, file):
    with open(f"/proc/{process}/{file}") as text:
        return re.findall(pattern, text.read(), re.M)

def largest_ever():
    return int(found(r"^VmHWM:\s+(\d+) kB", "status")[0]) >> 10

def memory():
    return sum(int(end, 16) - int(start, 16) for start, end in found(r"^(\w+)-(\w+) .*memfd:sixin4-capture", "maps")) >> 20

clients = []
while True:
    before = largest_ever()
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect(path)
    client.send(b"capture 1000")
    text, descriptors, _, _ = socket.recv_fds(client, 1 << 20, 253)
    for descriptor in descriptors:
        os.close(descriptor)
    answer = json.loads(text)
    if "error" in answer:
        break
    clients.append(client)
    if memory() > 1000:
        answer = {"error": "nothing"}
        break
print(len(clients), memory(), largest_ever() - before, answer["error"])
END
captures() { timeout 60 python3 "$two_hosts_files/captures.py" "$two_hosts_files/near.sock" "$endpoint"; }

for queues in 1 8 64; do
  start_endpoint near "$program" --interface near6 --remote 192.0.2.2 --address 2001:db8:41::2/64 --queues $queues
  endpoint=$started
  read -r count memory growth refusal <<<"$(captures)"
  check "$queues queues: between 5 and 24 captures at once" yes "$( ((count >= 5 && count <= 24)) && echo yes || echo "$count")"
  check "$queues queues: their memory is at most 512 MiB" yes "$( ((memory <= 512)) && echo yes || echo "$memory MiB")"
  check "$queues queues: a refused capture takes no memory" yes "$( ((growth < 8)) && echo yes || echo "$growth MiB")"
  check_match "$queues queues: its error names the remedy" 'end (one of them|another capture)' "$refusal"
  until_true 5 eval '! grep -q memfd:sixin4-capture "/proc/$endpoint/maps"' || true
  check "$queues queues: all memory is freed at the end" 0 "$(grep -c memfd:sixin4-capture "/proc/$endpoint/maps" || true)"
  check_match "$queues queues: captures are possible again" 'end (one of them|another capture)' "$(captures)"
  "$program" down --control "$two_hosts_files/near.sock"
done
finish
