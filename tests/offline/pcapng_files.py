#!/usr/bin/env python3
"""pcapng files, block by block: valid ones and damaged ones.

    pcapng_files.py --seeds      write the corpora of the fuzz targets
"""

import pathlib
import struct
import sys

SECTION, INTERFACE, PACKET, SIMPLE, STATISTICS, ENHANCED = 0x0A0D0D0A, 1, 2, 3, 5, 6
START = 1700000000


class Section:
    """Blocks in one byte order, '<' or '>'."""

    def __init__(self, order="<", length=-1, version=(1, 0), options=b""):
        self.order = order
        self.resolutions = []
        self.data = self.block(SECTION, self.pack("IHHq", 0x1A2B3C4D, *version, length) + options)

    def pack(self, layout, *values):
        return struct.pack(self.order + layout, *values)

    def block(self, kind, body, claimed=None, at_end=None):
        """`claimed` and `at_end` replace the right length at the beginning and at the end of the block."""
        body += b"\0" * (-len(body) % 4)
        length = len(body) + 12
        return (self.pack("II", kind, length if claimed is None else claimed) + body
                + self.pack("I", length if at_end is None else at_end))

    def add(self, kind, body, **lengths):
        self.data += self.block(kind, body, **lengths)
        return self

    def option(self, code, value):
        return self.pack("HH", code, len(value)) + value + b"\0" * (-len(value) % 4)

    def interface(self, link_type, snap_length=0, resolution=None, offset=None, more=b"", end=True):
        """`resolution` is if_tsresol."""
        options = more
        if resolution is not None:
            options += self.option(9, bytes([resolution]))
        if offset is not None:
            options += self.option(14, self.pack("q", offset))
        if options and end:
            options += self.option(0, b"")
        self.resolutions.append((6 if resolution is None else resolution, offset or 0))
        return self.add(INTERFACE, self.pack("HHI", link_type, 0, snap_length) + options)

    def stamp(self, interface, seconds):
        """Convert a time to the units of the interface."""
        resolution, offset = self.resolutions[interface]
        base = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10 ** resolution
        return int((seconds - offset) * base)

    def enhanced(self, interface, seconds, frame, length=None, options=b""):
        stamp = self.stamp(interface, seconds)
        body = self.pack("IIIII", interface, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), length or len(frame)) + frame
        return self.add(ENHANCED, body + b"\0" * (-len(frame) % 4) + options)

    def packet(self, interface, seconds, frame, length=None):
        stamp = self.stamp(interface, seconds)
        return self.add(PACKET, self.pack("HHIIII", interface, 0, stamp >> 32, stamp & 0xFFFFFFFF, len(frame),
                                          length or len(frame)) + frame)

    def simple(self, frame, length=None):
        return self.add(SIMPLE, self.pack("I", length or len(frame)) + frame)


def strange_blocks(section):
    """Add blocks that decode skips: names, statistics, custom, secrets, systemd journal, and unknown types."""
    section.add(4, section.pack("HH", 1, 9) + b"\xc0\0\2\1near\0" + section.pack("HH", 0, 0))
    section.add(STATISTICS, section.pack("III", 0, 0, 0))
    section.add(0xBAD, section.pack("I", 32473) + b"anything")
    section.add(10, section.pack("II", 0x544C534B, 4) + b"keys")
    section.add(9, b"__REALTIME_TIMESTAMP=1\n")
    section.add(0x40000BAD, section.pack("I", 32473))
    section.add(0x0000FFFF, b"")
    section.add(0x7F000001, bytes(200000))
    return section


# An IPv4 packet of protocol 41 around an IPv6 packet without payload.
PACKET_OF_6IN4 = bytes.fromhex("4500003c0007000040298e80c0000201c6336401" "6000000000003b40") + bytes(15) + b"\1" + bytes(15) + b"\2"


def seeds():
    """Name and content of each file, a few hundred bytes."""
    ethernet = bytes(12) + b"\x08\0" + PACKET_OF_6IN4
    for name, order in (("little", "<"), ("big", ">")):
        section = Section(order).interface(101).interface(1, 60, 9, -3600).interface(105, 0, 0x80 | 20)
        section.enhanced(0, START, PACKET_OF_6IN4).enhanced(1, START, ethernet[:60], len(ethernet))
        section.packet(2, START, b"wireless").enhanced(0, START, PACKET_OF_6IN4, options=section.option(1, b"comment"))
        section.add(STATISTICS, section.pack("III", 0, 0, 0)).add(0xBAD, b"anything")
        yield name, section.data
    yield "sections", section.data + Section().interface(1).enhanced(0, START, ethernet).data
    yield "simple", Section().interface(101, 40).simple(PACKET_OF_6IN4[:40], 60).simple(b"\x60" + bytes(39)).data
    for resolution in (0, 3, 9, 19, 127, 0x80, 0x80 | 63, 0x80 | 127):
        section = Section().interface(101, resolution=resolution)
        section.resolutions = [(0, 0)]
        yield f"resolution-{resolution}", section.enhanced(0, START, PACKET_OF_6IN4).data
    yield "one-link-type", Section().interface(1).interface(1).enhanced(1, START, ethernet).packet(0, START, ethernet).data
    yield "no-interface", Section().simple(b"x").data
    yield "mismatch", Section().interface(101).enhanced(0, START, PACKET_OF_6IN4).add(ENHANCED, bytes(20), at_end=4).data
    yield "empty", Section().data


def write_seeds(corpus):
    for target, prefix, first in (("pcapng_parser", "", b"\7"), ("decode", "file-pcapng-", b"\xff")):
        (corpus / target).mkdir(exist_ok=True)
        for name, data in seeds():
            (corpus / target / f"{prefix}{name}").write_bytes(first + data)


if __name__ == "__main__" and sys.argv[1:] == ["--seeds"]:
    write_seeds(pathlib.Path(__file__).resolve().parent.parent / "fuzz" / "corpus")
