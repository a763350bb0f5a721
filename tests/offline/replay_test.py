#!/usr/bin/env python3
"""The replay verb against the scenarios: what each hands over becomes a capture, and a replay of that has to end with
the scenario's own counters, and send and write its packets byte for byte.

    replay_test.py PROGRAM SCENARIOS
"""

import collections
import json
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile

START = 1700000000 * 10**9
UNITS = {"ms": 10**6, "s": 10**9, "min": 60 * 10**9}
RAW = 101

# What no capture file can tell a replay.
LEFT_OUT = {
    "not-ipv6-out": "from tun comes what looks like the IPv4 side",
    "malformed-out": "offload data that contradicts its packet",
    "outer-fragment": "the kernel would put fragments together",
    "outer-malformed": "what no kernel hands to a raw socket",
    "outer-options-skipped": "what no kernel hands to a raw socket, among others",
    "icmp-about-somebody-else": "what no kernel hands to a raw socket of protocol 41, among others",
    "icmp-of-other-types": "what no kernel hands to a raw socket",
    "egress-filter": "what looks like the far end's own advertisement",
    "loop-out": "from tun comes what looks like the IPv4 side",
    "outer-source-mismatch": "one packet is between others, and does not name this tunnel",
    "larger-than-link-fragmented": "segments of another size than the MTU's",
    "source-rules": "segments of another size than the MTU's",
    "tcp-super-packet-out": "segments of another size than the MTU's",
    "too-big-out": "segments of another size than the MTU's",
    "merged-udp-in": "a packet socket tells of joined datagrams",
    "padding-cut": "a packet socket tells of joined datagrams",
    "unfinished-checksum-in": "a packet socket tells of unfinished checksums",
    "udp-super-packet-out": "nothing in a UDP super-packet tells its datagrams' size",
}

# What comes in one batch there is written joined, or answered as one; a capture's packets come one by one.
JOINED = {"coalesced-tcp-in", "coalesced-udp-in", "fragmentation-needed"}

failures = 0


def check(what, expected, seen):
    global failures
    if expected == seen:
        print(f"ok: {what}")
    else:
        failures += 1
        print(f"not ok: {what}\n  expected: {expected}\n  saw:      {seen}")


def statements(text):
    for line in re.sub(r"#.*", "", text).replace("\n ", " ").splitlines():
        if line.split():
            yield line.split()


def bytes_of(words):
    text = "".join(word for word in words if word != "-" and "=" not in word)
    return bytes.fromhex(re.sub(r"\{(\w+)\*(\d+)\}", lambda match: match[1] * int(match[2]), text))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) // 2 * 2])) + (data[-1] << 8) * (len(data) % 2)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def icmp_packet(words, local):
    """What a router sends to this end."""
    mtu = int(words[3][4:]) if words[3].startswith("mtu=") else 0
    message = struct.pack("!BBHHH", int(words[1]), int(words[2]), 0, 0, mtu) + bytes_of(words[3:])
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(message), 1, 0, 60, 1, 0, socket.inet_aton("203.0.113.9"),
                         socket.inet_aton(local))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + message


class Scenario:
    """What a folder's file `packets` says."""

    def __init__(self, folder):
        settings = dict(line.split(" = ") for line in (folder / "endpoint.conf").read_text().splitlines())
        self.link_mtu, self.given = 1500, []
        self.expected = collections.defaultdict(list)
        now = START
        for words in statements((folder / "packets").read_text()):
            if words[0] == "link-mtu":
                self.link_mtu = int(words[1])
            elif words[0] == "wait":
                now += sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([a-z]+)", " ".join(words[1:])))
            else:
                times = int(dict(word.split("=") for word in words if "=" in word).get("times", 1))
                if words[0] == ">":
                    self.expected[words[1]] += [bytes_of(words[2:])] * times
                else:
                    packet = icmp_packet(words, settings["local"]) if words[0] == "icmp" else bytes_of(words[1:])
                    self.given += [(now, packet)] * times


def write_pcap(path, packets):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, RAW))
        for time, data in packets:
            file.write(struct.pack("<IIII", time // 10**9, time % 10**9, len(data), len(data)) + data)


def blocks(data):
    """Kind and body of each block of a pcapng file."""
    while data:
        kind, length = struct.unpack("<II", data[:8])
        yield kind, data[8 : length - 4]
        data = data[length:]


def options_of(data):
    options = {}
    while data:
        code, length = struct.unpack("<HH", data[:4])
        if code == 0:
            break
        options[code] = data[4 : 4 + length]
        data = data[4 + length + -length % 4 :]
    return options


Packet = collections.namedtuple("Packet", "interface time data direction id comment")


def read_pcapng(path):
    """Names of the interfaces, and packets."""
    names, packets = [], []
    for kind, body in blocks(path.read_bytes()):
        if kind == 1:
            names.append(options_of(body[8:])[2].decode())
        if kind == 6:
            interface, high, low, kept, _ = struct.unpack("<IIIII", body[:20])
            options = options_of(body[20 + kept + -kept % 4 :])
            packets.append(Packet(interface, (high << 32) + low, body[20 : 20 + kept], options[2][0] & 3,
                                  struct.unpack("<Q", options[5])[0], options.get(1, b"").decode()))
    return names, packets


def replay(program, *arguments):
    return subprocess.run([program, "replay", *map(str, arguments)], capture_output=True, check=True).stdout


def check_scenario(program, folder, directory):
    name, scenario = folder.name, Scenario(folder)
    capture, written = directory / f"{name}.pcap", directory / f"{name}.pcapng"
    write_pcap(capture, [(time, data) for time, data in scenario.given if data])
    base = [capture, "-c", folder / "endpoint.conf", "--link-mtu", scenario.link_mtu]
    expected = json.loads((folder / "counters.json").read_text())
    told = json.loads(replay(program, *base, "--json"))
    seen = {way: {what: told[way][what] for what in ("packets", "bytes")} for way in ("out", "in")}
    check(f"{name}: counters", expected, {**seen, "drops": told["drops"]})

    replay(program, *base, "-w", written)
    names, packets = read_pcapng(written)
    check(f"{name}: interfaces", ["sixin4 (inner)", "sixin4 (outer)"], names)
    left = [packet.data for packet in packets if packet.interface == 1 and packet.direction == 2]
    to_host = [packet.data for packet in packets if packet.interface == 0 and packet.direction == 1]
    check(f"{name}: sent byte for byte", scenario.expected["wire"], left)
    if name not in JOINED:
        check(f"{name}: written byte for byte", scenario.expected["tun"], to_host)
    reasons = collections.Counter(packet.comment for packet in packets if packet.comment)
    drops = collections.Counter()
    for way in ("out", "in"):
        for reason, count in expected["drops"][way].items():
            if not reason.startswith("icmp-"):
                drops[f"drop: {reason}"] += count
    check(f"{name}: drops in the capture", drops, reasons)

    again = directory / "again.pcapng"
    replay(program, *base, "-w", again)
    left_out = json.loads(replay(program, *base[:1], "-c", folder / "endpoint.conf", "--json"))["left_out"]
    check(f"{name}: everything is of this tunnel", {"sent": 0, "received": 0, "others": 0, "fragments": 0}, left_out)
    check(f"{name}: twice the same", True, written.read_bytes() == again.read_bytes())
    lines = replay(program, *base)
    check(f"{name}: twice the same lines", True, lines == replay(program, *base) and b"\n" in lines)


def main():
    program, folders = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as directory:
        for folder in sorted(path.parent for path in folders.glob("*/counters.json")):
            if folder.name not in LEFT_OUT:
                check_scenario(program, folder, pathlib.Path(directory))
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
