#!/usr/bin/env python3
"""Sends packets of IPv4 protocol 41 that no honest far end would send.

craft.py SOURCE DESTINATION COUNT KIND…   each KIND is one of those below, COUNT of each
"""
import ipaddress
import socket
import struct
import sys

NEAR = "2001:db8:41::2"
FAR = "2001:db8:41::1"


def ipv6(source: str = FAR, payload: bytes = b"", claimed: int | None = None, version: int = 6) -> bytes:
    """Next header 59: nothing follows (RFC 8200 section 4.7)."""
    length = len(payload) if claimed is None else claimed
    addresses = ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(NEAR).packed
    return struct.pack("!IHBB", version << 28, length, 59, 64) + addresses + payload


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
}


def main() -> None:
    source, destination, count, *kinds = sys.argv[1:]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
        for kind in kinds:
            inner = KINDS[kind]
            header = struct.pack(
                "!BBHHHBBH4s4s", 0x45, 0, 20 + len(inner), 0, 0, 64, 41, 0,
                socket.inet_aton(source), socket.inet_aton(destination),
            )
            for _ in range(int(count)):
                sender.sendto(header + inner, (destination, 0))


main()
