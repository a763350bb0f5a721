"""Scenarios that begin on the IPv4 side, and those of both directions. See author.py."""

from scapy.all import (
    ICMP, IP, UDP, ICMPv6EchoReply, ICMPv6ND_NS, ICMPv6ND_RS, IPOption, IPOption_Router_Alert, IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop, Raw, raw,
)

from author_format import LOCAL, REMOTE, outer, unfinished, with_checksum_field
from author_packets import ECN, HERE, INWARD, NEIGHBOURS, OUTWARD, OWN, OWN_SOURCES, parts, shelf, with_bytes

SCENARIOS, scenario = shelf()
ip6, tcp, udp = INWARD.ip6, INWARD.tcp, INWARD.udp


def reply(payload=b"pong", **fields):
    return ip6(**fields) / ICMPv6EchoReply(id=7, seq=1, data=payload)


def from_far_end(inner, **fields):
    return outer(inner, 0x4D2, source=REMOTE, destination=LOCAL, **fields)


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


@scenario("unfinished-checksum-in")
def unfinished_in(s):
    """A sender on the same machine leaves its checksums to a device that never comes. The field
    holds the pseudo-header sum; tun is told to finish it.
    """
    s.arrives("a TCP segment", unfinished(tcp(b"data!")))
    s.delivered("marked", unfinished(tcp(b"data!")), csum="40+16", headers=60)
    stamp = [("NOP", None), ("NOP", None), ("Timestamp", (7, 9))]
    s.arrives("a TCP segment with options", unfinished(tcp(b"data!", options=stamp)))
    s.delivered("marked", unfinished(tcp(b"data!", options=stamp)), csum="40+16", headers=72)
    s.arrives("a UDP datagram", unfinished(udp(b"hello")), packet_socket=0)
    s.delivered("marked", unfinished(udp(b"hello")), csum="40+6", headers=48)
    hop = ip6(nh=0) / IPv6ExtHdrHopByHop(nh=17) / UDP(sport=1, dport=2) / Raw(b"hello")
    s.arrives("a UDP datagram behind hop-by-hop options", unfinished(hop, 48))
    s.delivered("marked", unfinished(hop, 48), csum="48+6", headers=56)
    full = udp(b"v" * (1480 - 48))
    s.arrives("a UDP datagram of 1480 bytes", unfinished(full), packet_socket=0)
    s.delivered("marked", unfinished(full), csum="40+6", headers=48)
    s.part("A checksum that is finished is left alone.")
    s.arrives("a TCP segment", tcp(b"data!"))
    s.delivered("as it is", tcp(b"data!"))


@scenario("merged-tcp-in")
def merged_tcp(s):
    """Receive offload joins TCP segments of a flow before a raw socket sees them, and leaves the
    pseudo-header sum in the checksum field. The packet is handed to tun whole, to be cut for a link
    of 1280 bytes, the least that IPv6 allows (RFC 8200 section 5). It counts as the segments that
    it was.
    """
    merged = unfinished(tcp(b"1" * 1420 + b"2" * 1420 + b"3" * 100, flags="AP"))
    s.arrives("1420 + 1420 + 100 bytes", merged)
    s.delivered("whole", merged, packets=3, length=2940 + 3 * 60, csum="40+16", gso="tcp6:1220", headers=60)
    merged = unfinished(tcp(b"1" * 1420 + b"2" * 1420, flags="CAP", tc=2))
    s.arrives("two segments, CWR on the first", merged, tos=2)
    s.delivered("whole, CWR on the first only", merged, packets=2, length=2840 + 2 * 60, csum="40+16",
                gso="tcp6:1220:ecn", headers=60)
    stamp = [("NOP", None), ("NOP", None), ("Timestamp", (7, 9))]
    merged = unfinished(tcp(b"s" * 1408 * 46, options=stamp))
    s.arrives("46 segments with a time stamp, 64,840 bytes", merged)
    s.delivered("whole", merged, packets=46, length=46 * 1480, csum="40+16", gso="tcp6:1208", headers=72)
    s.part("Not merged, but larger than the next link may be.")
    full = unfinished(tcp(b"f" * 1420))
    s.arrives("a segment of 1480 bytes, unfinished", full)
    s.delivered("whole", full, csum="40+16", gso="tcp6:1220", headers=60)
    full = unfinished(tcp(b"f" * 1220))
    s.arrives("a segment of 1280 bytes, unfinished", full)
    s.delivered("nothing to cut", full, csum="40+16", headers=60)
    full = unfinished(tcp(b"f" * 1221))
    s.arrives("a segment of 1281 bytes, unfinished", full)
    s.delivered("to be cut", full, csum="40+16", gso="tcp6:1220", headers=60)


@scenario("merged-udp-in")
def merged_udp(s):
    """Only the packet socket knows of what size UDP datagrams were that receive offload has joined.
    So what is unfinished is taken from there, everything else from the raw socket, and nothing twice.
    """
    joined = unfinished(udp(b"1" * 500 + b"2" * 500 + b"3" * 100))
    s.arrives("500 + 500 + 100 bytes over the raw socket: left to the other one", joined)
    s.arrives("the same over the packet socket", joined, packet_socket=500)
    s.delivered("whole", joined, packets=3, length=1100 + 3 * 48, csum="40+6", gso="udp:500", headers=48)
    one = unfinished(udp(b"1" * 1400))
    s.arrives("one datagram, unfinished, over the raw socket: left to the other one", one)
    s.arrives("the same over the packet socket", one, packet_socket=0)
    s.delivered("marked", one, csum="40+6", headers=48)
    s.arrives("a finished one over the packet socket: left to the raw socket", udp(b"1" * 1400), packet_socket=0)
    s.arrives("2448 bytes, finished, over the raw socket", udp(b"1" * 2400))
    s.delivered("as it is", udp(b"1" * 2400))
    s.arrives("TCP over the packet socket: left to the raw socket", unfinished(tcp(b"1" * 100)), packet_socket=0)
    s.arrives("what is refused is counted at the raw socket only", joined, packet_socket=500, source="203.0.113.5")
    damaged = with_bytes(from_far_end(joined), 10, b"\0\0")
    s.wire("a wrong IPv4 header checksum: the raw socket never sees it", damaged, packet_socket=500)


def arrive_as_one(s, what, packets, whole, **offload):
    """`packets` arrive together and are written as `whole`."""
    for number, packet in enumerate(packets, 1):
        s.arrives(f"{what} {number}", packet)
    s.delivered("in one", unfinished(whole), packets=len(packets), length=sum(len(raw(packet)) for packet in packets),
                **offload)


@scenario("coalesced-tcp-in")
def coalesced_tcp(s):
    """Segments that arrive together and continue each other are written to tun as one, which is cut where they
    were joined. Their checksums were right.
    """
    pieces = parts(1420, 1420, 1420, 100)
    stream, starts = b"".join(pieces), [1000, 2420, 3840, 5260]
    whole = {"csum": "40+16", "gso": "tcp6:1420", "headers": 60}
    segments = [tcp(piece, start) for piece, start in zip(pieces, starts)]
    arrive_as_one(s, "segment", segments, tcp(stream), **whole)
    s.part("PSH ends a run, and is the whole's.")
    arrive_as_one(s, "segment", segments[:2] + [tcp(pieces[2], 3840, "AP")], tcp(stream[:4260], flags="AP"), **whole)
    s.part("CWR stays on the first.")
    arrive_as_one(s, "segment", [tcp(pieces[0], flags="CA"), *segments[1:]], tcp(stream, flags="CA"),
                  **whole | {"gso": "tcp6:1420:ecn"})
    s.part("Time stamps that are the same.")
    stamp = {"options": [("NOP", None), ("NOP", None), ("Timestamp", (7, 9))]}
    arrive_as_one(s, "segment", [tcp(pieces[0], **stamp), tcp(pieces[1], 2420, **stamp)], tcp(stream[:2840], **stamp),
                  **whole | {"headers": 72})
    s.part("One whose checksum is finished, and one whose is not.")
    s.arrives("a segment", tcp(b"f" * 1200))
    s.arrives("an unfinished one", unfinished(tcp(b"u" * 1200, 2200)))
    s.delivered("in one", unfinished(tcp(b"f" * 1200 + b"u" * 1200)), packets=2, length=2520, csum="40+16",
                gso="tcp6:1200", headers=60)

    s.part("What does not continue the one before goes by itself.")
    for what, second in (
            ("a gap", tcp(pieces[1], 2421)), ("one that came before", segments[0]),
            ("another acknowledgement", tcp(pieces[1], 2420)), ("a longer one", tcp(b"l" * 1421, 2420)),
            ("FIN without data", tcp(b"", 2420, "FA")), ("ECE", tcp(pieces[1], 2420, "AE")),
            ("CWR on the second", tcp(pieces[1], 2420, "CA")), ("another hop limit", tcp(pieces[1], 2420, hlim=56)),
            ("another flow label", tcp(pieces[1], 2420, fl=1)), ("congestion", tcp(pieces[1], 2420, tc=3)),
            ("a time stamp", tcp(pieces[1], 2420, **stamp))):
        if what == "another acknowledgement":
            second["TCP"].ack = 5001
        s.arrives("a segment", segments[0])
        s.arrives(what, second)
        s.delivered("the segment", segments[0])
        s.delivered(what, second)
    s.arrives("a segment", segments[0])
    s.arrives("an echo reply: it may not overtake", reply())
    s.arrives("the next segment", segments[1])
    for what, packet in (("the segment", segments[0]), ("the reply", reply()), ("the next segment", segments[1])):
        s.delivered(what, packet)


@scenario("coalesced-udp-in")
def coalesced_udp(s):
    """Datagrams of one size that arrive together, the last perhaps a smaller one, are written to tun as one."""
    pieces = parts(500, 500, 500, 100)
    whole = {"csum": "40+6", "gso": "udp:500", "headers": 48}
    datagrams = [udp(piece) for piece in pieces]
    arrive_as_one(s, "datagram", datagrams, udp(b"".join(pieces)), **whole)
    s.part("Two flows, each by itself, in the order in which they began.")
    other = [datagram.copy() for datagram in datagrams[:2]]
    for datagram in other:
        datagram["UDP"].dport = 40001
    for number in (0, 1):
        s.arrives(f"datagram {number} of the first flow", datagrams[number])
        s.arrives(f"datagram {number} of the second", other[number])
    for what, first in (("the first flow's", datagrams[0]), ("the second's", other[0])):
        both = first.copy()
        both["Raw"].load = b"".join(pieces[:2])
        s.delivered(what, unfinished(both), packets=2, length=2 * 548, **whole)
    s.part("A wrong checksum stays wrong, none stays none, and neither is joined.")
    for what, value in (("a wrong checksum", 0xBAD0), ("no checksum", 0)):
        s.arrives("a datagram", datagrams[0])
        s.arrives(what, with_checksum_field(datagrams[1], value))
        s.arrives("a datagram", datagrams[2])
        s.delivered("the first", datagrams[0])
        s.delivered(what, with_checksum_field(datagrams[1], value))
        s.delivered("the last", datagrams[2])
    s.part("Not of one size.")
    s.arrives("a small datagram", datagrams[3])
    s.arrives("a larger one", datagrams[0])
    s.arrives("an empty one", udp(b""))
    s.delivered("the small one", datagrams[3])
    s.delivered("the larger one", datagrams[0])
    s.delivered("the empty one", udp(b""))


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
    # Rows as in the figure: what goes on, by inner and then outer field.
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
