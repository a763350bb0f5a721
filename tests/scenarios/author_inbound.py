"""Scenarios of packets from the IPv4 side (headers, sources, ECN) and of both directions. See author.py."""

from scapy.all import (
    ICMP, IP, UDP, ICMPv6ND_NS, ICMPv6ND_RS, IPOption, IPOption_Router_Alert, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
    Raw, raw,
)

from author_format import LOCAL, REMOTE, outer, unfinished, with_checksum_field
from author_packets import (
    ECN, HERE, INWARD, NEIGHBOURS, OUTWARD, OWN, OWN_SOURCES, from_far_end, reply, shelf, with_bytes,
)

SCENARIOS, scenario = shelf()
ip6, tcp, udp = INWARD.ip6, INWARD.tcp, INWARD.udp


@scenario("plain-packet-in")
def plain(s):
    """The inner packet is written as it came; neither the outer TTL nor the outer DSCP goes inward."""
    s.arrives("an echo reply", reply(), ttl=3)
    s.delivered("the inner packet", reply())
    s.arrives("an empty packet, DF set, DSCP 46, TTL 255", ip6(nh=59), ttl=255, tos=0xB8, flags="DF")
    s.delivered("the inner packet", ip6(nh=59))
    s.arrives("hop limit 1 is still one", reply(hlim=1))
    s.delivered("the inner packet", reply(hlim=1))
    s.arrives("hop limit 0 is for the host to judge", reply(hlim=0))
    s.delivered("the inner packet", reply(hlim=0))
    s.part("Packets that arrive together are written in their order.")
    for number in range(3):
        s.arrives(f"echo reply {number}", reply(b"number %d" % number))
    for number in range(3):
        s.delivered(f"echo reply {number}", reply(b"number %d" % number))
    s.part("A packet that is larger than our own tunnel MTU, whole: its sender's MTU may be another.")
    s.arrives("a datagram of 3048 bytes, finished", udp(b"z" * 3000))
    s.delivered("the inner packet", udp(b"z" * 3000))


@scenario("outer-source-mismatch")
def source_mismatch(s):
    """Only the far end may send (RFC 4213 section 3.6). Nobody is told."""
    for name, address in (("a stranger", "203.0.113.5"), ("an address that differs in one bit", "198.51.100.0"),
                          ("ourselves", LOCAL)):
        s.arrives(name, reply(), source=address, drop="outer-source-mismatch")
    s.arrives("both addresses wrong: the source is looked at first", reply(), source="203.0.113.5",
              destination="203.0.113.6", drop="outer-source-mismatch")


@scenario("outer-destination-mismatch")
def destination_mismatch(s):
    """Only what is for this end's own address is taken out."""
    for name, address in (("another address of this host", "192.0.2.2"), ("broadcast", "255.255.255.255"),
                          ("the far end", REMOTE)):
        s.arrives(name, reply(), destination=address, drop="outer-destination-mismatch")


@scenario("outer-options-skipped")
def options(s):
    """The inner packet begins behind the outer header's options (RFC 791: IHL)."""
    s.arrives("Router Alert, IHL 6", reply(), options=[IPOption_Router_Alert()])
    s.delivered("the inner packet", reply())
    s.arrives("40 bytes of no-operation, IHL 15", reply(), options=[IPOption(b"\x01")] * 40)
    s.delivered("the inner packet", reply())
    s.part("The options must fit.")
    short = with_bytes(IP(src=REMOTE, dst=LOCAL, id=1, proto=41), 0, b"\x4f")
    s.wire("IHL 15 in a packet of 20 bytes", short, drop="outer-malformed")
    s.wire("IHL 4", with_bytes(from_far_end(reply()), 0, b"\x44"), drop="outer-malformed")


@scenario("outer-fragment")
def fragment(s):
    """The kernel has put fragments together before a raw socket sees them. One that comes by itself
    is refused.
    """
    pieces = IP(from_far_end(udp(b"f" * 1400))).fragment(fragsize=800)
    s.wire("the first", pieces[0], drop="outer-malformed")
    s.wire("the last", pieces[1], drop="outer-malformed")
    s.part("DF alone makes no fragment.")
    s.arrives("DF set", reply(), flags="DF")
    s.delivered("the inner packet", reply())


@scenario("outer-malformed")
def outer_malformed(s):
    """Not an IPv4 packet of protocol 41, or one that contradicts itself."""
    good = from_far_end(reply())
    s.wire("no bytes", b"", drop="outer-malformed")
    s.wire("19 bytes", good[:19], drop="outer-malformed")
    s.wire("version 6", with_bytes(good, 0, b"\x65"), drop="outer-malformed")
    s.wire("ICMP", IP(src=REMOTE, dst=LOCAL, id=1) / ICMP(), drop="outer-malformed")
    s.wire("a total length larger than what arrived", good[:-1], drop="outer-malformed")
    s.wire("a total length of 19", with_bytes(good, 2, b"\x00\x13"), drop="outer-malformed")


@scenario("padding-cut")
def padding(s):
    """What stands behind the inner packet is not part of it (RFC 4213 section 3.6)."""
    s.arrives("four bytes inside of the outer packet", raw(reply()) + b"\0\0\0\0")
    s.delivered("cut", reply())
    s.wire("six bytes behind the outer packet, as of an Ethernet frame", from_far_end(reply()) + b"\xee" * 6)
    s.delivered("cut", reply())
    s.arrives("behind an unfinished datagram", unfinished(udp(b"hello")) + b"\0\0\0", packet_socket=0)
    s.delivered("cut, and still known as unfinished", unfinished(udp(b"hello")), csum="40+6", headers=48)


@scenario("inner-too-long")
def too_long(s):
    """An inner packet that is longer than what arrived is dropped (RFC 4213 section 3.6)."""
    s.arrives("one byte is missing", raw(reply())[:-1], drop="inner-malformed")
    s.arrives("everything behind the IPv6 header is missing", raw(reply())[:40], drop="inner-malformed")
    s.arrives("39 bytes of a header", raw(reply())[:39], drop="inner-malformed")
    s.arrives("nothing inside", b"", drop="inner-malformed")
    s.wire("the missing byte stands behind the outer packet, where it does not count",
           outer(raw(reply())[:-1], 1, source=REMOTE, destination=LOCAL) + raw(reply())[-1:], drop="inner-malformed")
    jumbo = ip6(nh=0, plen=0) / IPv6ExtHdrHopByHop(nh=59, options=[])
    s.arrives("a jumbogram (RFC 2675)", jumbo, drop="inner-malformed")


@scenario("inner-version-4")
def version_4(s):
    """Protocol 41 carries IPv6 and nothing else."""
    s.arrives("an IPv4 packet inside", IP(src="10.0.0.1", dst="10.0.0.2", id=1) / UDP() / Raw(b"i" * 20),
              drop="inner-malformed")
    s.arrives("an IPv6 packet with version 4", with_bytes(reply(), 0, b"\x40"), drop="inner-malformed")
    s.arrives("an IPv6 packet with version 7", with_bytes(reply(), 0, b"\x70"), drop="inner-malformed")


@scenario("never-a-source", ingress_filter="no")
def never_a_source(s):
    """Sources that no packet from a tunnel may have (RFC 4213 section 3.6; RFC 4291 section 2.5.5).
    Dropped also without the ingress filter.
    """
    for name, address in (("multicast", "ff02::1"), ("the lowest multicast address", "ff00::"),
                          ("loopback", "::1"), ("IPv4-compatible, ::/96", "::192.0.2.7"),
                          ("the highest of ::/96", "::255.255.255.255"), ("IPv4-mapped", "::ffff:192.0.2.7")):
        s.arrives(name, reply(source=address), drop="inner-source-invalid")
    s.part("Their neighbours may.")
    for name, address in (("just above ::/96", "::1:0:0"), ("just below ::ffff:0:0/96", "::fffe:ffff:ffff"),
                          ("just above ::ffff:0:0/96", "::1:0:0:0"), ("just below ff00::/8", "feff::1"),
                          ("NAT64 (RFC 6052)", "64:ff9b::192.0.2.7")):
        s.arrives(name, reply(source=address))
        s.delivered("passes", reply(source=address))


@scenario("legitimate-6to4-source")
def six_to_four(s):
    """A 6to4 source (2002::/16) from a configured tunnel is a source like any other."""
    for address in ("2002:c000:207::1", "2002:cb00:7105:1::9"):
        s.arrives(address, reply(source=address))
        s.delivered("passes", reply(source=address))


@scenario("unspecified-source")
def unspecified(s):
    """The unspecified address lies in ::/96 but is needed: duplicate address detection and router
    solicitation come from it (RFC 4862 section 5.4.2, RFC 4861 section 4.1).
    """
    detection = ip6(source="::", destination="ff02::1:ff00:2", hlim=255) / ICMPv6ND_NS(tgt=HERE)
    s.arrives("duplicate address detection", detection)
    s.delivered("passes", detection)
    solicitation = ip6(source="::", destination="ff02::2", hlim=255) / ICMPv6ND_RS()
    s.arrives("router solicitation", solicitation)
    s.delivered("passes", solicitation)


OTHER_SOURCES = [NEIGHBOURS[0], ("the far end's link-local address", "fe80::c633:6401"), *NEIGHBOURS[1:]]


@scenario("own-source-from-outside", ingress_filter="yes", **OWN)
def own_source(s):
    """With the ingress filter nothing comes from outside under an address of ours: the interface's
    addresses, not all of their on-link prefix, and everything in `prefix`.
    """
    for name, address in OWN_SOURCES:
        s.arrives(name, reply(source=address), drop="inner-source-ours")
    s.part("Not ours.")
    for name, address in OTHER_SOURCES:
        s.arrives(name, reply(source=address))
        s.delivered("passes", reply(source=address))


@scenario("own-source-from-outside-unfiltered", ingress_filter="no", **OWN)
def own_source_unfiltered(s):
    """Without the ingress filter sources of ours pass, as those of others do."""
    for name, address in OWN_SOURCES + OTHER_SOURCES:
        s.arrives(name, reply(source=address))
        s.delivered("passes", reply(source=address))


@scenario("ecn")
def ecn(s):
    """RFC 6040 section 4.2, figure 4: every inner ECN field in every outer one. DSCP and flow label
    of the inner packet stay, the outer DSCP does not matter.
    """
    # The rows of the figure: the resulting field by inner and outer field; None: the packet is dropped.
    figure = {
        "Not-ECT": {"Not-ECT": "Not-ECT", "ECT(0)": "Not-ECT", "ECT(1)": "Not-ECT", "CE": None},
        "ECT(0)": {"Not-ECT": "ECT(0)", "ECT(0)": "ECT(0)", "ECT(1)": "ECT(1)", "CE": "CE"},
        "ECT(1)": {"Not-ECT": "ECT(1)", "ECT(0)": "ECT(1)", "ECT(1)": "ECT(1)", "CE": "CE"},
        "CE": {"Not-ECT": "CE", "ECT(0)": "CE", "ECT(1)": "CE", "CE": "CE"},
    }
    for inner, row in figure.items():
        for outside, result in row.items():
            packet = reply(tc=0xA8 | ECN.index(inner), fl=0xABCDE)
            s.arrives(f"{inner} in {outside}", packet, tos=0x48 | ECN.index(outside),
                      drop=None if result else "ecn-invalid")
            if result:
                s.delivered(result, reply(tc=0xA8 | ECN.index(result), fl=0xABCDE))


@scenario("wrong-checksum-passed-on")
def wrong_checksum(s):
    """A wrong checksum is passed on wrong, both ways: made good it would vouch for broken data."""
    for way in (OUTWARD, INWARD):
        for name, packet in (("TCP", way.tcp(b"data!")), ("UDP", way.udp(b"hello")),
                             ("UDP without one", way.udp(b"hello"))):
            broken = with_checksum_field(packet, 0 if "without" in name else 0xBAD0)
            if way is OUTWARD:
                s.tun(f"{name}, from tun", broken)
                s.sent("as wrong", broken)
            else:
                s.arrives(f"{name}, from the wire", broken)
                s.delivered("as wrong", broken)


@scenario("inner-fragments")
def inner_fragments(s):
    """Fragments of an IPv6 packet pass whole, both ways. A checksum field in a fragment is that of
    the packet before it was cut, so nothing is unfinished about it, whatever it holds.
    """

    def fragments(way):
        whole = raw(way.udp(b"f" * 1600))[40:]
        yield ("the first fragment", way.ip6(nh=44) / IPv6ExtHdrFragment(nh=17, offset=0, m=1, id=5)
               / Raw(whole[:1400]))
        yield ("the last fragment", way.ip6(nh=44) / IPv6ExtHdrFragment(nh=17, offset=1400 // 8, m=0, id=5)
               / Raw(whole[1400:]))

    for name, packet in fragments(OUTWARD):
        s.tun(f"{name}, from tun", packet)
        s.sent("as it is", packet)
    for name, packet in fragments(INWARD):
        s.arrives(f"{name}, from the wire", packet)
        s.delivered("as it is", packet)
    looks = unfinished(tcp(b"x" * 100))
    length = len(looks) - 40
    look_alike = ip6(nh=44) / IPv6ExtHdrFragment(nh=6, offset=0, m=1, id=6) / Raw(looks[40:])
    s.arrives(f"a first fragment with the pseudo-header sum of its own {length} bytes", look_alike)
    s.delivered("as it is", look_alike)
