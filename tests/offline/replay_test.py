#!/usr/bin/env python3
"""The replay verb against the scenarios: what each hands over becomes a capture, and a replay of that has to end with
the scenario's own counters, and send and write its packets byte for byte.

    replay_test.py PROGRAM SCENARIOS
"""

import collections
import fnmatch
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

START = 1700000000 * 10**9
UNITS = {"ms": 10**6, "s": 10**9, "min": 60 * 10**9}
RAW, ETHERNET = 101, 1

# What no capture file can tell a replay: scenarios of nothing else, and statements by the comment that they have.
# Statements that a packet socket has a part in are left out everywhere.
LEFT_OUT = {
    "not-ipv6-out": "from tun comes what looks like the IPv4 side, or like nothing",
    "udp-super-packet-out": "nothing in a UDP super-packet tells its datagrams' size",
}
STATEMENTS_LEFT_OUT = {
    # From tun comes what looks like the IPv4 side, or like the far end's own advertisement.
    "loop-out": ["our outer packet"],
    "egress-filter": ["fe80::c633:6401"],
    # Less than a header, and offload data that contradicts its packet.
    "malformed-out": ["an IPv6 header of 39 bytes", "one byte, version 6", "a checksum*", "segments of no bytes",
                      "a finished checksum", "a UDP datagram called TCP", "TCP called UDP", "a kind that was never offered*",
                      "a TCP header of*", "a fragment"],
    # What no kernel hands to a raw socket of protocol 41.
    "outer-fragment": ["the first", "the last"],
    "outer-malformed": ["no bytes", "19 bytes", "version 6", "ICMP", "a total length of 19"],
    "outer-options-skipped": ["IHL 15 in a packet of 20 bytes", "IHL 4"],
    "icmp-about-somebody-else": [f"{what}, quoting {quoted}" for what in ("host unreachable", "fragmentation needed")
                                 for quoted in ("another protocol", "nothing", "19 bytes", "version 6", "IHL 4",
                                                "IHL 15 in 56 bytes")],
    "icmp-of-other-types": ["source quench (RFC 6633)", "redirect", "echo reply", "echo request", "a type not assigned",
                            "parameter problem about another protocol"],
    # Between two others.
    "outer-source-mismatch": ["both addresses wrong: the source is looked at first"],
    # Segments of another size than the MTU's; and what is answered or not because that one was.
    "larger-than-link-fragmented": ["a super-packet with segments of 3000 bytes"],
    "tcp-super-packet-out": ["1000 + 1000 bytes, PSH ACK"],
    "too-big-out": ["a super-packet of segments of 1481 bytes", "no answer any more",
                    "one more may be answered after a hundredth of a second"],
}

# The tunnel MTU at which super-packets are cut as the scenario has them.
MTU = {"source-rules": 1280, "tcp-super-packet-out": 1280}

# What comes in one batch there is written joined, or answered as one; a capture's packets come one by one.
JOINED = {"coalesced-tcp-in", "coalesced-udp-in", "fragmentation-needed"}

# From outside with a source that could be ours: without the direction nothing tells what this end wrote from what it
# was given.
AMBIGUOUS = {"own-source-from-outside-unfiltered", "unspecified-source"}

failures = 0


def check(what, expected, seen):
    global failures
    if expected == seen:
        print(f"ok: {what}")
    else:
        failures += 1
        print(f"not ok: {what}\n  expected: {expected}\n  saw:      {seen}")


def statements(text):
    """The comment above each, and its words."""
    comment = ""
    for line in text.replace("\n ", " \t").splitlines():
        if line.startswith("#"):
            comment = line[1:].strip()
        words = re.sub(r"#[^\t]*", "", line).split()
        if words:
            yield comment, words


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


def renumbered(packets):
    """Identifications count what leaves without DF; the fragments of a packet have the same."""
    number, result = 0, []
    for packet in packets:
        flags = struct.unpack("!H", packet[6:8])[0]
        if not flags & 0x4000:
            number += not flags & 0x1FFF
            header = packet[:4] + struct.pack("!H", number) + packet[6:10] + bytes(2) + packet[12:20]
            packet = header[:10] + struct.pack("!H", checksum(header)) + header[12:] + packet[20:]
        result.append(packet)
    return result


class Scenario:
    """What a folder's file `packets` says, but for what is left out."""

    def __init__(self, folder):
        settings = dict(line.split(" = ") for line in (folder / "endpoint.conf").read_text().splitlines())
        self.link_mtu, self.given = 1500, []
        self.expected = collections.defaultdict(list)
        self.counters = json.loads((folder / "counters.json").read_text())
        patterns = {pattern: 0 for pattern in STATEMENTS_LEFT_OUT.get(folder.name, ())}
        now, skipped = START, None
        for comment, words in statements((folder / "packets").read_text()):
            options = dict(word.split("=") for word in words if "=" in word)
            times = int(options.get("times", 1))
            if words[0] == "link-mtu":
                self.link_mtu = int(words[1])
            elif words[0] == "wait":
                now += sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([a-z]+)", " ".join(words[1:])))
            elif words[0] == ">":
                if skipped:
                    self.discount(skipped, words[1], bytes_of(words[2:]), options)
                else:
                    self.expected[words[1]] += [bytes_of(words[2:])] * times
            else:
                about, reason = comment.rsplit(": ", 1) if self.is_drop(comment) else (comment, None)
                matching = [pattern for pattern in patterns if fnmatch.fnmatchcase(about, pattern)]
                skipped = words[0] if matching or "packet-socket" in options else None
                for pattern in matching:
                    patterns[pattern] += 1
                if not skipped:
                    packet = icmp_packet(words, settings["local"]) if words[0] == "icmp" else bytes_of(words[1:])
                    self.given += [(now, packet)] * times
                elif reason:
                    drops = self.counters["drops"]["out" if skipped == "tun" else "in"]
                    drops[reason] -= times
                    if not drops[reason]:
                        del drops[reason]
        assert all(patterns.values()), f"{folder.name}: {patterns}"
        if patterns:
            self.expected["wire"] = renumbered(self.expected["wire"])

    def is_drop(self, comment):
        drops = self.counters["drops"]
        return any(comment.endswith(f": {reason}") for reason in [*drops["out"], *drops["in"]])

    def discount(self, came_from, goes_to, packet, options):
        """What would have come of a statement that is left out; errors that answer it count nowhere."""
        if came_from == "tun" and goes_to == "wire":
            self.counters["out"]["packets"] -= not int.from_bytes(packet[6:8], "big") & 0x1FFF
            self.counters["out"]["bytes"] -= len(packet) - 20
        if came_from == "wire" and goes_to == "tun":
            headers = int(options.get("headers", 0))
            size = int(options["gso"].split(":")[1]) if "gso" in options else len(packet)
            count = -(-(len(packet) - headers) // size)
            self.counters["in"]["packets"] -= count
            self.counters["in"]["bytes"] -= len(packet) + (count - 1) * headers


def write_pcap(path, packets, link_type=RAW):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link_type))
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
    configuration = directory / f"{name}.conf"
    settings = (folder / "endpoint.conf").read_text()
    if name in MTU:
        settings, changes = re.subn("(?m)^mtu = .*", f"mtu = {MTU[name]}", settings)
        assert changes == 1
    configuration.write_text(settings)
    base = [capture, "-c", configuration, "--link-mtu", scenario.link_mtu]
    expected = scenario.counters
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
    left_out = json.loads(replay(program, *base[:3], "--json"))["left_out"]
    check(f"{name}: everything is of this tunnel", {"sent": 0, "received": 0, "others": 0, "fragments": 0}, left_out)
    check(f"{name}: twice the same", True, written.read_bytes() == again.read_bytes())
    lines = replay(program, *base)
    check(f"{name}: twice the same lines", True, lines == replay(program, *base) and b"\n" in lines)


def check_again(program, folder, directory):
    """What a replay writes has both forms of every packet, as a live capture has. Replayed itself it comes to the
    same end: what went out is told from what came in, and what this end made itself from what it was given.
    """
    name, scenario = folder.name, Scenario(folder)
    written = directory / f"{name}.pcapng"
    base = ["-c", directory / f"{name}.conf", "--link-mtu", scenario.link_mtu, "--json"]
    first = json.loads(replay(program, directory / f"{name}.pcap", *base))
    second = json.loads(replay(program, written, *base))
    for key in ("out", "in", "drops"):
        check(f"{name}: {key}, replayed from its own capture", first[key], second[key])


CONFIGURATION = """
interface = he6
remote = 198.51.100.1
address = 2001:db8:1::2/64
mtu = 1280
"""
OUTER = bytes.fromhex("4500003c00000000ff29cf62c6336401c0000201")  # from the far end, 60 bytes
INNER = bytes.fromhex("6000000000003b4020010db8ffff00000000000000000001" + "20010db8000100000000000000000002")
OUTWARD = bytes.fromhex("6000000000003b4020010db8000100000000000000000002" + "20010db8ffff00000000000000000001")


def check_command(program, directory):
    """What the command line, the configuration and the capture leave open, or get wrong."""
    configuration, capture = directory / "he6.conf", directory / "one.pcap"
    configuration.write_text(CONFIGURATION)
    write_pcap(capture, [(START + 1, OUTWARD), (START + 1500, OUTER + INNER)])

    def run(*arguments, **options):
        done = subprocess.run([program, "replay", *map(str, arguments)], capture_output=True, text=True,
                              env={"TZ": "UTC"}, **options)
        return done.stdout, done.stderr, done.returncode

    def mistake(what, status, pattern, *arguments, **options):
        _, error, seen = run(*arguments, **options)
        check(f"{what}: exit status", status, seen)
        check(f"{what}: the message", True, bool(re.search(pattern, error)) or error)

    lines, error, _ = run(capture, "-c", configuration)
    check("lines", ["22:13:20.000000 out 2 sent: IP 192.0.2.1 > 198.51.100.1: IP6 2001:db8:1::2 > 2001:db8:ffff::1: no next header, length 0",
                    "22:13:20.000001 in  3 written: IP6 2001:db8:ffff::1 > 2001:db8:1::2: no next header, length 0"],
          lines.splitlines())
    check("the address of `local = auto` is found in the capture", True, "as 192.0.2.1 > 198.51.100.1 mtu 1280" in error)
    with open(capture, "rb") as file:
        mistake("auto on standard input", 1, "he6.conf: local: .* give this end's IPv4 address", "-", "-c", configuration,
                stdin=file)
    named = directory / "named.conf"
    named.write_text("local = 192.0.2.1\n" + CONFIGURATION)
    with open(capture, "rb") as file:
        check("standard input", lines, run("-", "-c", named, stdin=file)[0])
    write_pcap(directory / "bare.pcap", [(START, OUTWARD)])
    mistake("auto without protocol 41", 1, "he6.conf: local: .*bare.pcap has none", directory / "bare.pcap", "-c", configuration)
    (directory / "host.conf").write_text("remote = tunnel.example.net\n")
    mistake("a host name", 1, "host.conf: remote: 'tunnel.example.net' is a host name", capture, "-c", directory / "host.conf")
    mistake("no configuration", 1, "needs -c FILE", capture)
    mistake("no capture", 1, "one capture file", "-c", configuration)
    mistake("no such capture", 1, "nowhere: there is no such file", directory / "nowhere", "-c", named)
    mistake("no such configuration", 2, "nowhere.conf: No such file", capture, "-c", directory / "nowhere.conf")
    (directory / "bad.conf").write_text("mtu = 12\n")
    mistake("a bad configuration", 1, "bad.conf:1: mtu: ", capture, "-c", directory / "bad.conf")
    mistake("a bad link MTU", 1, "--link-mtu: '67'", capture, "-c", configuration, "--link-mtu", 67)
    mistake("two things on standard output", 1, "both want", capture, "-c", configuration, "--json", "-w", "-")
    mistake("its own input", 1, "is the capture that is read", capture, "-c", configuration, "-w", capture)

    done = subprocess.run([program, "replay", capture, "-c", configuration, "-w", "-"], capture_output=True, check=True)
    written = directory / "one.pcapng"
    run(capture, "-c", configuration, "-w", written)
    check("-w -: the same on standard output", written.read_bytes(), done.stdout)
    names, packets = read_pcapng(written)
    check("named after the interface", ["he6 (inner)", "he6 (outer)"], names)
    check("both forms, their ids, directions and times",
          [(0, 2, 2, START), (1, 2, 2, START), (1, 3, 1, START + 1000), (0, 3, 1, START + 1000)],
          [(packet.interface, packet.id, packet.direction, packet.time // 1000 * 1000) for packet in packets])
    if shutil.which("tshark"):
        done = subprocess.run(["tshark", "-r", written, "-T", "fields", "-e", "frame.interface_name", "-e", "frame.packet_id",
                               "-e", "ipv6.src"], capture_output=True, text=True, check=True)
        check("tshark reads it", ["he6 (inner)\t2\t2001:db8:1::2", "he6 (outer)\t2\t2001:db8:1::2",
                                  "he6 (outer)\t3\t2001:db8:ffff::1", "he6 (inner)\t3\t2001:db8:ffff::1"],
              done.stdout.splitlines())

    # Too large, and not all of it in the capture: zeros stand for the rest, and the lengths are right.
    large = OUTWARD[:4] + struct.pack("!H", 1300) + OUTWARD[6:]
    with open(directory / "cut.pcap", "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 64, RAW))
        file.write(struct.pack("<IIII", START // 10**9, 0, 40, 1340) + large)
    told, error, _ = run(directory / "cut.pcap", "-c", named, "--json")
    check("a packet that was cut short is judged by its length", ({"too-big": 1}, 1, True),
          (json.loads(told)["drops"]["out"], json.loads(told)["out"]["icmp_errors"], "zeros stand for the rest" in error))
    mistake("its own input as standard input", 1, "one.pcap is the capture that is read", "-", "-c", named, "-w", capture,
            stdin=open(capture, "rb"))

    # A router's word about a packet of ours, and what follows from it.
    quoted = OUTER[:12] + OUTER[16:20] + OUTER[12:16] + OUTWARD
    told = icmp_packet(["icmp", "3", "4", "mtu=1400", quoted.hex()], "192.0.2.1")
    automatic = directory / "automatic.conf"
    automatic.write_text(named.read_text().replace("mtu = 1280", "mtu = auto"))
    write_pcap(directory / "told.pcap", [(START, told)])
    lines = run(directory / "told.pcap", "-c", automatic)[0].splitlines()
    check("cause and effect, in this order", [" in  - taken: IP 203.0.113.9 > 192.0.2.1: ICMP unreachable, need to frag, mtu 1400",
                                              " in  3 answered: IP6 2001:db8:1::2 > 2001:db8:1::2: ICMP6, packet too big, mtu 1380"],
          [line[15:].split(", length")[0] for line in lines])
    # What the kernel would have thrown away arrives nowhere.
    for what, place in (("an ICMP checksum", 22), ("an IPv4 header checksum", 10)):
        wrong = bytearray(told)
        wrong[place] ^= 0x55
        write_pcap(directory / "wrong.pcap", [(START, wrong)])
        one = json.loads(run(directory / "wrong.pcap", "-c", automatic, "--json")[0])
        check(f"{what} that is wrong", (1480, 1), (one["path_mtu"] - 20, one["left_out"]["others"]))

    # Of another link is what no router passes on.
    chatter = OUTWARD[:8] + socket.inet_pton(socket.AF_INET6, "fe80::1") + socket.inet_pton(socket.AF_INET6, "ff02::fb")
    write_pcap(directory / "lan.pcap", [(START, bytes(12) + b"\x86\xdd" + data) for data in (chatter, OUTWARD)], ETHERNET)
    one = json.loads(run(directory / "lan.pcap", "-c", named, "--json")[0])
    check("a link's own packets are left out", (1, 1), (one["out"]["packets"], one["left_out"]["others"]))

    # An interface's name is any bytes, JSON is UTF-8.
    odd = directory / "odd.conf"
    odd.write_bytes(named.read_bytes().replace(b"he6", b"h\xe96"))
    check("a name that is no UTF-8", "h\ufffd6", json.loads(run(capture, "-c", odd, "--json")[0])["interface"])

    # Nobody reads on where nobody takes what comes of it.
    write_pcap(directory / "many.pcap", [(START, OUTER + INNER)] * 20000)
    with open(directory / "many.pcap", "rb") as source, open("/dev/full", "w") as full:
        done = subprocess.run([program, "replay", "-", "-c", named], stdin=source, stdout=full, stderr=subprocess.PIPE, text=True)
        position = os.lseek(source.fileno(), 0, os.SEEK_CUR)
    check("a full disk", (2, "sixin4: cannot write to standard output: No space left on device", True),
          (done.returncode, done.stderr.strip(), position < 10**6 or position))
    mistake("a full disk with -w", 2, "cannot write /dev/full: No space left", directory / "many.pcap", "-c", named, "-w",
            "/dev/full")

    # The capture's clock may go back; the engine's does not.
    write_pcap(directory / "back.pcap", [(START, OUTER + INNER), (START - 10**12, OUTER + INNER), (0, OUTER + INNER)])
    check("time that goes back", 3, json.loads(run(directory / "back.pcap", "-c", named, "--json")[0])["in"]["packets"])


def main():
    program, folders = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as directory:
        for folder in sorted(path.parent for path in folders.glob("*/counters.json")):
            if folder.name not in LEFT_OUT:
                check_scenario(program, folder, pathlib.Path(directory))
                # Of ICMP errors on the IPv4 side there is nothing in a capture of the tunnel's packets.
                has_icmp = re.search("^icmp", (folder / "packets").read_text(), re.MULTILINE)
                if not has_icmp and folder.name not in AMBIGUOUS:
                    check_again(program, folder, pathlib.Path(directory))
        check_command(program, pathlib.Path(directory))
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
