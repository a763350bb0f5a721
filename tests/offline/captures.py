#!/usr/bin/python3
"""Write a capture of the same tunnelled packets for every link type that decode reads, and unusual captures.

    captures.py DIRECTORY
    captures.py --seeds          write the corpus of the fuzz target instead

Scapy (Debian: python3-scapy) makes the packets. This script writes the files itself, without libpcap.
"""

import pathlib
import shutil
import struct
import sys

from scapy.all import (GRE, ICMP, IP, TCP, UDP, Dot1Q, Ether, ICMPv6EchoRequest, ICMPv6PacketTooBig, IPOption_NOP, IPOption_RR,
                       IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, LLC, Raw, SNAP, fragment, raw)

import carriers

NEAR, FAR = "192.0.2.1", "198.51.100.1"
HERE, THERE = "2001:db8:1::2", "2001:db8:ffff::1"
START = 1700000000

# Link types of capture files (LINKTYPE_…).
NULL, ETHERNET, PPP, PPP_HDLC, RAW, LOOP, SLL, IPV4, IPV6, SLL2, C_HDLC, PPPOE, IEEE80211, SLIP, NFLOG = (
    0, 1, 9, 50, 101, 108, 113, 228, 229, 276, 104, 51, 105, 8, 239)
OLD_RAW = (12, 14)


def outer(inner, **fields):
    return IP(src=NEAR, dst=FAR, proto=41, **{"id": 7, "ttl": 61, **fields}) / inner


def inner_packets():
    """One packet of each kind that decode describes."""
    ip6 = IPv6(src=HERE, dst=THERE, hlim=60)
    back = IPv6(src=THERE, dst=HERE, hlim=57)
    return [
        ip6 / TCP(sport=40000, dport=80, seq=1000, flags="S", window=512),
        back / TCP(sport=80, dport=40000, seq=5000, ack=1001, flags="SA", window=1024),
        ip6 / TCP(sport=40000, dport=80, seq=1001, ack=5001, flags="PA", window=512) / Raw(b"GET / HTTP/1.0\r\n\r\n"),
        ip6 / UDP(sport=40000, dport=53) / Raw(b"\x00" * 30),
        ip6 / ICMPv6EchoRequest(id=7, seq=1, data=b"ping"),
        back / ICMPv6PacketTooBig(mtu=1280) / Raw(raw(ip6 / UDP(sport=1, dport=2))),
        ip6 / IPv6ExtHdrDestOpt() / UDP(sport=40000, dport=54) / Raw(b"x"),
    ]


def write_pcap(path, link_type, frames, nanoseconds=True, order="<", snap_length=262144):
    """`frames` are bytes, or pairs of captured bytes and length on the wire. One frame every 1.000001 seconds."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    with open(path, "wb") as file:
        file.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap_length, link_type))
        for number, frame in enumerate(frames):
            data, length = frame if isinstance(frame, tuple) else (raw(frame), len(raw(frame)))
            fraction = (1000 if nanoseconds else 1) * (number + 1) + (7 if nanoseconds else 0)
            file.write(struct.pack(order + "IIII", START + number, fraction, len(data), length) + data)


def write_pcapng(path, link_type, frames):
    """A file with two interfaces of this link type and times in milliseconds."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    resolution = struct.pack("<HHB3xHH", 9, 1, 3, 0, 0)
    interface = block(1, struct.pack("<HHI", link_type, 0, 0) + resolution)
    data = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + interface * 2
    for number, frame in enumerate(frames):
        stamp = (START + number) * 1000 + number
        body = raw(frame)
        data += block(6, struct.pack("<IIIII", number % 2, stamp >> 32, stamp & 0xFFFFFFFF, len(body), len(body)) + body)
    path.write_bytes(data)


def ethernet(packet):
    return Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet


def framings():
    """Name, link type, and a function that makes the frame of an IPv4 packet."""
    def fixed(header):
        return lambda packet: header + raw(packet)

    pppoe = bytes.fromhex("11001234") + struct.pack("!H", 100)
    sll = struct.pack("!HHH8sH", 0, 1, 6, b"\2\0\0\0\0\1\0\0", 0x0800)
    sll_tagged = struct.pack("!HHH8sHHH", 0, 1, 6, b"\2\0\0\0\0\1\0\0", 0x8100, 5, 0x0800)
    sll2 = struct.pack("!HHiHBB8s", 0x0800, 0, 3, 1, 0, 6, b"\2\0\0\0\0\1\0\0")
    snap, ppp = bytes.fromhex("aaaa030000000800"), pppoe + b"\x00\x21"

    def cooked(kind, header):
        """Linux cooked frames of both versions with this EtherType. The rest is as on Ethernet."""
        return [(fixed(sll[:14] + struct.pack("!H", kind) + header)), (fixed(struct.pack("!H", kind) + sll2[2:] + header))]

    (sll_pppoe, sll2_pppoe), (sll_snap, sll2_snap) = cooked(0x8864, ppp), cooked(4, snap)
    tag = [("ethernet", ETHERNET, lambda p: raw(ethernet(p))),
           ("ethernet-padded", ETHERNET, lambda p: raw(ethernet(p)) + b"\xee" * 11),
           ("vlan", ETHERNET, lambda p: raw(Ether() / Dot1Q(vlan=5) / p)),
           ("qinq", ETHERNET, lambda p: raw(Ether(type=0x88A8) / Dot1Q(vlan=5, type=0x8100) / Dot1Q(vlan=6) / p)),
           ("snap", ETHERNET, lambda p: bytes(12) + struct.pack("!H", len(raw(p)) + 8)
            + snap + raw(p)),
           ("pppoe-ethernet", ETHERNET, lambda p: bytes(12) + b"\x88\x64" + ppp + raw(p)),
           ("pppoe", PPPOE, fixed(ppp)),
           ("sll-pppoe", SLL, sll_pppoe), ("sll-snap", SLL, sll_snap),
           ("sll2-pppoe", SLL2, sll2_pppoe), ("sll2-snap", SLL2, sll2_snap),
           ("sll", SLL, fixed(sll)), ("sll-tagged", SLL, fixed(sll_tagged)), ("sll2", SLL2, fixed(sll2)),
           ("raw", RAW, fixed(b"")), ("raw-12", OLD_RAW[0], fixed(b"")), ("raw-14", OLD_RAW[1], fixed(b"")),
           ("ipv4", IPV4, fixed(b"")),
           ("ppp", PPP, fixed(b"\x00\x21")), ("ppp-compressed", PPP, fixed(b"\x21")),
           ("ppp-address", PPP, fixed(b"\xff\x03\x00\x21")),
           ("ppp-hdlc", PPP_HDLC, fixed(b"\xff\x03\x00\x21")), ("cisco-hdlc", C_HDLC, fixed(b"\x0f\x00\x08\x00")),
           ("null-little", NULL, fixed(struct.pack("<I", 2))), ("null-big", NULL, fixed(struct.pack(">I", 2))),
           ("loop", LOOP, fixed(struct.pack(">I", 2)))]
    return tag


def too_large():
    """Fragments whose payloads fit into a packet, but not together with the options of the first fragment."""
    options, payload = [IPOption_NOP()] * 40, bytes(range(256)) * 256
    ends = [1440, 16000, 32000, 48000, 64000, 65480]
    return [outer(Raw(payload[begin:end]), id=302, frag=begin // 8, flags=0 if end == ends[-1] else "MF",
                  options=[] if begin else options) for begin, end in zip([0, *ends], ends)]


def nest(depth):
    """6in4 in 6in4: `depth` IP headers around a UDP datagram."""
    packet = IPv6(src="2001:db8:7::1", dst="2001:db8:7::2") / UDP(sport=1, dport=2) / Raw(b"deep")
    for level in range(depth):
        if level % 2 == 0:
            packet = IP(src=f"192.0.2.{level + 10}", dst=FAR, proto=41) / packet
        else:
            packet = IPv6(src=f"2001:db8:{level}::1", dst="2001:db8:8::2", nh=4) / packet
    return packet


def write_all(folder):
    packets = [outer(inner) for inner in inner_packets()]
    for name, link_type, frame in framings():
        write_pcap(folder / f"{name}.pcap", link_type, [frame(packet) for packet in packets])
    write_pcap(folder / "microseconds.pcap", RAW, packets, nanoseconds=False)
    write_pcap(folder / "big-endian.pcap", RAW, packets, order=">")
    write_pcapng(folder / "file.pcapng", RAW, packets)
    write_pcap(folder / "options.pcap", RAW, [outer(inner, options=[IPOption_RR(routers=["0.0.0.0"] * 3)])
                                             for inner in inner_packets()])
    write_pcap(folder / "inner.pcap", RAW, inner_packets())

    for name, _, around in carriers.carriers():
        write_pcap(folder / f"carrier-{name}.pcap", ETHERNET, [around(packet) for packet in packets])
    write_pcap(folder / "slip.pcap", SLIP, [carriers.slip(packet) for packet in packets])
    write_pcap(folder / "nflog.pcap", NFLOG, [carriers.nflog(packet) for packet in packets])

    # Other packets between those of 6in4.
    others = [Ether(type=0x0806) / Raw(bytes(28)), ethernet(IP(src=NEAR, dst=FAR) / UDP() / Raw(b"x")),
              ethernet(IP(src=NEAR, dst=FAR) / ICMP()), ethernet(IPv6(src=HERE, dst=THERE) / UDP()),
              ethernet(IP(src=NEAR, dst=FAR) / GRE())]
    write_pcap(folder / "mixed.pcap", ETHERNET, [frame for pair in zip(others, map(ethernet, packets)) for frame in pair])

    # Fragments: in order, backwards, of two packets mixed, one lost, one twice, two that overlap, more than a packet
    # holds, and with ECN fields that no packet may have.
    big = outer(IPv6(src=HERE, dst=THERE) / UDP(sport=40000, dport=53) / Raw(b"f" * 3000), id=300)
    other = outer(IPv6(src=HERE, dst=THERE) / UDP(sport=40001, dport=53) / Raw(b"g" * 3000), id=301)
    pieces, other_pieces = fragment(big, fragsize=1480), fragment(other, fragsize=1480)
    write_pcap(folder / "fragments.pcap", RAW, pieces)
    write_pcap(folder / "fragments-backwards.pcap", RAW, pieces[::-1])
    write_pcap(folder / "fragments-mixed.pcap", RAW, [piece for pair in zip(pieces, other_pieces) for piece in pair])
    write_pcap(folder / "fragments-lost.pcap", RAW, [pieces[0], *pieces[2:]])
    write_pcap(folder / "fragments-twice.pcap", RAW, [pieces[0], pieces[0], *pieces[1:]])
    overlap = pieces[1].copy()
    overlap.frag, overlap.chksum = overlap.frag - 1, None
    write_pcap(folder / "fragments-overlap.pcap", RAW, [pieces[0], overlap, *pieces[1:]])
    write_pcap(folder / "fragments-too-large.pcap", RAW, too_large())
    marked = [piece.copy() for piece in pieces]
    marked[1].tos, marked[1].chksum = 3, None
    write_pcap(folder / "fragments-ecn.pcap", RAW, marked)
    late = [*pieces[:2], *[packets[0]] * 40, *pieces[2:]]
    write_pcap(folder / "fragments-late.pcap", RAW, late)
    inner_fragment = IPv6(src=HERE, dst=THERE) / IPv6ExtHdrFragment(id=9, m=1, nh=17) / UDP(sport=5, dport=6, len=3008) / Raw(
        b"i" * 1000)
    write_pcap(folder / "inner-fragment.pcap", RAW, [outer(inner_fragment)])

    for depth in range(1, 8):
        write_pcap(folder / f"nested-{depth}.pcap", RAW, [nest(depth)])

    # Captures with a snapshot length.
    for kept in (5, 19, 20, 30, 59, 60, 70, 80, 100):
        frames = [raw(packet) for packet in packets]
        write_pcap(folder / f"snapped-{kept}.pcap", RAW, [(frame[:kept], len(frame)) for frame in frames])
    write_pcap(folder / "fragments-snapped.pcap", RAW, [(raw(piece)[:100], len(piece)) for piece in pieces])

    # Malformed packets.
    longer = raw(packets[3])[:20] + raw(packets[3])[20:24] + b"\x7f\xff" + raw(packets[3])[26:]
    write_pcap(folder / "malformed.pcap", RAW, [longer, raw(outer(Raw(b"\x45" * 60))), raw(outer(Raw(b""))),
                                                raw(outer(Raw(b"\x60\0\0")))])
    ip6 = IPv6(src=HERE, dst=THERE)
    write_pcap(folder / "short.pcap", RAW, [outer(ip6.copy() / Raw(b"short")) for ip6.nh in (6, 17, 58)])
    write_pcap(folder / "empty.pcap", RAW, [])
    write_pcap(folder / "wireless.pcap", IEEE80211, [])
    whole = (folder / "raw.pcap").read_bytes()
    (folder / "torn.pcap").write_bytes(whole[:-5])
    (folder / "text.pcap").write_text("no capture at all, but some words that are long enough for a header\n")


# The link types of the fuzz target, in its order.
FUZZED = [RAW, ETHERNET, SLL, SLL2, PPP, PPP_HDLC, PPPOE, C_HDLC, NULL, LOOP, IPV4, SLIP, NFLOG]
FILES = ["big-endian", "empty", "ethernet", "file", "fragments", "microseconds", "snapped-59", "text", "torn", "wireless"]
LARGEST_SEED = 8192


def write_seeds(folder):
    """Write frames with their link type, and some captures as files; see tests/fuzz/decode.cpp."""
    captures = folder / "captures"
    captures.mkdir(parents=True)
    write_all(captures)
    for path in sorted(captures.iterdir()):
        data = path.read_bytes()
        if path.stem in FILES:
            (folder / f"file-{path.stem}").write_bytes(b"\xff" + data)
        link_type = int.from_bytes(data[20:24], "little") if data[:4] == struct.pack("<I", 0xA1B23C4D) else None
        if link_type not in FUZZED or len(data) > LARGEST_SEED:
            continue
        seed, rest = bytes([FUZZED.index(link_type)]), data[24:]
        while len(rest) > 16:
            kept, length = struct.unpack("<II", rest[8:16])
            frame = rest[16 : 16 + kept] + b"\0" * (length - kept)
            seed += struct.pack("!BH", min(255, length - kept), length) + frame
            rest = rest[16 + kept :]
        (folder / path.stem).write_bytes(seed)
        path.unlink()
    shutil.rmtree(captures)
    # The headers of these are enough.
    heads = [raw(piece)[:68] for piece in too_large()]
    (folder / "fragments-too-large").write_bytes(
        bytes([FUZZED.index(RAW)]) + b"".join(struct.pack("!BH", 0, len(head)) + head for head in heads))


if __name__ == "__main__":
    if sys.argv[1] == "--seeds":
        write_seeds(pathlib.Path(__file__).resolve().parent.parent / "fuzz" / "corpus" / "decode")
    else:
        write_all(pathlib.Path(sys.argv[1]))
