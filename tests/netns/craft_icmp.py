#!/usr/bin/env python3
"""Sends an ICMP error (RFC 792) about a packet of protocol 41 that an endpoint may have sent.

craft_icmp.py OUTER-SOURCE OUTER-DESTINATION TYPE CODE [NAME=VALUE]…

The error goes to OUTER-SOURCE, the source of the packet that it quotes. Names:
  mtu       next-hop MTU, of fragmentation needed
  length    total length that the quoted IPv4 header claims (1500)
  protocol  protocol of the quoted packet (41)
  bytes     number of quoted bytes after the IPv4 header (all)
  inner     source of the inner IPv6 packet (2001:db8:41::2)
  to        destination of the inner IPv6 packet (2001:db8:41::1)
  id        identifier of the echo request in it (1)
"""
import ipaddress
import socket
import struct
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree
from craft import internet_checksum  # noqa: E402


def quotation(source: str, destination: str, options: dict[str, str]) -> bytes:
    """The quotation of a router: the outer header as it arrived, and a part of the rest (RFC 1812 section 4.3.2.3)."""
    length = int(options.get("length", 1500))
    addresses = ipaddress.IPv6Address(options.get("inner", "2001:db8:41::2")).packed
    addresses += ipaddress.IPv6Address(options.get("to", "2001:db8:41::1")).packed
    echo = struct.pack("!BBHHH", 128, 0, 0, int(options.get("id", 1)), 1) + bytes(200)
    inner = struct.pack("!IHBB", 6 << 28, length - 60, 58, 64) + addresses + echo
    outer = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, length, 0, 0x4000, 63, int(options.get("protocol", 41)), 0,
        socket.inet_aton(source), socket.inet_aton(destination),
    )
    outer = outer[:10] + struct.pack("!H", internet_checksum(outer)) + outer[12:]
    return outer + inner[: int(options.get("bytes", len(inner)))]


def main() -> None:
    source, destination, kind, code, *rest = sys.argv[1:]
    options = dict(option.split("=", 1) for option in rest)
    message = struct.pack("!BBHHH", int(kind), int(code), 0, 0, int(options.get("mtu", 0)))
    message += quotation(source, destination, options)
    message = message[:2] + struct.pack("!H", internet_checksum(message)) + message[4:]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sender:
        sender.sendto(message, (source, 0))


main()
