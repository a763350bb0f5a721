"""Frames of scapy that carry a packet inside MPLS, GRE, VXLAN or Geneve."""

import struct

from scapy.all import GRE, IP, UDP, VXLAN, Dot1Q, Ether, IPv6, Raw, raw
from scapy.contrib.geneve import GENEVE, GeneveOptions
from scapy.contrib.mpls import MPLS


def frame():
    return Ether(src="02:00:00:00:00:03", dst="02:00:00:00:00:04")


def carriers():
    """Name, beginning of the line of decode, and a function that makes the frame of a packet."""
    ip, ip6 = IP(src="203.0.113.1", dst="203.0.113.2"), IPv6(src="2001:db8:7::1", dst="2001:db8:7::2")
    outer, outer6 = "IP 203.0.113.1{} > 203.0.113.2{}: ", "IP6 2001:db8:7::1{} > 2001:db8:7::2{}: "
    labels = MPLS(label=16, s=0, ttl=64) / MPLS(label=17, s=1, ttl=64)
    control_word = Raw(b"\0\0\0\1")
    option = GeneveOptions(classid=0x102, type=1, data=b"\0" * 8)
    gre, vxlan, old_vxlan = (outer.format("", "") + "GRE: ", outer.format(".5", ".4789") + "VXLAN vni 77: ",
                                outer6.format(".5", ".8472") + "VXLAN vni 77: ")
    geneve = outer.format(".5", ".6081") + "Geneve vni 9: "
    return [
        ("mpls", "", lambda p: ethernet(labels, p, 0x8847)),
        ("mpls-tagged", "", lambda p: raw(frame() / Dot1Q(vlan=5, type=0x8847) / labels / Raw(raw(p)))),
        ("mpls-pseudowire", "", lambda p: ethernet(labels / control_word, frame() / p, 0x8847)),
        ("gre", gre, lambda p: ethernet(ip / GRE(proto=0x0800), p)),
        ("gre-all-fields", gre, lambda p: ethernet(ip / GRE(proto=0x0800, chksum_present=1, key_present=1, seqnum_present=1, key=5), p)),
        ("gre-ethernet", gre, lambda p: ethernet(ip / GRE(proto=0x6558), frame() / p)),
        ("gre-mpls", gre, lambda p: ethernet(ip / GRE(proto=0x8847) / labels, p)),
        ("gre-on-ipv6", outer6.format("", "") + "GRE: ", lambda p: ethernet(ip6 / GRE(proto=0x0800), p, 0x86DD)),
        ("vxlan", vxlan, lambda p: ethernet(ip / UDP(sport=5, dport=4789) / VXLAN(vni=77, flags=8), frame() / p)),
        ("vxlan-tagged", vxlan,
         lambda p: ethernet(ip / UDP(sport=5, dport=4789) / VXLAN(vni=77, flags=8), frame() / Dot1Q(vlan=6) / p)),
        ("vxlan-of-old", old_vxlan,
         lambda p: ethernet(ip6 / UDP(sport=5, dport=8472) / VXLAN(vni=77, flags=8), frame() / p, 0x86DD)),
        ("geneve", geneve, lambda p: ethernet(ip / UDP(sport=5, dport=6081) / GENEVE(vni=9, proto=0x6558), frame() / p)),
        ("geneve-options", geneve,
         lambda p: ethernet(ip / UDP(sport=5, dport=6081) / GENEVE(vni=9, proto=0x6558, options=[option, option]), frame() / p)),
        ("geneve-ip", geneve, lambda p: ethernet(ip / UDP(sport=5, dport=6081) / GENEVE(vni=9, proto=0x0800), p)),
        ("vxlan-gre", vxlan + "IP 10.0.0.1 > 10.0.0.2: GRE: ",
         lambda p: ethernet(ip / UDP(sport=5, dport=4789) / VXLAN(vni=77, flags=8),
                            frame() / IP(src="10.0.0.1", dst="10.0.0.2") / GRE(proto=0x0800) / Raw(raw(p)))),
    ]


def ethernet(headers, payload, kind=0x0800):
    """An Ethernet frame. The payload is turned into bytes first, so that scapy does not change its fields."""
    return raw(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=kind) / headers / Raw(raw(payload)))


def nflog(packet):
    """A netfilter log message as Linux gives it to libpcap. All attributes are little-endian."""
    def attribute(kind, value):
        return struct.pack("<HH", len(value) + 4, kind) + value + b"\0" * (-len(value) % 4)

    return (struct.pack("!BBH", 2, 0, 5) + attribute(1, struct.pack("!HBB", 0x0800, 3, 0)) + attribute(10, b"log\0")
            + attribute(5, struct.pack("!I", 2)) + attribute(9, raw(packet)))


def slip(packet):
    """A SLIP frame with BSD's header. The direction is outgoing."""
    return b"\1" + bytes(15) + raw(packet)
