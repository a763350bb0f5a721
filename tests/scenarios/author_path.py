"""Scenarios of the path MTU: what the IPv4 path carries, and what routers tell of it. See author.py."""

from author_format import unfinished
from author_packets import OUTWARD, of_length, packet_too_big, parts, quoted, shelf

SCENARIOS, scenario = shelf()
echo, tcp, udp = OUTWARD.echo, OUTWARD.tcp, OUTWARD.udp

NEEDED = (3, 4)  # destination unreachable, fragmentation needed and DF set (RFC 1191 section 4)


def needed(s, what, mtu, length=1480, **keywords):
    """A router reports that it could not forward a datagram of `length` bytes. Returns the datagram."""
    packet = of_length(length, udp)
    s.icmp(what, NEEDED, quoted(packet), mtu=mtu, **keywords)
    return packet


def limit_is(s, mtu, send=None):
    """The tunnel MTU is `mtu`."""
    s.tun(f"{mtu} bytes are not too big", of_length(mtu))
    (send or s.sent_whole)("the packet", of_length(mtu))
    s.tun("one byte more is", of_length(mtu + 1), drop="too-big")
    s.answered("Packet Too Big", packet_too_big(of_length(mtu + 1), mtu))


@scenario("dynamic-mtu", mtu="auto")
def dynamic(s):
    """RFC 4213 section 3.2.2: DF is set, and the tunnel MTU is the path MTU less 20 bytes. What
    nobody fragments needs no identification (RFC 6864 section 4.1), so all have 0.
    """
    limit_is(s, 1480)
    pieces = parts(1420, 1420, 77)
    s.tun("a super-packet of 1420 + 1420 + 77 bytes", unfinished(tcp(b"".join(pieces), flags="AP")), csum="40+16",
          gso="tcp6:1420")
    for number, flags in enumerate(["A", "A", "AP"]):
        s.sent_whole(f"segment {number + 1}", tcp(pieces[number], 1000 + 1420 * number, flags))


@scenario("dynamic-mtu-fixed-is-a-cap", mtu=1400, pmtudisc="yes")
def cap(s):
    """With `pmtudisc` a fixed MTU is the most that the tunnel takes, and DF is set: a path that
    carries more does not raise it, one that carries less lowers it.
    """
    limit_is(s, 1400)
    s.part("A path MTU of 1460 leaves room for 1440 bytes: nothing changes.")
    packet = needed(s, "1460", 1460, 1400)
    s.answered("Packet Too Big", packet_too_big(packet, 1400))
    limit_is(s, 1400)
    s.part("One of 1410 leaves room for 1390.")
    packet = needed(s, "1410", 1410, 1400)
    s.answered("Packet Too Big", packet_too_big(packet, 1390))
    limit_is(s, 1390)


@scenario("dynamic-mtu-fixed-above-link", mtu=9000, pmtudisc="yes")
def above_link(s):
    """With `pmtudisc` a fixed MTU that the link does not carry is lowered to what it does, so that no
    packet with DF set is larger than the link.
    """
    limit_is(s, 1480)


@scenario("path-of-1300", mtu="auto", link_mtu=1300)
def path_of_1300(s):
    """The narrowest path that carries 1280 bytes whole, what IPv6 needs of every link (RFC 8200
    section 5): DF is still set.
    """
    limit_is(s, 1280)


@scenario("path-below-1300", mtu="auto", link_mtu=1299)
def path_below_1300(s):
    """RFC 4213 section 3.2.2: over a path that does not carry 1280 bytes whole DF is clear, the
    tunnel MTU is 1280, and what is larger than the path becomes IPv4 fragments.
    """
    s.tun("1279 bytes fit", of_length(1279))
    s.sent("one packet, DF clear, an identification", of_length(1279))
    s.tun("1280 bytes do not", of_length(1280))
    s.sent_in_fragments("1280 bytes", of_length(1280), 1272)
    s.tun("1281 bytes are more than the tunnel takes", of_length(1281), drop="too-big")
    s.answered("Packet Too Big", packet_too_big(of_length(1281), 1280))


@scenario("fragmentation-needed", mtu="auto")
def fragmentation_needed(s):
    """A router tells that it cannot pass on more than so much (RFC 1191 section 4). The sender of the
    packet that it quotes gets Packet Too Big with 20 bytes less (RFC 4213 section 3.2.2), and so
    does everybody else from then on.
    """
    packet = needed(s, "1400", 1400)
    s.answered("Packet Too Big for the quoted packet's sender", packet_too_big(packet, 1380))
    limit_is(s, 1380)
    s.part("A router that quotes eight bytes names no sender. The path MTU is lowered all the same.")
    s.icmp("1390, eight bytes quoted", NEEDED, quoted(of_length(1380), 8), mtu=1390)
    limit_is(s, 1370)
    s.part("The smallest of those that come together counts.")
    wide, narrow = of_length(1370, udp), of_length(1369, udp)
    s.icmp("1360", NEEDED, quoted(wide), mtu=1360)
    s.icmp("1350", NEEDED, quoted(narrow), mtu=1350)
    s.icmp("1355", NEEDED, quoted(wide), mtu=1355)
    s.answered("Packet Too Big for each", packet_too_big(wide, 1340))
    s.answered("Packet Too Big for each", packet_too_big(narrow, 1330))
    s.answered("Packet Too Big for each", packet_too_big(wide, 1335))
    limit_is(s, 1330)


@scenario("fragmentation-needed-raises-nothing", mtu="auto")
def raises_nothing(s):
    """The path MTU is never raised because of a message, which may be forged (RFC 1191 section 3)."""
    packet = needed(s, "more than the link takes", 9000)
    s.answered("the tunnel MTU as it is", packet_too_big(packet, 1480))
    limit_is(s, 1480)
    packet = needed(s, "1400", 1400)
    s.answered("Packet Too Big", packet_too_big(packet, 1380))
    packet = needed(s, "more than is known to be there", 1450, 1380)
    s.answered("the tunnel MTU as it is", packet_too_big(packet, 1380))
    limit_is(s, 1380)


@scenario("fragmentation-needed-below-1300", mtu="auto")
def needed_below_1300(s):
    """RFC 4213 section 3.2.2: a path MTU of less than 1300 makes the tunnel MTU 1280 and clears DF,
    so that routers on the way can fragment.
    """
    packet = needed(s, "1300, the least that carries 1280 bytes", 1300)
    s.answered("Packet Too Big", packet_too_big(packet, 1280))
    limit_is(s, 1280)
    packet = needed(s, "1299", 1299, 1280)
    s.answered("1280, never less", packet_too_big(packet, 1280))
    limit_is(s, 1280, s.sent)
    packet = needed(s, "576", 576, 1280)
    s.answered("1280, never less", packet_too_big(packet, 1280))
    limit_is(s, 1280, s.sent)


@scenario("fragmentation-needed-without-mtu", mtu="auto", link_mtu=9000)
def plateaus(s):
    """A router from before RFC 1191 tells no MTU. The next plateau of that RFC's table 7-1 below the
    refused packet's length is taken.
    """
    for length, plateau in ((9000, 8166), (8166, 4352), (4352, 2002), (2002, 1492)):
        packet = needed(s, f"a packet of {length} bytes", 0, length - 20)
        s.answered(f"{plateau} less 20", packet_too_big(packet, plateau - 20))
        limit_is(s, plateau - 20)
    s.part("The length that counts is the quoted header's, however little of the packet is quoted.")
    s.icmp("a packet of 1492 bytes, eight of the inner one quoted", NEEDED, quoted(of_length(1472), 8))
    limit_is(s, 1280, s.sent)


@scenario("fragmentation-needed-below-68", mtu="auto")
def forged(s):
    """No link takes less than 68 bytes (RFC 791 section 3.2): a message that tells so is forged, and
    nothing follows from it. The least that may be believed lowers the tunnel MTU to 1280, not below.
    """
    for mtu in (1, 20, 67):
        needed(s, f"{mtu}", mtu, drop="icmp-ignored")
    limit_is(s, 1480)
    packet = needed(s, "68", 68)
    s.answered("Packet Too Big", packet_too_big(packet, 1280))
    limit_is(s, 1280, s.sent)


@scenario("path-mtu-forgotten", mtu="auto")
def forgotten(s):
    """What a router has told is forgotten after ten minutes: the path may have become better, and
    nobody tells (RFC 1191 section 6.3). Told again in between it holds for ten more.
    """
    packet = needed(s, "1400", 1400)
    s.answered("Packet Too Big", packet_too_big(packet, 1380))
    s.wait("9min 59s 999ms")
    limit_is(s, 1380)
    s.wait("1ms")
    limit_is(s, 1480)
    packet = needed(s, "1400", 1400)
    s.answered("Packet Too Big", packet_too_big(packet, 1380))
    s.wait("9min")
    packet = needed(s, "1400 again", 1400, 1380)
    s.answered("Packet Too Big", packet_too_big(packet, 1380))
    s.wait("9min")
    limit_is(s, 1380)
    s.wait("1min")
    limit_is(s, 1480)
    s.part("A path too narrow for DF is forgotten too.")
    packet = needed(s, "1000", 1000)
    s.answered("Packet Too Big", packet_too_big(packet, 1280))
    limit_is(s, 1280, s.sent)
    s.wait("11min")
    limit_is(s, 1480)


@scenario("static-mtu-ignores-fragmentation-needed")
def static(s):
    """RFC 4213 section 3.2.1: with a static MTU nothing that routers tell changes it, and DF stays
    clear. A router has no reason to tell.
    """
    for mtu in (1400, 0, 1280):
        needed(s, f"next-hop MTU {mtu}", mtu, drop="icmp-ignored")
    limit_is(s, 1480, s.sent)
