#!/usr/bin/python3
"""The verbs decode and replay with pcapng files of several link types, damaged files and compressed files. tshark
checks the output; mergecap and editcap write some of the files.

    pcapng_test.py PROGRAM

The interpreter is that of Debian, because python3-scapy is installed for it.
"""

import bz2
import gzip
import json
import lzma
import pathlib
import re
import resource
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from judges import check, finish, need, run, skip, tshark  # noqa: E402
from pcapng_files import ENHANCED, INTERFACE, START, Section, strange_blocks  # noqa: E402

try:
    from scapy.all import raw
except ImportError:
    skip("scapy (python3-scapy) is not installed")

import captures  # noqa: E402

NANOSECONDS, MILLISECONDS, BINARY = 9, 3, 0x80


def frames_of(name):
    """Link type number of a name in captures.py, and the function that makes the frame of an IPv4 packet."""
    return next((link_type, frame) for kind, link_type, frame in captures.framings() if kind == name)


PACKETS = [captures.outer(inner) for inner in captures.inner_packets()]


def mixed(order, names, resolutions, offsets=None):
    """A section with an interface for each name. Each interface has all packets; other blocks are between them."""
    section = Section(order)
    kinds = [frames_of(name) for name in names]
    for number, (link_type, _) in enumerate(kinds):
        section.interface(link_type, 65535 if number % 2 else 0, resolutions[number % len(resolutions)],
                          (offsets or [None])[number % len(offsets or [None])])
    for number, packet in enumerate(PACKETS * len(kinds)):
        interface = number % len(kinds)
        frame = raw(kinds[interface][1](packet))
        seconds = START + number + number / 1024
        if number % 3 == 0:
            section.packet(interface, seconds, frame)
        else:
            section.enhanced(interface, seconds, frame, options=section.option(1, b"a comment") + section.option(0, b""))
        if number % 5 == 0:
            strange_blocks(section)
    return section


class Tests:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def decode(self, *arguments, **options):
        return run(self.program, "decode", *arguments, **options)

    def check_by_tshark(self, what, path, count):
        """Compare times, lengths and addresses of every packet with tshark, from a file and from a pipe."""
        lines, error, status = self.decode(path, "--json")
        check(f"{what}: exit status, packets", (0, count), (status, len(lines)) if status == 0 else (status, error))
        if status != 0:
            return
        ours = []
        for one in map(json.loads, lines):
            outer, inner = one["layers"]
            ours.append(f"{one['time']};{outer['source']};{outer['length']};{inner['source']};{inner['length'] - 40}")
        theirs = [re.sub(r"^(\d+\.\d{9});([\d.]+)[^;]*;(\d+)[^;]*;([^;,]*)[^;]*;(\d+).*", r"\1;\2;\3;\4;\5", line)
                  for line in tshark(path, "frame.time_epoch", "ip.src", "ip.len", "ipv6.src", "ipv6.plen")
                  if ";;" not in line]  # tshark shows some blocks that are no packets
        check(f"{what}: as tshark has it", theirs, ours)
        with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as source:
            piped = self.decode("-", "--json", stdin=source.stdout)
        check(f"{what}: the same from a pipe", (lines, status), (piped[0], piped[2]))

    def interfaces(self):
        names = ["ethernet", "raw", "sll2", "sll", "qinq", "pppoe", "ppp", "cisco-hdlc", "ipv4", "null-little"]
        resolutions = [None, NANOSECONDS, MILLISECONDS, 0, 10, BINARY | 10, BINARY | 20, BINARY | 30]
        for order in "<>":
            section = mixed(order, names, resolutions, [None, -3600, 86400, 0])
            path = self.write("mixed.pcapng", section.data)
            self.check_by_tshark(f"ten link types, byte order {order}", path, 70)
        other = mixed(">", names[::-1], [BINARY | 20, NANOSECONDS])
        path = self.write("sections.pcapng", section.data + other.data + mixed("<", ["raw"], [None]).data)
        self.check_by_tshark("three sections", path, 147)
        filtered = self.decode(path, "tcp port 80")[0]
        check("a filter holds for every link type", 63, len(filtered))
        check("and finds TCP only", True, all("Flags" in line for line in filtered))
        out = self.folder / "inner.pcapng"
        check("-w of all link types", ([], 0), self.decode(path, "-w", out)[::2])
        check("-w: tshark reads them", ["ipv6"] * 147, [line.split(":")[1] for line in tshark(out, "frame.protocols")])

    def simple_packets(self):
        """Simple packet blocks have no time, and are cut at the snapshot length of the first interface."""
        section = Section().interface(frames_of("raw")[0], 90).interface(frames_of("ethernet")[0])
        for packet in PACKETS:
            section.simple(raw(packet)[:90], len(packet))
        lines, error, status = self.decode(self.write("simple.pcapng", section.data))
        check("simple packets", (7, 0), (len(lines), status) if status == 0 else error)
        check("simple packets have no time", {"00:00:00.000000"}, {line.split()[0] for line in lines})
        kept = [line.endswith("[truncated]") for line in lines]
        check("simple packets: cut where the snapshot ends", [len(packet) > 90 for packet in PACKETS], kept)

    def unknown_link_types(self):
        """Packets of an unknown link type do not prevent reading the other interfaces."""
        section = Section().interface(captures.IEEE80211).interface(frames_of("ethernet")[0]).interface(189)
        for number, packet in enumerate(PACKETS):
            section.enhanced(0, START, b"\x08" + bytes(50)).enhanced(1, START + number, raw(frames_of("ethernet")[1](packet)))
        section.enhanced(2, START, bytes(64))
        lines, error, status = self.decode(self.write("some.pcapng", section.data))
        check("beside unknown link types", (7, 0), (len(lines), status) if status == 0 else error)
        check("unknown link types are counted", "15 packets, 7 of 6in4, 8 of link types that sixin4 does not know, such as "
              "IEEE802_11 (105), 802.11", error.strip())
        section = Section().interface(captures.IEEE80211).enhanced(0, START, bytes(50))
        lines, error, status = self.decode(self.write("wireless.pcapng", section.data))
        check("nothing but unknown link types", (1, True),
              (status, "wireless.pcapng: sixin4 does not know the link type IEEE802_11 (105), 802.11" in error))

    def merged(self):
        """Files of mergecap with several link types."""
        names = ["ethernet", "raw", "sll2", "ppp", "qinq"]
        for name in names:
            link_type, frame = frames_of(name)
            captures.write_pcap(self.folder / f"{name}.pcap", link_type, [frame(packet) for packet in PACKETS],
                                nanoseconds=name != "raw")
        path = self.folder / "merged.pcapng"
        _, error, status = run("mergecap", "-F", "pcapng", "-w", path, *(self.folder / f"{name}.pcap" for name in names))
        check("mergecap", 0, status)
        self.check_by_tshark("mergecap", path, 35)
        joined = self.folder / "joined.pcapng"
        _, error, status = run("mergecap", "-a", "-F", "pcapng", "-w", joined, path, self.folder / "sll2.pcap", self.folder / "qinq.pcap")
        check("mergecap -a", 0, status if status == 0 else error)
        self.check_by_tshark("mergecap -a", joined, 49)
        for options in ((), ("-s", "90"), ("-t", "-7200.25"), ("-a", "3:a comment")):
            run("editcap", "-F", "pcapng", *options, path, self.folder / "edited.pcapng")
            self.check_by_tshark(f"editcap {' '.join(options)}", self.folder / "edited.pcapng", 35)

    def replayed(self):
        """replay of two interfaces with different link types, one of them with bare packets."""
        configuration = self.write("he6.conf", f"local = {captures.NEAR}\nremote = {captures.FAR}\n"
                                               f"prefix = 2001:db8:1::/48\n".encode())
        section = Section("<").interface(frames_of("ethernet")[0]).interface(frames_of("raw")[0], resolution=NANOSECONDS)
        inner = captures.inner_packets()
        inward = captures.IP(src=captures.FAR, dst=captures.NEAR, proto=41, ttl=61) / inner[1]
        section.enhanced(0, START, raw(captures.ethernet(inward))).enhanced(1, START + 1, raw(inner[0]))
        lines, error, status = run(self.program, "replay", self.write("both.pcapng", section.data), "-c", configuration)
        check("replay: exit status", 0, status if status == 0 else error)
        check("replay: both interfaces' packets", ["in ", "out"], [line[16:19] for line in lines])
        check("replay: the counts", True, "2 packets: 1 outward, 1 inward" in error)

    def damaged(self):
        """Packets before the damage are printed, and the message names the damage."""
        def good():
            section = Section("<").interface(frames_of("ethernet")[0]).interface(frames_of("raw")[0])
            return section.enhanced(0, START, raw(captures.ethernet(PACKETS[0]))).enhanced(1, START + 1, raw(PACKETS[1]))

        frame = raw(PACKETS[2])
        at = len(good().data)
        enhanced = good().pack("IIIII", 0, 0, 0, len(frame), len(frame)) + frame
        cases = {
            "a length at the end that is another": (good().add(ENHANCED, enhanced, at_end=40), r"a length of 40 at its end"),
            "an unknown block's likewise": (good().add(0xBAD, bytes(40), at_end=40), r"52 bytes, with a length of 40 at its end"),
            "a length that is no multiple of 4": (good().add(ENHANCED, enhanced, claimed=101), r"101 bytes, which is no multiple"),
            "a length of nothing": (good().add(ENHANCED, enhanced, claimed=0), r"0 bytes, which is too short"),
            "a length too short for a packet": (good().add(ENHANCED, bytes(8)), r"20 bytes, which is too short"),
            "a length of 2 GiB": (good().add(ENHANCED, enhanced, claimed=0x7FFFFFFC), r"16777216 are read at most"),
            "a length of 16 MiB in a short file": (good().add(ENHANCED, enhanced, claimed=1 << 24), r"the file ends within"),
            "an unknown block that does not end": (good().add(0xBAD, b"", claimed=0xFFFFFFFC), r"the file ends within"),
            "a packet longer than its block": (
                good().add(ENHANCED, good().pack("IIIII", 0, 0, 0, 0xFFFFFFFF, 60) + bytes(60)), r"4294967295 bytes is longer"),
            "a simple packet longer than its block": (good().simple(b"x" * 40, 1000), r"1000 bytes is longer"),
            "an interface that is not there": (
                good().add(ENHANCED, good().pack("IIIII", 2, 0, 0, 4, 4) + b"\x45\0\0\0"),
                r"interface 2, but 2 interfaces are described"),
            "an obsolete packet's interface": (
                good().add(2, good().pack("HHIIII", 65535, 0, 0, 0, 4, 4) + b"\x45\0\0\0"), r"interface 65535, but 2 interfaces are"),
            "an option that runs out": (
                good().add(INTERFACE, good().pack("HHI", 1, 0, 0) + good().pack("HH", 2, 100)), r"interface 2: option 2 of 100"),
            "a time resolution of no bytes": (
                good().add(INTERFACE, good().pack("HHI", 1, 0, 0) + good().pack("HH", 9, 0)), r"option 9 of 0 bytes"),
            "a time offset of four bytes": (
                good().add(INTERFACE, good().pack("HHI", 1, 0, 0) + good().pack("HHI", 14, 4, 1)), r"option 14 of 4 bytes"),
            "a section of another version": (good(), r"version 2\.0 of the format"),
            "a section without its magic": (good(), r"without the byte-order magic"),
        }
        for what, (section, pattern) in cases.items():
            data = section.data
            if "version" in what:
                data += Section(version=(2, 0)).data
            if "magic" in what:
                data += Section().data.replace(struct.pack("<I", 0x1A2B3C4D), bytes(4))
            path = self.write("damaged.pcapng", data)
            for source in (path, "-"):
                with open(path, "rb") as file:
                    lines, error, status = self.decode(source, stdin=file)
                check(f"{what}: packets in front of it, exit status", (2, 1), (len(lines), status))
                check(f"{what}: the message", True,
                      bool(re.search(rf"{re.escape(str(source))}: byte {at}: .*{pattern}", error)) or error)
        whole = good().data
        bare = Section().simple(b"x").data
        _, error, status = self.decode(self.write("damaged.pcapng", bare))
        check("a packet without any interface", (1, True), (status, "no interface is described" in error))
        for cut in range(at - 4, at):
            lines, error, status = self.decode(self.write("damaged.pcapng", whole[:cut]))
            check(f"cut at {cut}", (1, 1, True), (len(lines), status, "the file ends within the block" in error))
        crowd = Section()
        crowd.data += Section().interface(101).data[28:] * 65537
        _, error, status = self.decode(self.write("damaged.pcapng", crowd.data))
        check("more interfaces than there can be", (1, True), (status, "more than 65536 interfaces" in error))

    def accepted(self):
        """Unusual files that the format permits."""
        end = Section().option(0, b"")
        cases = {
            "options without an end": Section().interface(101, more=Section().option(2, b"eth0"), end=False),
            "options of no bytes": Section().interface(101, more=Section().option(2, b"") + Section().option(1, b"")),
            "a section with a length": Section(length=1 << 40).interface(101),
            "version 1.2": Section(version=(1, 2)).interface(101),
            "a section with options": Section(options=Section().option(4, b"program") + end).interface(101),
            "a resolution that 64 bits do not hold": Section().interface(101, resolution=127),
        }
        for what, section in cases.items():
            section.resolutions = [(6, 0)]
            lines, error, status = self.decode(self.write("odd.pcapng", section.enhanced(0, START, raw(PACKETS[0])).data))
            check(what, (1, 0), (len(lines), status) if status == 0 else error)

    def large(self):
        """A file of more than 4 GiB takes little memory. Most of the file is a hole."""
        section = Section().interface(frames_of("raw")[0])
        path = self.folder / "large.pcapng"
        length = 0xFFFFFFF8
        with open(path, "wb") as file:
            file.write(section.data + struct.pack("<II", 0xBAD, length))
            file.seek(len(section.data) + length - 4)
            position = len(section.data) + length
            packet = Section()
            packet.resolutions = section.resolutions
            file.write(struct.pack("<I", length) + packet.enhanced(0, START, raw(PACKETS[0])).data[28:] + b"\x06\0\0\0")
            position = file.tell() - 4

        def limited():
            resource.setrlimit(resource.RLIMIT_AS, (48 << 20, 48 << 20))

        # A program with a sanitizer does not start with this limit.
        can_be_limited = subprocess.run([self.program, "--version"], capture_output=True, preexec_fn=limited).returncode == 0
        done = subprocess.run([self.program, "decode", path], capture_output=True, text=True,
                              preexec_fn=limited if can_be_limited else None)
        check("past 4 GiB: a packet", 1, len(done.stdout.splitlines()) or done.stderr)
        check("past 4 GiB: where the file ends", True, f"byte {position}: the file ends" in done.stderr or done.stderr)
        path.unlink()

    def compressed(self):
        whole = mixed("<", ["raw"], [None]).data
        made = {"gzip": (gzip.compress, "zcat"), "xz": (lzma.compress, "xzcat"), "bzip2": (bz2.compress, "bzcat")}
        for name, (compress, reader) in made.items():
            path = self.write(f"capture.{name}", compress(whole))
            for source in (path, "-"):
                with open(path, "rb") as stream:
                    lines, error, status = self.decode(source, stdin=stream)
                check(f"{name}: the message", ([], 1, f"sixin4: {source}: compressed with {name}: decompress it first, with "
                      f"{reader} for example\n"), (lines, status, error))
        for name, magic in (("zstd", b"\x28\xb5\x2f\xfd"), ("lz4", b"\x04\x22\x4d\x18")):
            _, error, status = self.decode(self.write(f"capture.{name}", magic + bytes(20)))
            check(f"{name}: the message", (1, True), (status, f"compressed with {name}" in error))
        _, error, status = self.decode(self.write("short", b"\x1f\x8b"))
        check("two bytes", 1, status)
        _, error, status = self.decode(self.write("nothing", b""))
        check("no bytes", (1, True), (status, "not a capture file" in error))


def main():
    need("tshark", "mergecap", "editcap")
    with tempfile.TemporaryDirectory() as directory:
        tests = Tests(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(directory))
        for test in (tests.interfaces, tests.simple_packets, tests.unknown_link_types, tests.merged, tests.replayed,
                     tests.damaged, tests.accepted, tests.large, tests.compressed):
            test()
    finish()


if __name__ == "__main__":
    main()
