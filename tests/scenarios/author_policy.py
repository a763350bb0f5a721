"""Scenarios of what may pass, and of what is changed on its way: the egress filter, the MSS. See author.py."""

from scapy.all import (
    ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6MLReport, ICMPv6ND_NS, ICMPv6ND_RS,
    ICMPv6PacketTooBig, ICMPv6ParamProblem, ICMPv6TimeExceeded, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop, Raw, raw,
)

from author_format import unfinished, with_checksum_field
from author_packets import (
    ECN, HERE, INWARD, NEIGHBOURS, OUTWARD, OWN, OWN_SOURCES, of_length, packet_too_big, parts, quoted,
    shelf, unreachable,
)

SCENARIOS, scenario = shelf()
ip6, echo, tcp, udp = OUTWARD.ip6, OUTWARD.echo, OUTWARD.tcp, OUTWARD.udp

POLICY = 5  # source address failed ingress/egress policy (RFC 4443 section 3.1)
WITHOUT_ADDRESS = [
    ("duplicate address detection", ip6("::", "ff02::1:ff00:2", hlim=255) / ICMPv6ND_NS(tgt=HERE)),
    ("router solicitation", ip6("::", "ff02::2", hlim=255) / ICMPv6ND_RS()),
    ("a multicast listener report, behind hop-by-hop options",
     ip6("::", "ff02::1:ff00:2", hlim=1, nh=0) / IPv6ExtHdrHopByHop(nh=58) / ICMPv6MLReport(mladdr="ff02::1:ff00:2")),
]


@scenario("egress-filter", **OWN)
def egress_filter(s):
    """Only sources of ours leave (RFC 2827): the interface's addresses, not all of their on-link
    prefix, and everything in `prefix`. The sender of any other is told (RFC 4443 section 3.1,
    code 5). It applies to packets whose route leads here from another link, too.
    """
    for name, address in NEIGHBOURS + [("the provider's own address", "2001:db8:ffff::99"), ("loopback", "::1"),
                                       ("the next address", "2001:db8:1::3"), ("unique local", "fd00::1")]:
        s.tun(name, udp(b"hello", source=address), drop="source-not-ours")
        s.answered("told", unreachable(udp(b"hello", source=address), POLICY))
    s.part("Ours.")
    for name, address in OWN_SOURCES:
        s.tun(name, udp(b"hello", source=address))
        s.sent("leaves", udp(b"hello", source=address))
    s.part("Link-local addresses stay on the link, which the tunnel is.")
    for address in ("fe80::1", "fe80::c633:6401", "febf::1"):
        s.tun(address, echo(source=address, destination="ff02::1"))
        s.sent("leaves", echo(source=address, destination="ff02::1"))
    s.tun("just behind them", udp(b"hello", source="fec0::1"), drop="source-not-ours")
    s.answered("told", unreachable(udp(b"hello", source="fec0::1"), POLICY))


@scenario("egress-filter-unspecified-source")
def egress_unspecified(s):
    """The unspecified address is that of a host which has none yet, and speaks ICMPv6 only (RFC 4861,
    RFC 4862, RFC 3810). There is nobody to tell of anything else.
    """
    for name, packet in WITHOUT_ADDRESS:
        s.tun(name, packet)
        s.sent("leaves", packet)
    s.tun("UDP", udp(b"hello", source="::"), drop="source-not-ours")
    s.tun("TCP", tcp(b"", flags="S", source="::"), drop="source-not-ours")
    s.tun("no next header", ip6("::", nh=59), drop="source-not-ours")


@scenario("egress-filter-answers")
def egress_answers(s):
    """A refused source is answered as RFC 4443 section 2.4 has it, and only once: what is too big
    besides is not told so.
    """
    foreign = {"source": "2001:db8:1::1"}
    big = of_length(1481, udp, **foreign)
    s.tun("larger than the tunnel MTU", big, drop="source-not-ours")
    s.answered("told of its source", unreachable(big, POLICY))
    pieces = parts(1220, 1220)
    whole = unfinished(tcp(b"".join(pieces), **foreign))
    s.tun("a super-packet", whole, drop="source-not-ours", csum="40+16", gso="tcp6:1220")
    s.answered("told once", unreachable(whole, POLICY))
    s.part("No answer to these.")
    s.tun("an ICMPv6 error", ip6(**foreign) / ICMPv6DestUnreach() / Raw(b"q" * 48), drop="source-not-ours")
    s.tun("to a group", udp(b"hello", destination="ff0e::1", **foreign), drop="source-not-ours")
    s.tun("from a group", udp(b"hello", source="ff0e::1"), drop="source-not-ours")


@scenario("egress-filter-off", egress_filter="no", **OWN)
def egress_off(s):
    """Without the egress filter every source leaves."""
    for name, address in OWN_SOURCES + NEIGHBOURS + [("nobody", "::"), ("a group", "ff0e::1")]:
        s.tun(name, udp(b"hello", source=address))
        s.sent("leaves", udp(b"hello", source=address))


@scenario("icmpv6-passes-both-filters", egress_filter="yes", ingress_filter="yes", mss_clamp="yes", mtu="auto")
def essential_icmpv6(s):
    """RFC 4890 section 4.3.1: what must not be dropped passes in both directions, with every filter
    on: errors, without which path MTU discovery fails, and echoes.
    """
    for there, back in ((OUTWARD, INWARD), (INWARD, OUTWARD)):
        lost = raw(back.udp(b"lost"))
        messages = [(f"Destination Unreachable, code {code}", ICMPv6DestUnreach(code=code) / Raw(lost))
                    for code in range(7)]
        messages += [
            ("Packet Too Big", ICMPv6PacketTooBig(mtu=1280) / Raw(lost)),
            ("Time Exceeded, code 0", ICMPv6TimeExceeded(code=0) / Raw(lost)),
            ("Parameter Problem, code 1", ICMPv6ParamProblem(code=1, ptr=6) / Raw(lost)),
            ("Parameter Problem, code 2", ICMPv6ParamProblem(code=2, ptr=42) / Raw(lost)),
            ("Echo Request", ICMPv6EchoRequest(id=1, seq=2, data=b"ping")),
            ("Echo Reply", ICMPv6EchoReply(id=1, seq=2, data=b"pong")),
        ]
        for name, message in messages:
            packet = there.ip6() / message
            if there is OUTWARD:
                s.tun(f"{name}, from tun", packet)
                s.sent_whole("leaves", packet)
            else:
                s.arrives(f"{name}, from the wire", packet)
                s.delivered("passes", packet)


STAMPED = [("SAckOK", b""), ("Timestamp", (7, 0)), ("NOP", None), ("WScale", 7)]


def syn(way, mss, before=(), flags="S", **fields):
    return way.tcp(b"", flags=flags, options=[*before, ("MSS", mss)], **fields)


def both_ways(s, what, make, expected=None):
    """`make(way)` enters on each side, `expected(way)` leaves on the other side."""
    expected = expected or make
    s.tun(f"{what}, from tun", make(OUTWARD))
    s.sent("leaves", expected(OUTWARD))
    s.arrives(f"{what}, from the wire", make(INWARD))
    s.delivered("written", expected(INWARD))


def as_wrong_as(wrong, before, after):
    """`after`, a packet with a right checksum, with one that is off by the same amount as `wrong` is in `before`."""
    field = lambda packet: int.from_bytes(raw(packet)[56:58], "big")
    return with_checksum_field(after, (wrong + field(after) - field(before)) % 0xFFFF)


@scenario("mss-clamp", mss_clamp="yes")
def mss_clamp(s):
    """A SYN that announces a larger MSS than fits the tunnel MTU of 1480, less 40 and 20 bytes of
    headers, leaves and arrives with 1420 (RFC 9293 section 3.7.1, RFC 6691).
    """
    for mss in (1421, 1440, 8940, 65535):
        both_ways(s, f"SYN, MSS {mss}", lambda way, mss=mss: syn(way, mss), lambda way: syn(way, 1420))
    both_ways(s, "SYN ACK", lambda way: syn(way, 1440, flags="SA"), lambda way: syn(way, 1420, flags="SA"))
    both_ways(s, "behind other options", lambda way: syn(way, 1440, STAMPED), lambda way: syn(way, 1420, STAMPED))
    odd = [("NOP", None)]
    both_ways(s, "at an odd offset", lambda way: syn(way, 1440, odd), lambda way: syn(way, 1420, odd))

    def extended(way, mss):
        header = raw(syn(way, mss))
        return way.ip6(nh=60) / IPv6ExtHdrDestOpt(nh=6) / Raw(header[40:])

    both_ways(s, "behind destination options", lambda way: extended(way, 1440), lambda way: extended(way, 1420))
    s.part("Nothing to lower.")
    for mss in (1420, 1220, 536, 0):
        both_ways(s, f"SYN, MSS {mss}", lambda way, mss=mss: syn(way, mss))
    both_ways(s, "SYN without MSS, which means 1220", lambda way: way.tcp(b"", flags="S", options=STAMPED))
    both_ways(s, "SYN without options", lambda way: way.tcp(b"", flags="S"))
    both_ways(s, "no SYN", lambda way: syn(way, 1440, flags="A"))
    both_ways(s, "behind the end of the options", lambda way: syn(way, 1440, [("EOL", None)]))
    both_ways(s, "UDP with the same bytes", lambda way: way.udp(bytes.fromhex("020405a0") * 8))
    both_ways(s, "a fragment", lambda way: way.ip6(nh=44) / IPv6ExtHdrFragment(nh=6, offset=0, m=1, id=3)
              / Raw(raw(syn(way, 1440))[40:]))


@scenario("mss-clamp-checksum", mss_clamp="yes")
def mss_checksum(s):
    """The checksum of what was lowered stays right where it was right (RFC 1624), and wrong by as
    much where it was wrong: made good it would vouch for broken data. One that is not finished yet
    is left to who finishes it.
    """
    for before in ([], [("NOP", None)], STAMPED):
        both_ways(s, "a wrong checksum",
                  lambda way: with_checksum_field(syn(way, 1440, before), 0xBAD0),
                  lambda way: as_wrong_as(0xBAD0, syn(way, 1440, before), syn(way, 1420, before)))
    s.part("Unfinished.")
    s.tun("from tun", unfinished(syn(OUTWARD, 1440)), csum="40+16")
    s.sent("finished, over the MSS that leaves", syn(OUTWARD, 1420))
    s.arrives("from the wire", unfinished(syn(INWARD, 1440)))
    s.delivered("as unfinished", unfinished(syn(INWARD, 1420)), csum="40+16", headers=64)


@scenario("mss-clamp-follows-the-path", mss_clamp="yes", mtu="auto")
def mss_follows(s):
    """The MSS follows the tunnel MTU where that follows the path."""
    s.tun("SYN, MSS 1440", syn(OUTWARD, 1440))
    s.sent_whole("1480 - 60", syn(OUTWARD, 1420))
    s.icmp("fragmentation needed", (3, 4), quoted(of_length(1480, udp)), mtu=1400)
    s.answered("Packet Too Big", packet_too_big(of_length(1480, udp), 1380))
    s.tun("SYN, MSS 1440", syn(OUTWARD, 1440))
    s.sent_whole("1380 - 60", syn(OUTWARD, 1320))
    s.arrives("SYN ACK, MSS 1440", syn(INWARD, 1440, flags="SA"))
    s.delivered("1380 - 60", syn(INWARD, 1320, flags="SA"))
    s.wait("10min")
    s.tun("SYN, MSS 1440", syn(OUTWARD, 1440))
    s.sent_whole("1480 - 60 again", syn(OUTWARD, 1420))


@scenario("mss-clamp-off", mss_clamp="no")
def mss_off(s):
    """Without the clamp the MSS is the ends' own affair."""
    both_ways(s, "SYN, MSS 8940", lambda way: syn(way, 8940))


@scenario("traffic-class-untouched", mss_clamp="yes", mtu="auto", tos="inherit")
def traffic_class(s):
    """With DF, the MSS clamp and both filters the inner traffic class is what it was, and the outer
    one follows it (RFC 2983, RFC 6040 section 4.1).
    """
    for field, name in enumerate(ECN):
        octet = 0xB8 | field
        s.tun(f"SYN, DSCP 46, {name}", syn(OUTWARD, 1440, tc=octet))
        s.sent_whole("both as they were", syn(OUTWARD, 1420, tc=octet), tos=octet)
        s.arrives(f"SYN ACK, DSCP 46, {name}, DSCP 0 outside", syn(INWARD, 1440, flags="SA", tc=octet), tos=field)
        s.delivered("as it was", syn(INWARD, 1420, flags="SA", tc=octet))
