"""Packets of the flow of the scenarios, and ICMPv6 errors about them, made by scapy."""

from scapy.all import (
    TCP, UDP, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6PacketTooBig, IPv6, Raw, raw,
)

from author_format import LOCAL, REMOTE, outer

HERE, THERE = "2001:db8:1::2", "2001:db8:ffff::1"
ECN = ["Not-ECT", "ECT(1)", "ECT(0)", "CE"]

# Prefixes of this end in addition to HERE, sources inside of them, and sources just outside.
OWN = {"prefix": ["2001:db8:100::/48", "2001:db8:200::/56"]}
OWN_SOURCES = [("our address", HERE), ("our link-local address", "fe80::c000:201"),
               ("in our first prefix", "2001:db8:100:ffff::1"), ("the lowest of our second prefix", "2001:db8:200::"),
               ("the highest of our second prefix", "2001:db8:200:ff:ffff:ffff:ffff:ffff")]
NEIGHBOURS = [("the far end, on the tunnel's own /64", "2001:db8:1::1"),
              ("behind our first prefix", "2001:db8:101::1"), ("behind our second prefix", "2001:db8:200:100::")]


def shelf():
    """A list of scenarios, and a decorator that adds one: the decorated function describes scenario `name`, and its
    docstring becomes the first comment of the folder's `packets`.
    """
    scenarios = []

    def scenario(name, **settings):
        def decorate(describe):
            scenarios.append((name, describe, settings))
            return describe

        return decorate

    return scenarios, scenario


class Direction:
    """One direction between HERE and THERE; ports and hop limit differ between the directions."""

    def __init__(self, source, destination, hop_limit, tcp_ports, udp_ports):
        self.source, self.destination, self.hop_limit = source, destination, hop_limit
        self.tcp_ports, self.udp_ports = tcp_ports, udp_ports

    def ip6(self, source=None, destination=None, **fields):
        return IPv6(src=source or self.source, dst=destination or self.destination,
                    **{"hlim": self.hop_limit, **fields})

    def tcp(self, payload, sequence=1000, flags="A", options=(), **fields):
        header = TCP(sport=self.tcp_ports[0], dport=self.tcp_ports[1], seq=sequence, ack=5000, flags=flags,
                     window=512, options=list(options))
        return self.ip6(**fields) / header / Raw(payload)

    def udp(self, payload, **fields):
        return self.ip6(**fields) / UDP(sport=self.udp_ports[0], dport=self.udp_ports[1]) / Raw(payload)

    def echo(self, payload=b"ping", **fields):
        return self.ip6(**fields) / ICMPv6EchoRequest(id=7, seq=1, data=payload)


OUTWARD = Direction(HERE, THERE, 64, (40000, 80), (40000, 4500))
INWARD = Direction(THERE, HERE, 57, (80, 40000), (4500, 40000))


def reply(payload=b"pong", **fields):
    return INWARD.ip6(**fields) / ICMPv6EchoReply(id=7, seq=1, data=payload)


def from_far_end(inner, **fields):
    """The protocol 41 packet that Scenario.arrives makes of `inner`."""
    return outer(inner, 0x4D2, source=REMOTE, destination=LOCAL, **fields)


def of_length(length, make=OUTWARD.echo, **fields):
    """A packet of `length` bytes including its headers."""
    return make(b"p" * (length - len(raw(make(b"", **fields)))), **fields)


def parts(*lengths):
    """Distinct payload pieces of these lengths: each begins with its number and repeats its own letter."""
    return [f"piece {n} ".encode() + bytes([0x61 + n]) * (length - 8) for n, length in enumerate(lengths)]


def with_bytes(packet, start, value):
    packet = raw(packet)
    return packet[:start] + value + packet[start + len(value) :]


def quoted(inner, length=None, **fields):
    """The bytes that an ICMP error quotes of our packet with `inner`: the IPv4 header as it was on the path, and the
    first `length` bytes of the inner packet.
    """
    packet = outer(inner, **{"identification": 0, "flags": "DF", "ttl": 61, **fields})
    return packet if length is None else packet[: 20 + length]


def error_about(offending, message):
    """An ICMPv6 error from our address that quotes as much as fits into 1280 bytes (RFC 4443 section 2.4 (c))."""
    source = IPv6(raw(offending)[:40]).src
    return IPv6(src=HERE, dst=source, hlim=64) / message / Raw(raw(offending)[: 1280 - 48])


def packet_too_big(offending, mtu):
    return error_about(offending, ICMPv6PacketTooBig(mtu=mtu))


def unreachable(offending, code=3):
    """Code 3: address unreachable; 5: source address failed ingress/egress policy."""
    return error_about(offending, ICMPv6DestUnreach(code=code))
