"""Scenarios of source rules: which address a flow leaves with, and how its answers come back. See author.py."""

from scapy.all import ICMPv6EchoReply, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, Raw, raw

from author_format import unfinished
from author_packets import HERE, INWARD, OUTWARD, parts, shelf, unreachable

SCENARIOS, scenario = shelf()
echo, tcp, udp = OUTWARD.echo, OUTWARD.tcp, OUTWARD.udp

PREFIX = "2001:db8:100::/48"
MAIL, OTHER = "2001:db8:100::25", "2001:db8:100::26"
PROHIBITED = 1  # administratively prohibited (RFC 4443 section 3.1)


def reply(destination):
    return INWARD.ip6(destination=destination) / ICMPv6EchoReply(id=7, seq=1, data=b"ping")


@scenario("source-rules", prefix=[PREFIX], pool=[f"both: {MAIL}, {OTHER}"],
          source=["proto tcp port 80 use both first", f"proto udp use {OTHER}", f"proto icmpv6 use {OTHER}"])
def rules(s):
    """Each flow leaves with the address that the first matching rule names, whatever it is: one packet,
    a super-packet, or an echo. Its answers, and errors about it, get the address back that it has here.
    """
    s.tun("a connection begins", tcp(b"", flags="S"))
    s.sent("leaves with the first of the pool", tcp(b"", flags="S", source=MAIL))
    s.arrives("is answered", INWARD.tcp(b"", flags="SA", destination=MAIL))
    s.delivered("to where it came from", INWARD.tcp(b"", flags="SA"))
    pieces = parts(1220, 1220)
    s.tun("a super-packet", unfinished(tcp(b"".join(pieces))), csum="40+16", gso="tcp6:1220")
    for number, piece in enumerate(pieces):
        s.sent(f"segment {number}", tcp(piece, sequence=1000 + 1220 * number, source=MAIL))
    s.tun("a datagram", udp(b"hello"))
    s.sent("leaves with the other one", udp(b"hello", source=OTHER))
    s.tun("another host's, to the same ports", udp(b"hello", source="2001:db8:100::7"), drop="pool-exhausted")
    s.answered("is refused: it would be the same", unreachable(udp(b"hello", source="2001:db8:100::7")))
    s.tun("an echo", echo())
    s.sent("leaves with the other one", echo(source=OTHER))
    s.arrives("is answered", reply(OTHER))
    s.delivered("to where it came from", reply(HERE))
    s.part("Errors.")
    s.arrives("about the datagram", INWARD.ip6(source="2001:db8:2::fe", destination=OTHER) / error(OTHER))
    s.delivered("quotes what was sent here", INWARD.ip6(source="2001:db8:2::fe") / error(HERE))
    s.part("What begins outside keeps its address.")
    s.arrives("a connection", INWARD.tcp(b"", flags="S"))
    s.delivered("as it came", INWARD.tcp(b"", flags="S"))
    s.tun("its answer", tcp(b"", flags="SA", source="2001:db8:100::9"))
    s.sent("as it is", tcp(b"", flags="SA", source="2001:db8:100::9"))


def error(source):
    """The ICMPv6 message Address Unreachable about the datagram that left with this source."""
    message = unreachable(udp(b"hello", source=source))
    return message.payload


@scenario("source-rules-reject", prefix=[PREFIX], source=["proto tcp port 80 reject"])
def reject(s):
    """A rejected flow is refused before the egress filter sees it, and its sender told at once."""
    s.tun("a connection begins", tcp(b"", flags="S"), drop="source-rejected")
    s.answered("told", unreachable(tcp(b"", flags="S"), PROHIBITED))
    foreign = tcp(b"", flags="S", source="2001:db8:ffff::99")
    s.tun("a foreign source", foreign, drop="source-rejected")
    s.answered("told", unreachable(foreign, PROHIBITED))
    s.tun("another protocol", udp(b"hello"))
    s.sent("leaves", udp(b"hello"))


def fragment(offset, more, payload):
    """A fragment of a packet whose first extension header is 16 bytes of destination options."""
    return OUTWARD.ip6() / IPv6ExtHdrFragment(nh=60, offset=offset // 8, m=more, id=7) / Raw(payload)


@scenario("source-rules-header-chain", prefix=[PREFIX], source=["proto tcp reject"])
def header_chain(s):
    """A first fragment, or a packet, that ends in its header chain says nothing of its flow (RFC 7112): it is
    refused, and of the later fragments alone no host makes a packet.
    """
    connection = raw(tcp(b"", flags="S"))[40:]
    chain = raw(IPv6ExtHdrDestOpt(nh=6, len=1)).ljust(16, b"\0")
    s.tun("half of the destination options", fragment(0, 1, chain[:8]), drop="malformed")
    s.tun("the other half, and a connection", fragment(8, 0, chain[8:] + connection))
    s.sent("leaves", fragment(8, 0, chain[8:] + connection))
    s.tun("no fragment, but as short", OUTWARD.ip6(nh=60) / Raw(chain[:8]), drop="malformed")
    whole = OUTWARD.ip6(nh=60) / Raw(chain + connection)
    s.tun("whole", whole, drop="source-rejected")
    s.answered("told", unreachable(whole, PROHIBITED))


@scenario("flow-table-full", prefix=[PREFIX], flows=1, source=[f"use {MAIL}"])
def full(s):
    """A flow that nobody has answered makes room at once. Where all are answered, a new one is refused until
    one of them has been silent for 5 s.
    """
    s.tun("an echo", echo())
    s.sent("leaves", echo(source=MAIL))
    s.tun("a datagram", udp(b"hello"))
    s.sent("leaves: the echo was not answered", udp(b"hello", source=MAIL))
    s.arrives("its answer", INWARD.udp(b"hello", destination=MAIL))
    s.delivered("to where it came from", INWARD.udp(b"hello"))
    s.tun("another flow", echo(), drop="flow-table-full")
    s.answered("told", unreachable(echo()))
    s.tun("the datagrams go on", udp(b"hello"))
    s.sent("leaves", udp(b"hello", source=MAIL))
    s.wait("6s")
    s.tun("another flow", echo())
    s.sent("leaves", echo(source=MAIL))
