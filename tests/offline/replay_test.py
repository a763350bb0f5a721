#!/usr/bin/env python3
"""The verb replay with the scenarios. The packets of each scenario become a capture. Its replay must end with the
counters of the scenario, and send and write the packets of the scenario byte for byte.

    replay_test.py PROGRAM SCENARIOS
"""

import collections
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

sys.dont_write_bytecode = True

from judges import check, finish  # noqa: E402
from replayed_scenarios import LEFT_OUT, MTU, START, Scenario, icmp_packet  # noqa: E402

RAW, ETHERNET = 101, 1

# In these scenarios the packets of a batch are joined, or answered together. A replay has one packet a batch.
JOINED = {"coalesced-tcp-in", "coalesced-udp-in", "fragmentation-needed"}

# Inward packets with a source of ours: a capture without directions does not tell them from outward packets.
AMBIGUOUS = {"own-source-from-outside-unfiltered", "unspecified-source"}


def write_pcap(path, packets, link_type=RAW):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link_type))
        for time, data in packets:
            file.write(struct.pack("<IIII", time // 10**9, time % 10**9, len(data), len(data)) + data)


def blocks(data):
    """Yield type and body of each block of a pcapng file."""
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
    """Return the names of the interfaces and the packets."""
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
    """The file that a replay writes has both forms of every packet, like a live capture. A replay of that file must
    give the same counters: it has to recognise outward and inward packets, and packets that this end made itself.
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
OUTER = bytes.fromhex("4500003c00000000ff29cf62c6336401c0000201")  # from the far end; the whole packet has 60 bytes
INNER = bytes.fromhex("6000000000003b4020010db8ffff00000000000000000001" + "20010db8000100000000000000000002")
OUTWARD = bytes.fromhex("6000000000003b4020010db8000100000000000000000002" + "20010db8ffff00000000000000000001")


def check_command(program, directory):
    """Options, defaults and mistakes of the command line, the configuration and the capture."""
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

    # A packet that is too large and was cut by the capture: zeros stand for the rest, and the lengths are right.
    large = OUTWARD[:4] + struct.pack("!H", 1300) + OUTWARD[6:]
    with open(directory / "cut.pcap", "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 64, RAW))
        file.write(struct.pack("<IIII", START // 10**9, 0, 40, 1340) + large)
    told, error, _ = run(directory / "cut.pcap", "-c", named, "--json")
    check("a packet that was cut short is judged by its length", ({"too-big": 1}, 1, True),
          (json.loads(told)["drops"]["out"], json.loads(told)["out"]["icmp_errors"], "zeros stand for the rest" in error))
    mistake("its own input as standard input", 1, "one.pcap is the capture that is read", "-", "-c", named, "-w", capture,
            stdin=open(capture, "rb"))

    # An ICMP error about a packet of ours, and its consequences.
    quoted = OUTER[:12] + OUTER[16:20] + OUTER[12:16] + OUTWARD
    told = icmp_packet(["icmp", "3", "4", "mtu=1400", quoted.hex()], "192.0.2.1")
    automatic = directory / "automatic.conf"
    automatic.write_text(named.read_text().replace("mtu = 1280", "mtu = auto"))
    write_pcap(directory / "told.pcap", [(START, told)])
    lines = run(directory / "told.pcap", "-c", automatic)[0].splitlines()
    check("cause and effect, in this order", [" in  - taken: IP 203.0.113.9 > 192.0.2.1: ICMP unreachable, need to frag, mtu 1400",
                                              " in  3 answered: IP6 2001:db8:1::2 > 2001:db8:1::2: ICMP6, packet too big, mtu 1380"],
          [line[15:].split(", length")[0] for line in lines])
    # Packets that the kernel would have dropped are left out.
    for what, place in (("an ICMP checksum", 22), ("an IPv4 header checksum", 10)):
        wrong = bytearray(told)
        wrong[place] ^= 0x55
        write_pcap(directory / "wrong.pcap", [(START, wrong)])
        one = json.loads(run(directory / "wrong.pcap", "-c", automatic, "--json")[0])
        check(f"{what} that is wrong", (1480, 1), (one["path_mtu"] - 20, one["left_out"]["others"]))

    # If the kernel drops one fragment, the packet is incomplete.
    payload = INNER[:4] + struct.pack("!H", 1000) + INNER[6:] + bytes(1000)

    def fragment(offset, data, more, length=None, damage=0):
        header = bytearray(OUTER[:2] + struct.pack("!HHH", length or 20 + len(data), 7, offset // 8 | more << 13) + OUTER[8:10] +
                           b"\0\0" + OUTER[12:])
        total = sum(struct.unpack("!10H", header))
        total = (total & 0xFFFF) + (total >> 16)
        header[10:12] = struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF ^ damage)
        return bytes(header) + data

    for what, middle, others in (("whole", fragment(400, payload[400:800], 1), 0),
                                 ("with a wrong header checksum", fragment(400, payload[400:800], 1, damage=0x55), 1),
                                 ("shorter than it says", fragment(400, payload[400:700], 1, length=420), 1)):
        write_pcap(directory / "pieces.pcap", [(START, fragment(0, payload[:400], 1)), (START, middle),
                                               (START, fragment(800, payload[800:], 0))])
        one = json.loads(run(directory / "pieces.pcap", "-c", named, "--json")[0])
        check(f"a fragment {what}", (1 - others, others, 2 * others),
              (one["in"]["packets"], one["left_out"]["others"], one["left_out"]["fragments"]))

    # A packet whose inner header was not captured is left out.
    with open(directory / "beginning.pcap", "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 25, RAW))
        file.write(struct.pack("<IIII", START // 10**9, 0, 25, 60) + (OUTER + INNER)[:25])
    one = json.loads(run(directory / "beginning.pcap", "-c", named, "--json")[0])
    check("an inner header that is not there", (0, {}, 1), (one["in"]["packets"], one["drops"]["in"], one["left_out"]["others"]))

    # The packets before the end of a damaged file are replayed, in every output format.
    (directory / "torn.pcap").write_bytes(capture.read_bytes()[:-1])
    told, error, status = run(directory / "torn.pcap", "-c", named, "--json")
    check("a file that is cut", (1, 1, True), (status, json.loads(told)["out"]["packets"], "truncated" in error or error))

    # `local = auto` needs a file that can be read twice.
    pipe = directory / "pipe"
    os.mkfifo(pipe)
    mistake("a FIFO", 1, "not standard input or a pipe", pipe, "-c", configuration, timeout=20)

    # Packets that no router forwards belong to another link.
    chatter = OUTWARD[:8] + socket.inet_pton(socket.AF_INET6, "fe80::1") + socket.inet_pton(socket.AF_INET6, "ff02::fb")
    write_pcap(directory / "lan.pcap", [(START, bytes(12) + b"\x86\xdd" + data) for data in (chatter, OUTWARD)], ETHERNET)
    one = json.loads(run(directory / "lan.pcap", "-c", named, "--json")[0])
    check("a link's own packets are left out", (1, 1), (one["out"]["packets"], one["left_out"]["others"]))

    # The name of an interface may be any bytes. JSON is UTF-8: other bytes are escaped.
    odd = directory / "odd.conf"
    odd.write_bytes(named.read_bytes().replace(b"he6", b"h\xe96"))
    check("a name that is no UTF-8", "h\\xe96", json.loads(run(capture, "-c", odd, "--json")[0])["interface"])

    # A failed write ends the replay early.
    write_pcap(directory / "many.pcap", [(START, OUTER + INNER)] * 20000)
    with open(directory / "many.pcap", "rb") as source, open("/dev/full", "w") as full:
        done = subprocess.run([program, "replay", "-", "-c", named], stdin=source, stdout=full, stderr=subprocess.PIPE, text=True)
        position = os.lseek(source.fileno(), 0, os.SEEK_CUR)
    check("a full disk", (2, "sixin4: cannot write to standard output: No space left on device", True),
          (done.returncode, done.stderr.strip(), position < 10**6 or position))
    mistake("a full disk with -w", 2, "cannot write /dev/full: No space left", directory / "many.pcap", "-c", named, "-w",
            "/dev/full")

    # The time in a capture may go back. The engine's time does not.
    write_pcap(directory / "back.pcap", [(START, OUTER + INNER), (START - 10**12, OUTER + INNER), (0, OUTER + INNER)])
    check("time that goes back", 3, json.loads(run(directory / "back.pcap", "-c", named, "--json")[0])["in"]["packets"])


def main():
    program, folders = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as directory:
        for folder in sorted(path.parent for path in folders.glob("*/counters.json")):
            if folder.name not in LEFT_OUT:
                check_scenario(program, folder, pathlib.Path(directory))
                # A capture of the tunnel's packets has no ICMP errors of the underlay.
                has_icmp = re.search("^icmp", (folder / "packets").read_text(), re.MULTILINE)
                if not has_icmp and folder.name not in AMBIGUOUS:
                    check_again(program, folder, pathlib.Path(directory))
        check_command(program, pathlib.Path(directory))
    finish()


if __name__ == "__main__":
    main()
