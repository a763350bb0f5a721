#!/usr/bin/env python3
"""Sends packets of IPv4 protocol 41: valid ones, and ones that a correct far end never sends.

craft.py [--size BYTES] [--fragments ORDER] SOURCE DESTINATION COUNT KIND…

Sends COUNT packets of each KIND (the names in KINDS, and echo). --size: bytes of the echo. --fragments: sends each
IPv4 packet in fragments of 528 bytes, in that order; interleaved: the fragments of two packets in turn.
"""
import argparse
import ipaddress
import itertools
import random
import socket
import struct

NEAR = "2001:db8:41::2"
FAR = "2001:db8:41::1"
NEAR_LINK_LOCAL = "fe80::c000:201"
FAR_LINK_LOCAL = "fe80::c000:202"
FRAGMENT = 528 - 20


def internet_checksum(data: bytes) -> int:
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv6(
    source: str = FAR, payload: bytes = b"", claimed: int | None = None, version: int = 6,
    destination: str = NEAR, next_header: int = 59, hop_limit: int = 64,
) -> bytes:
    """Next header 59: nothing follows (RFC 8200 section 4.7)."""
    length = len(payload) if claimed is None else claimed
    addresses = ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(destination).packed
    return struct.pack("!IHBB", version << 28, length, next_header, hop_limit) + addresses + payload


def icmpv6(message: bytes, source: str = FAR, destination: str = NEAR, hop_limit: int = 64) -> bytes:
    """The checksum field of `message` must be 0."""
    packet = ipv6(source, message, destination=destination, next_header=58, hop_limit=hop_limit)
    checksum = internet_checksum(packet[8:40] + struct.pack("!II", len(message), 58) + message)
    return packet[:42] + struct.pack("!H", checksum) + packet[44:]


def echo(size: int) -> bytes:
    return icmpv6(struct.pack("!BBHHH", 128, 0, 0, 1, 1) + random.randbytes(size - 48))


def solicitation(source: str, target: str, option: bytes = b"", hop_limit: int = 255) -> bytes:
    """A Neighbour Solicitation, unicast, as neighbour unreachability detection sends it (RFC 4861 section 7.3)."""
    message = struct.pack("!BBHI", 135, 0, 0, 0) + ipaddress.IPv6Address(target).packed + option
    return icmpv6(message, source, target, hop_limit)


def datagram(content: bytes, damage: int = 0) -> bytes:
    """A UDP datagram to port 5007; `damage` is combined with the checksum by XOR."""
    message = struct.pack("!HHHH", 5007, 5007, 8 + len(content), 0) + content
    packet = ipv6(payload=message, next_header=17)
    checksum = internet_checksum(packet[8:40] + struct.pack("!II", len(message), 17) + message) or 0xFFFF
    return packet[:46] + struct.pack("!H", checksum ^ damage) + packet[48:]


SOURCE_LINK_LAYER = bytes([1, 1, 192, 0, 2, 2, 0, 0])  # type, length in 8 bytes, an address of some kind

KINDS = {
    "good": ipv6(payload=b"x" * 100),
    "large": ipv6(payload=b"x" * 1400),
    "padded": ipv6(payload=b"x" * 100) + b"padding",
    "empty": b"",
    "short": ipv6()[:39],
    "too-long": ipv6(payload=b"x" * 10, claimed=11),
    "version-4": ipv6(version=4),
    "multicast-source": ipv6(source="ff02::1"),
    "loopback-source": ipv6(source="::1"),
    "compatible-source": ipv6(source="::192.0.2.9"),
    "mapped-source": ipv6(source="::ffff:192.0.2.9"),
    "6to4-source": ipv6(source="2002:c000:209::1"),
    "our-source": ipv6(source=NEAR),
    "our-prefix-source": ipv6(source="2001:db8:42::9"),
    "datagram": datagram(b"right\n"),
    "damaged-datagram": datagram(b"wrong\n", damage=1),
    "solicitation-global": solicitation(FAR, NEAR),
    "solicitation-global-option": solicitation(FAR, NEAR, SOURCE_LINK_LAYER),
    "solicitation-link-local": solicitation(FAR_LINK_LOCAL, NEAR_LINK_LOCAL),
    "solicitation-link-local-option": solicitation(FAR_LINK_LOCAL, NEAR_LINK_LOCAL, SOURCE_LINK_LAYER),
    "solicitation-global-from-link-local": solicitation(FAR_LINK_LOCAL, NEAR),
    "solicitation-from-afar": solicitation(FAR, NEAR, hop_limit=254),
}


def in_fragments(inner: bytes, identification: int, size: int) -> list[bytes]:
    """The fragments, each as identification and offset fields and payload; one fragment if `size` bytes suffice."""
    pieces = []
    for start in range(0, max(len(inner), 1), size):
        more = 0x2000 if start + size < len(inner) else 0
        pieces.append(struct.pack("!HH", identification, more | start // 8) + inner[start : start + size])
    return pieces


def ordered(packets: list[list[bytes]], order: str) -> list[bytes]:
    """All fragments in that order. Each packet is a list of its fragments."""
    if order == "interleaved":
        pairs = [packets[start : start + 2] for start in range(0, len(packets), 2)]
        return [piece for pair in pairs for turn in itertools.zip_longest(*pair) for piece in turn if piece]
    for pieces in packets:
        if order == "backward":
            pieces.reverse()
        elif order == "shuffled":
            random.shuffle(pieces)
    return [piece for pieces in packets for piece in pieces]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=1280)
    parser.add_argument("--fragments", choices=["forward", "backward", "shuffled", "interleaved"])
    parser.add_argument("source")
    parser.add_argument("destination")
    parser.add_argument("count", type=int)
    parser.add_argument("kinds", nargs="+", choices=[*KINDS, "echo"], metavar="KIND")
    options = parser.parse_args()

    addresses = socket.inet_aton(options.source) + socket.inet_aton(options.destination)
    size = FRAGMENT // 8 * 8 if options.fragments else 65535
    identification = random.randrange(1, 60000)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
        for kind in options.kinds:
            inner = echo(options.size) if kind == "echo" else KINDS[kind]
            packets = []
            for number in range(options.count):
                packets.append(in_fragments(inner, identification + number if options.fragments else 0, size))
            for piece in ordered(packets, options.fragments or "forward"):
                header = struct.pack("!BBH", 0x45, 0, 16 + len(piece)) + piece[:4] + struct.pack("!BBH", 64, 41, 0)
                sender.sendto(header + addresses + piece[4:], (options.destination, 0))


if __name__ == "__main__":
    main()
