"""Scenarios of checksum and receive offload on the IPv4 side: unfinished checksums, merged packets, packets that
sixin4 joins. See author.py.
"""

from scapy.all import UDP, IPv6ExtHdrHopByHop, Raw, raw

from author_format import unfinished, with_checksum_field
from author_packets import INWARD, from_far_end, parts, reply, shelf, with_bytes

SCENARIOS, scenario = shelf()
ip6, tcp, udp = INWARD.ip6, INWARD.tcp, INWARD.udp


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
    """`packets` arrive in one batch and are written as the single packet `whole`."""
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
