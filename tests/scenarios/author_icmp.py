"""Scenarios of ICMP errors from the IPv4 side, but for the path MTU. See author.py."""

from scapy.all import (
    ICMP, IP, UDP, ICMPv6DestUnreach, ICMPv6ND_Redirect, ICMPv6PacketTooBig, ICMPv6ParamProblem,
    ICMPv6TimeExceeded, IPOption, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, Raw, raw,
)

from author_format import LOCAL, REMOTE
from author_packets import (
    NEIGHBOURS, OUTWARD, OWN, OWN_SOURCES, of_length, packet_too_big, quoted, shelf, unreachable, with_bytes,
)

SCENARIOS, scenario = shelf()
ip6, echo, tcp, udp = OUTWARD.ip6, OUTWARD.echo, OUTWARD.tcp, OUTWARD.udp

NET, HOST, NEEDED = (3, 0), (3, 1), (3, 4)
TIME_EXCEEDED = (11, 0)


@scenario("unreachable-told")
def told(s):
    """Where the far end cannot be reached the sender of the inner packet hears of it: Destination
    Unreachable of every code, and Time Exceeded, become ICMPv6 Destination Unreachable, Address
    Unreachable (RFC 4213 section 3.4, RFC 2473 section 8.2).
    """
    names = {0: "network", 1: "host", 2: "protocol", 3: "port", 5: "source route failed", 6: "network unknown",
             7: "host unknown", 8: "source host isolated", 9: "network prohibited", 10: "host prohibited",
             11: "network, for this TOS", 12: "host, for this TOS", 13: "communication prohibited",
             14: "host precedence", 15: "precedence cutoff"}
    for code, name in names.items():
        packet = udp(b"to nobody, %d" % code)
        s.icmp(f"destination unreachable: {name}", (3, code), quoted(packet))
        s.answered("address unreachable", unreachable(packet))
    for code, name in ((0, "TTL"), (1, "fragment reassembly")):
        packet = tcp(b"too far, %d" % code)
        s.icmp(f"time exceeded: {name}", (11, code), quoted(packet))
        s.answered("address unreachable", unreachable(packet))
    s.part("The answer quotes what was quoted, as far as it fits 1280 bytes (RFC 4443 section 2.4 (c)).")
    large = of_length(1480, udp)
    s.icmp("all of 1480 bytes", HOST, quoted(large))
    s.answered("1232 bytes of them", unreachable(large))
    s.icmp("548 of 1480 bytes, which makes an ICMP message of 596", HOST, quoted(large, 548))
    s.answered("548 bytes of them", unreachable(raw(large)[:548]))
    s.part("Not more than the inner packet: what stands behind it is the router's own (RFC 4884).")
    s.icmp("a quote padded to 128 bytes, an extension behind it", HOST,
           quoted(udp(b"short")) + b"\0" * 55 + bytes.fromhex("2000dead00080101 00000001"))
    s.answered("the inner packet alone", unreachable(udp(b"short")))


@scenario("unreachable-quoting-enough")
def enough(s):
    """The inner packet's sender can be told where its IPv6 header is quoted, 40 bytes (RFC 4213
    section 3.4), and the error may be answered at all: that an ICMPv6 message is no error itself
    has to be seen. Many routers quote eight bytes (RFC 792).
    """
    for length in (0, 8, 39):
        s.icmp(f"{length} bytes", HOST, quoted(udp(b"hello"), length), drop="icmp-ignored")
    s.icmp("40 bytes", HOST, quoted(udp(b"hello"), 40))
    s.answered("the sender is told", unreachable(raw(udp(b"hello"))[:40]))
    s.icmp("40 bytes, of an ICMPv6 message: its type is missing", HOST, quoted(echo(), 40), drop="icmp-ignored")
    s.icmp("41 bytes of it", HOST, quoted(echo(), 41))
    s.answered("the sender is told", unreachable(raw(echo())[:41]))
    options = ip6(nh=60) / IPv6ExtHdrDestOpt(nh=17) / UDP(sport=1, dport=2)
    s.icmp("47 bytes, the end of the destination options is missing", HOST, quoted(options, 47), drop="icmp-ignored")
    s.icmp("48 bytes", HOST, quoted(options, 48))
    s.answered("the sender is told", unreachable(raw(options)[:48]))
    s.part("Of IPv4 fragments only the first has the inner header.")
    pieces = [raw(piece) for piece in IP(quoted(of_length(1480, udp), flags=0)).fragment(fragsize=800)]
    s.icmp("the first fragment", HOST, pieces[0])
    s.answered("the sender is told", unreachable(pieces[0][20:]))
    s.icmp("the last fragment", HOST, pieces[1], drop="icmp-ignored")
    s.part("What stands behind the IPv4 header is not always IPv6.")
    s.icmp("version 4", HOST, quoted(with_bytes(udp(b"hello"), 0, b"\x40")), drop="icmp-ignored")
    s.icmp("behind options of 4 bytes, IHL 6", HOST, quoted(udp(b"hello"), options=[IPOption(b"\x01")] * 4))
    s.answered("the sender is told", unreachable(udp(b"hello")))


@scenario("icmp-about-somebody-else", mtu="auto")
def somebody_else(s):
    """An error counts only where it quotes a packet of this tunnel's own, from this end to the far
    one (RFC 5927 section 4). Nothing follows from any other, whatever it tells.
    """
    good = quoted(udp(b"hello"))
    others = {
        "another protocol": IP(src=LOCAL, dst=REMOTE, id=1) / UDP(sport=1, dport=2) / Raw(b"hello"),
        "another source": quoted(udp(b"hello"), source="192.0.2.2"),
        "another destination": quoted(udp(b"hello"), destination="198.51.100.2"),
        "the other way round": quoted(udp(b"hello"), source=REMOTE, destination=LOCAL),
        "nothing": b"",
        "19 bytes": good[:19],
        "version 6": with_bytes(good, 0, b"\x65"),
        "IHL 4": with_bytes(good, 0, b"\x44"),
        "IHL 15 in 56 bytes": with_bytes(good[:56], 0, b"\x4f"),
    }
    for kind, name in ((HOST, "host unreachable"), (NEEDED, "fragmentation needed")):
        for what, quote in others.items():
            s.icmp(f"{name}, quoting {what}", kind, quote, mtu=1300 if kind == NEEDED else None, drop="icmp-mismatch")
    s.part("The path MTU is what it was.")
    s.tun("1480 bytes", of_length(1480))
    s.sent_whole("the packet", of_length(1480))


@scenario("no-error-for-quoted-error", mtu="auto")
def quoted_error(s):
    """What RFC 4443 section 2.4 (e) forbids an answer to is not answered either where it is quoted:
    an ICMPv6 error, a redirect, a packet from or to a group, one from nobody. Packet Too Big answers
    a packet to a group all the same, (e.3).
    """

    def icmp(message, **fields):
        return ip6(**fields) / message / Raw(b"q" * 48)

    messages = {
        "Destination Unreachable": icmp(ICMPv6DestUnreach()),
        "Packet Too Big": icmp(ICMPv6PacketTooBig()),
        "Time Exceeded": icmp(ICMPv6TimeExceeded()),
        "Parameter Problem": icmp(ICMPv6ParamProblem()),
        "an error of a type not assigned, 127": icmp(ICMPv6DestUnreach(type=127)),
        "Redirect": icmp(ICMPv6ND_Redirect()),
        "an error behind destination options": ip6(nh=60) / IPv6ExtHdrDestOpt(nh=58) / ICMPv6DestUnreach(cksum=0),
        "the first fragment of an error": ip6(nh=44) / IPv6ExtHdrFragment(nh=58, m=1, id=9)
        / ICMPv6DestUnreach(cksum=0) / Raw(b"q" * 48),
        "a packet from the unspecified address": udp(b"hello", source="::"),
        "a packet from a group": udp(b"hello", source="ff0e::1"),
    }
    group = udp(b"hello", destination="ff0e::1234")
    for kind, name in ((HOST, "host unreachable"), (TIME_EXCEEDED, "time exceeded")):
        for what, packet in messages.items():
            s.icmp(f"{name}, quoting {what}", kind, quoted(packet), drop="icmp-ignored")
        s.icmp(f"{name}, quoting a packet to a group", kind, quoted(group), drop="icmp-ignored")
    s.part("Fragmentation needed lowers the path MTU, so it is not ignored, but nobody is told.")
    for what, packet in messages.items():
        s.icmp(f"fragmentation needed, quoting {what}", NEEDED, quoted(packet), mtu=1400)
    s.tun("1381 bytes", of_length(1381), drop="too-big")
    s.answered("Packet Too Big", packet_too_big(of_length(1381), 1380))
    s.part("The exception.")
    s.icmp("fragmentation needed, quoting a packet to a group", NEEDED, quoted(group), mtu=1400)
    s.answered("Packet Too Big", packet_too_big(group, 1380))


@scenario("quoted-source-not-ours", **OWN)
def quoted_source(s):
    """An error that quotes an inner source which the egress filter never let out is forged. Nobody is
    told: it would make this end send to whom the forger likes.
    """
    for name, address in NEIGHBOURS:
        s.icmp(name, HOST, quoted(udp(b"hello", source=address)), drop="icmp-ignored")
    s.part("Ours are told.")
    for name, address in OWN_SOURCES:
        s.icmp(name, HOST, quoted(udp(b"hello", source=address)))
        s.answered("address unreachable", unreachable(udp(b"hello", source=address)))


@scenario("quoted-source-unfiltered", egress_filter="no", **OWN)
def quoted_source_unfiltered(s):
    """Without the egress filter packets of any source may have been ours, but not of those that no
    packet from a tunnel may have (RFC 4213 section 3.6).
    """
    for name, address in OWN_SOURCES + NEIGHBOURS:
        s.icmp(name, HOST, quoted(udp(b"hello", source=address)))
        s.answered("address unreachable", unreachable(udp(b"hello", source=address)))
    s.part("Never a source.")
    for name, address in (("multicast", "ff0e::1"), ("loopback", "::1"), ("IPv4-compatible", "::192.0.2.7"),
                          ("IPv4-mapped", "::ffff:192.0.2.7")):
        s.icmp(name, HOST, quoted(udp(b"hello", source=address)), drop="icmp-ignored")


@scenario("icmp-of-other-types")
def other_types(s):
    """Nothing follows from an ICMP message that does not tell of a packet that got lost on its way,
    or whose cause is not the inner packet's sender.
    """
    for kind, name in (((12, 0), "parameter problem"), ((4, 0), "source quench (RFC 6633)"), ((5, 1), "redirect"),
                       ((0, 0), "echo reply"), ((8, 0), "echo request"), ((255, 255), "a type not assigned")):
        s.icmp(name, kind, quoted(udp(b"hello")), drop="icmp-ignored")
    s.part("Somebody else's is told apart all the same.")
    s.icmp("parameter problem about another protocol", (12, 0),
           IP(src=LOCAL, dst=REMOTE, id=1) / ICMP(), drop="icmp-mismatch")


@scenario("unreachable-answers-are-bounded")
def bounded(s):
    """Up to 100 at once and 100 a second, whatever arrives (RFC 4443 section 2.4 (f)). Who is not told
    counts as ignored.
    """
    packet = tcp(b"", flags="S")
    s.icmp("100", NET, quoted(packet), times=100)
    s.answered("answers", unreachable(packet), times=100)
    s.icmp("more than 100", NET, quoted(packet), drop="icmp-ignored", times=3)
    s.wait("10ms")
    s.icmp("after a hundredth of a second", NET, quoted(packet))
    s.answered("one more", unreachable(packet))
    s.icmp("and no other", NET, quoted(packet), drop="icmp-ignored")
