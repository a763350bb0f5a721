"""Scenarios that begin at the tun device. See author.py."""

from scapy.all import (
    ICMP, IP, TCP, UDP, ICMPv6DestUnreach, ICMPv6ND_Redirect, ICMPv6PacketTooBig, IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Raw, raw,
)

from author_format import LOCAL, REMOTE, outer, unfinished, with_checksum_field
from author_packets import OUTWARD, of_length, packet_too_big, parts, shelf

SCENARIOS, scenario = shelf()
ip6, echo, tcp, udp = OUTWARD.ip6, OUTWARD.echo, OUTWARD.tcp, OUTWARD.udp


@scenario("plain-packet-out")
def plain(s):
    """An inner packet leaves in IPv4 as RFC 4213 section 3.5 has it: without options, protocol 41,
    and not one byte behind the inner packet.
    """
    s.tun("an echo request", echo())
    s.sent("the same in IPv4", echo())
    s.tun("a UDP datagram, finished", udp(b"hello"))
    s.sent("the same in IPv4", udp(b"hello"))
    s.tun("an empty packet: no next header (RFC 8200 section 4.7)", ip6(nh=59))
    s.sent("the same in IPv4", ip6(nh=59))
    s.tun("an echo request with five bytes behind its end", raw(echo()) + b"extra")
    s.sent("without those bytes", echo())
    s.part("Packets that tun holds ready together leave in their order.")
    for number in range(3):
        s.tun(f"datagram {number}", udp(b"number %d" % number))
    for number in range(3):
        s.sent(f"datagram {number}", udp(b"number %d" % number))


@scenario("tcp-super-packet-out")
def tcp_super_packet(s):
    """Three segments' worth of TCP in one super-packet. CWR belongs on the first segment only (RFC
    3168 section 6.1.2), FIN and PSH on the last.
    """
    pieces = parts(1220, 1220, 300)
    stamp = [("NOP", None), ("NOP", None), ("Timestamp", (7, 9))]
    whole = tcp(b"".join(pieces), flags="CAPF", tc=0x02, fl=0x12345)
    s.tun("1220 + 1220 + 300 bytes, CWR FIN PSH ACK", unfinished(whole), csum="40+16", gso="tcp6:1220:ecn")
    for number, flags in enumerate(["CA", "A", "APF"]):
        s.sent(f"segment {number + 1}, {flags}", tcp(pieces[number], 1000 + 1220 * number, flags, tc=0x02, fl=0x12345),
               tos=2)
    s.part("With options, an extension header in front, and a sequence number that wraps.")
    start = 2**32 - 100
    extended = {"nh": 60}
    options = IPv6ExtHdrDestOpt(nh=6)
    pieces = parts(1000, 1000)

    def segment(payload, sequence, flags):
        header = TCP(sport=40000, dport=80, seq=sequence, ack=5000, flags=flags, window=512, options=stamp)
        return ip6(**extended) / options / header / Raw(payload)

    s.tun("1000 + 1000 bytes, PSH ACK", unfinished(segment(b"".join(pieces), start, "AP"), 48), csum="48+16",
          gso="tcp6:1000")
    s.sent("segment 1", segment(pieces[0], start, "A"))
    s.sent("segment 2", segment(pieces[1], 900, "AP"))
    s.part("A super-packet that is no longer than one segment.")
    s.tun("20 bytes of 1220", unfinished(tcp(b"x" * 20, flags="AP")), csum="40+16", gso="tcp6:1220")
    s.sent("one segment", tcp(b"x" * 20, flags="AP"))


@scenario("udp-super-packet-out")
def udp_super_packet(s):
    """UDP datagrams of one flow in one super-packet. Each gets a length and a checksum of its own;
    a checksum that comes out as 0 is sent as 0xffff (RFC 8200 section 8.1).
    """
    pieces = parts(1200, 1200, 77)
    s.tun("1200 + 1200 + 77 bytes", unfinished(udp(b"".join(pieces))), csum="40+6", gso="udp:1200")
    for number, piece in enumerate(pieces, 1):
        s.sent(f"datagram {number}", udp(piece))
    s.part("The second datagram's checksum comes out as 0.")
    zero = zero_checksum_payload()
    first = b"\x11" * len(zero)
    s.tun("4 + 4 bytes", unfinished(udp(first + zero)), csum="40+6", gso=f"udp:{len(zero)}")
    s.sent("datagram 1", udp(first))
    s.sent("datagram 2, checksum 0xffff", with_checksum_field(udp(zero), 0xFFFF))


def zero_checksum_payload():
    """A payload that makes the UDP checksum of `udp` 0, which is written as 0xffff."""
    computed = raw(udp(b"\0\0\0\1"))[46:48]
    # Adding the checksum to the data makes its sum 0xffff; the 1 that the payload already contains is subtracted.
    value = (int.from_bytes(computed, "big") + 1) % 0xFFFF
    payload = value.to_bytes(4, "big")
    packet = raw(udp(payload))
    assert packet[46:48] in (b"\0\0", b"\xff\xff"), packet[46:48].hex()
    return payload


@scenario("unfinished-checksum-out")
def unfinished_out(s):
    """A checksum that the sender left to the device is finished before the packet leaves."""
    s.tun("a TCP segment", unfinished(tcp(b"data!")), csum="40+16")
    s.sent("with its checksum", tcp(b"data!"))
    s.tun("a UDP datagram of odd length", unfinished(udp(b"odd")), csum="40+6")
    s.sent("with its checksum", udp(b"odd"))
    zero = zero_checksum_payload()
    s.tun("a UDP datagram whose checksum comes out as 0", unfinished(udp(zero)), csum="40+6")
    s.sent("it is sent as 0xffff", with_checksum_field(udp(zero), 0xFFFF))
    behind = raw(udp(b"hello")) + b"junk"
    s.tun("bytes behind the packet's end take no part in its checksum", unfinished(udp(b"hello")) + b"junk",
          csum="40+6")
    s.sent("with its checksum", behind[:-4])


@scenario("too-big-out")
def too_big(s):
    """Packets over the tunnel MTU are dropped, and answered with Packet Too Big (RFC 4213 section
    3.2.1), up to 100 at once and 100 a second (RFC 4443 section 2.4 (f)).
    """
    s.tun("1480 bytes are not too big", of_length(1480))
    s.sent("the packet", of_length(1480))
    for make, name in ((echo, "an echo request"), (udp, "a datagram")):
        big = of_length(1481, make)
        s.tun(f"{name} of 1481 bytes", big, drop="too-big")
        s.answered("quotes as much of it as fits 1280 bytes", packet_too_big(big, 1480))
    pieces = parts(1421, 1421)
    whole = unfinished(tcp(b"".join(pieces)))
    s.tun("a super-packet of segments of 1481 bytes", whole, drop="too-big", csum="40+16", gso="tcp6:1421")
    s.answered("quotes the super-packet", packet_too_big(whole, 1480))
    pieces = parts(1420, 1420)
    s.tun("a super-packet of segments of 1480 bytes", unfinished(tcp(b"".join(pieces))), csum="40+16", gso="tcp6:1420")
    s.sent("segment 1", tcp(pieces[0]))
    s.sent("segment 2", tcp(pieces[1], 2420))
    big = of_length(1481)
    s.tun("the last 97 that may be answered at once", big, drop="too-big", times=97)
    s.answered("answers", packet_too_big(big, 1480), times=97)
    s.tun("no answer any more", big, drop="too-big")
    s.wait("10ms")
    s.tun("one more may be answered after a hundredth of a second", big, drop="too-big", times=2)
    s.answered("one answer to the two", packet_too_big(big, 1480))
    s.wait("10s")
    s.tun("a pause brings no more than the 100", big, drop="too-big", times=101)
    s.answered("answers", packet_too_big(big, 1480), times=100)


@scenario("too-big-for-multicast-destination")
def too_big_multicast(s):
    """Packet Too Big is the exception: it also answers a packet to a multicast group (RFC 4443
    section 2.4 (e.3)), so that path MTU discovery works there.
    """
    big = of_length(1481, udp, destination="ff0e::1234")
    s.tun("1481 bytes to a group", big, drop="too-big")
    s.answered("Packet Too Big", packet_too_big(big, 1480))


@scenario("no-error-for-icmp-error", egress_filter="no")
def no_error(s):
    """What RFC 4443 section 2.4 (e) forbids an answer to is dropped without one. All are too big; the
    egress filter would refuse some of them before.
    """

    def icmp(message, **fields):
        return ip6(**fields) / message / Raw(b"q" * 1500)

    s.tun("Destination Unreachable", icmp(ICMPv6DestUnreach()), drop="too-big")
    s.tun("Packet Too Big", icmp(ICMPv6PacketTooBig()), drop="too-big")
    s.tun("an error of a type not assigned, 127", icmp(ICMPv6DestUnreach(type=127)), drop="too-big")
    s.tun("Redirect", icmp(ICMPv6ND_Redirect()), drop="too-big")
    options = ip6(nh=60) / IPv6ExtHdrDestOpt(nh=58)
    s.tun("Destination Unreachable behind destination options",
          options / ICMPv6DestUnreach(cksum=0) / Raw(b"q" * 1500), drop="too-big")
    s.tun("from the unspecified address", of_length(1481, udp, source="::"), drop="too-big")
    s.tun("from a multicast address", of_length(1481, udp, source="ff0e::1"), drop="too-big")
    s.tun("the first fragment of an error", ip6(nh=44) / IPv6ExtHdrFragment(nh=58, offset=0, m=1, id=9)
          / Raw(raw(ICMPv6DestUnreach(cksum=0)) + b"q" * 1500), drop="too-big")
    s.part("Not among them: an informational message.")
    s.tun("an echo request", of_length(1481), drop="too-big")
    s.answered("Packet Too Big", packet_too_big(of_length(1481), 1480))


@scenario("larger-than-link-fragmented", link_mtu=1500, mtu=9000)
def fragmented(s):
    """With a static MTU above the link's the outer packet is fragmented (RFC 4213 section 3.2.1),
    DF clear, every fragment at most 1500 bytes.
    """
    s.tun("1480 bytes fit", of_length(1480))
    s.sent("one packet", of_length(1480))
    s.tun("1481 bytes do not", of_length(1481))
    s.sent_in_fragments("1481 bytes", of_length(1481), 1480)
    big = udp(b"".join(parts(1400, 1400, 1400, 1400, 1400, 1400, 552)))
    assert len(raw(big)) == 9000
    s.tun("9000 bytes", big)
    s.sent_in_fragments("9000 bytes", big, 1480)
    s.tun("9001 bytes", of_length(9001), drop="too-big")
    s.answered("Packet Too Big", packet_too_big(of_length(9001), 9000))
    pieces = parts(3000, 1000)
    s.tun("a super-packet with segments of 3000 bytes", unfinished(tcp(b"".join(pieces), flags="AP")), csum="40+16",
          gso="tcp6:3000")
    s.sent_in_fragments("segment 1", tcp(pieces[0]), 1480)
    s.sent("segment 2", tcp(pieces[1], 4000, "AP"))


@scenario("link-smaller-than-tunnel-mtu", link_mtu=1280, mtu=1280)
def small_link(s):
    """The tunnel's least MTU, 1280, over a link of 1280: the fragments' lengths are multiples of 8
    (RFC 791), so the first one stays below the link's MTU.
    """
    s.tun("1260 bytes fit", of_length(1260))
    s.sent("one packet", of_length(1260))
    s.tun("1280 bytes do not", of_length(1280))
    s.sent_in_fragments("1280 bytes", of_length(1280), 1256)


@scenario("not-ipv6-out")
def not_ipv6(s):
    """Nothing that is not IPv6 leaves."""
    s.tun("an IPv4 packet", IP(src="10.0.0.1", dst="10.0.0.2", id=1) / ICMP(), drop="not-ipv6")
    s.tun("a 6in4 packet of somebody else's", outer(echo(), 1, source="192.0.2.77"), drop="not-ipv6")
    s.tun("an IPv6 packet with version 5", b"\x50" + raw(echo())[1:], drop="not-ipv6")
    s.tun("a packet of one byte", b"\x00", drop="not-ipv6")
    s.tun("a packet without bytes", b"", drop="not-ipv6")


@scenario("malformed-out")
def malformed(s):
    """Packets, and offload data, that contradict themselves."""
    s.tun("an IPv6 header of 39 bytes", raw(ip6(nh=59))[:39], drop="malformed")
    s.tun("one byte, version 6", b"\x60", drop="malformed")
    s.tun("a payload length larger than the packet", echo(plen=13), drop="malformed")
    s.tun("a jumbogram (RFC 2675): payload length 0, hop-by-hop options",
          ip6(nh=0, plen=0) / IPv6ExtHdrHopByHop(nh=59, options=[]), drop="malformed")
    s.tun("a checksum field at the start of the IPv6 header", udp(b"xyz"), drop="malformed", csum="0+0")
    s.tun("a checksum field that is the end of the destination", udp(b"xyz"), drop="malformed", csum="38+0")
    s.tun("a checksum field that ends behind the packet", udp(b"xyz"), drop="malformed", csum="48+2")
    s.tun("a checksum field far behind the packet", udp(b"xyz"), drop="malformed", csum="65535+65535")
    s.tun("a checksum field in the bytes behind the packet's end", raw(udp(b"xyz")) + b"1234", drop="malformed",
          csum="51+0")
    segment = unfinished(tcp(b"y" * 100))
    whole = {"csum": "40+16", "gso": "tcp6:50"}
    s.part("Super-packets.")
    s.tun("segments of no bytes", segment, drop="malformed", csum="40+16", gso="tcp6:0")
    s.tun("a finished checksum", tcp(b"y" * 100), drop="malformed", csum="40+16:finished", gso="tcp6:50")
    s.tun("a checksum that starts elsewhere", segment, drop="malformed", csum="41+16", gso="tcp6:50")
    s.tun("a UDP datagram called TCP", unfinished(udp(b"y" * 100)), drop="malformed", csum="40+6", gso="tcp6:50")
    s.tun("TCP called UDP", segment, drop="malformed", csum="40+16", gso="udp:50")
    s.tun("a kind that was never offered: TCP over IPv4", segment, drop="malformed", csum="40+16", gso="tcp4:50")
    s.tun("a kind that was never offered: UDP in fragments", unfinished(udp(b"y" * 100)), drop="malformed",
          csum="40+6", gso="udp-fragments:50")
    short = bytearray(segment[:92])
    short[4:6], short[52] = (52).to_bytes(2, "big"), 0xF0
    s.tun("a TCP header of 60 bytes in a packet with 52", bytes(short), drop="malformed", **whole)
    short[52] = 0x40
    s.tun("a TCP header of 16 bytes", bytes(short), drop="malformed", **whole)
    fragment = ip6(nh=44) / IPv6ExtHdrFragment(nh=6, offset=0, m=1, id=1) / Raw(segment[40:])
    s.tun("a fragment", fragment, drop="malformed", csum="48+16", gso="tcp6:50")


@scenario("loop-out")
def loop(s):
    """Our own outer packets come back to tun when the IPv4 route leads into the tunnel: as they
    are, or inside of IPv6 (RFC 2473) when it leads into a tunnel that runs through this one.
    """
    ours = outer(echo(), 1)
    s.tun("our outer packet", ours, drop="loop")
    s.tun("the same in IPv6", ip6(nh=4) / Raw(ours), drop="loop")
    limit = IPv6ExtHdrDestOpt(nh=4, options=[])
    s.tun("the same behind destination options", ip6(nh=60) / limit / Raw(ours), drop="loop")
    s.part("These are no loops.")
    other = outer(echo(), 1, source="192.0.2.77")
    s.tun("another host's 6in4 packet in IPv6", ip6(nh=4) / Raw(other))
    s.sent("leaves", ip6(nh=4) / Raw(other))
    plain_ipv4 = IP(src=LOCAL, dst=REMOTE, id=1) / UDP(sport=1, dport=2)
    s.tun("between the same hosts, but UDP", ip6(nh=4) / plain_ipv4)
    s.sent("leaves", ip6(nh=4) / plain_ipv4)
    s.tun("IPv6 in IPv6", ip6(nh=41) / echo())
    s.sent("leaves", ip6(nh=41) / echo())


@scenario("ecn-out-normal")
def ecn_normal(s):
    """RFC 6040 section 4.1, normal mode: the outer ECN field is the inner one. The DSCP is not."""
    for field, name in enumerate(["Not-ECT", "ECT(1)", "ECT(0)", "CE"]):
        s.tun(name, echo(tc=0xB8 | field))
        s.sent(f"outer {name}", echo(tc=0xB8 | field), tos=field)


@scenario("ecn-out-compatibility", ecn="no")
def ecn_compatibility(s):
    """RFC 6040 section 4.1, compatibility mode: the outer ECN field is Not-ECT."""
    for field, name in enumerate(["Not-ECT", "ECT(1)", "ECT(0)", "CE"]):
        s.tun(name, echo(tc=0xB8 | field))
        s.sent("outer Not-ECT", echo(tc=0xB8 | field))


@scenario("ttl-inherit", ttl="inherit")
def ttl_inherit(s):
    """The outer TTL is the inner hop limit, which stays as it is: the tunnel is one hop (RFC 4213
    section 3.3).
    """
    for limit in (1, 64, 255):
        s.tun(f"hop limit {limit}", echo(hlim=limit))
        s.sent(f"TTL {limit}", echo(hlim=limit), ttl=limit)


@scenario("ttl-fixed", ttl=7)
def ttl_fixed(s):
    """The outer TTL is the configured one, whatever the inner hop limit."""
    for limit in (1, 255):
        s.tun(f"hop limit {limit}", echo(hlim=limit))
        s.sent("TTL 7", echo(hlim=limit), ttl=7)


@scenario("tos-inherit", tos="inherit", ecn="no")
def tos_inherit(s):
    """The outer DSCP is the inner one; in compatibility mode without the ECN field."""
    for octet in (0x00, 0xB8, 0xBB, 0xFF):
        s.tun(f"traffic class {octet:#04x}", echo(tc=octet))
        s.sent(f"TOS {octet & 0xFC:#04x}", echo(tc=octet), tos=octet & 0xFC)


@scenario("tos-fixed", tos="bb")
def tos_fixed(s):
    """The outer DSCP is the configured one. ECN bits never come from the configuration (RFC 6040
    section 4.1): of 0xbb only 0xb8 counts.
    """
    for octet in (0x00, 0x02, 0x2B):
        s.tun(f"traffic class {octet:#04x}", echo(tc=octet))
        s.sent(f"TOS {0xB8 | octet & 3:#04x}", echo(tc=octet), tos=0xB8 | octet & 3)
