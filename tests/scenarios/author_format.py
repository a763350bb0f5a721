"""Writes one scenario folder: packets as commented hex, the configuration, and the expected counters."""

import json
import pathlib
import re
import struct

from scapy.config import conf

conf.ipv6_enabled = True
from scapy.all import IP, Raw, raw  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parent
LOCAL, REMOTE = "192.0.2.1", "198.51.100.1"
DEFAULT_KEYS = {"local": LOCAL, "remote": REMOTE, "address": "2001:db8:1::2/64", "mtu": 1480}
EXTENSIONS = {0, 43, 44, 60}


def outer(inner, identification, source=LOCAL, destination=REMOTE, ttl=64, tos=0, **fields):
    """A protocol 41 packet with the bytes of `inner` as its payload."""
    header = IP(src=source, dst=destination, ttl=ttl, tos=tos, id=identification, proto=41, **fields)
    return raw(header / Raw(raw(inner)))


def folded_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def with_checksum_field(packet, value, start=40):
    """`packet` with `value` in its TCP (next header 6) or UDP checksum field."""
    packet = raw(packet)
    field = start + (16 if protocol_of(packet, start) == 6 else 6)
    return packet[:field] + struct.pack("!H", value) + packet[field + 2 :]


def unfinished(packet, start=40):
    """`packet` with an unfinished checksum: the field holds the pseudo-header sum."""
    packet = raw(packet)
    protocol = protocol_of(packet, start)
    pseudo = packet[8:40] + struct.pack("!II", len(packet) - start, protocol)
    return with_checksum_field(packet, folded_sum(pseudo), start)


def protocol_of(packet, start):
    protocol, at = packet[6], 40
    while at < start:
        protocol, at = packet[at], at + 8 * (packet[at + 1] + 1)
    return protocol


def layers(packet):
    """Splits a packet at its headers into a list of (name, bytes)."""
    parts = []

    def cut(name, length, packet):
        if packet[:length]:
            parts.append((name, packet[:length]))
        return packet[length:]

    protocol = None
    while packet:
        if protocol in (None, 4, 41) and packet[0] >> 4 == 4 and len(packet) >= 20:
            later_fragment = packet[6] & 0x1F or packet[7]
            protocol = -1 if later_fragment else packet[9]
            packet = cut("IPv4", max(20, 4 * (packet[0] & 15)), packet)
        elif protocol in (None, 4, 41) and packet[0] >> 4 == 6 and len(packet) >= 40:
            protocol = packet[6]
            packet = cut("IPv6", 40, packet)
        elif protocol in EXTENSIONS and len(packet) >= 8:
            name = "fragment" if protocol == 44 else "extension header"
            later_fragment = protocol == 44 and (packet[2] or packet[3] & 0xF8)
            length = 8 if protocol == 44 else 8 * (packet[1] + 1)
            protocol = -1 if later_fragment else packet[0]
            packet = cut(name, length, packet)
        elif protocol == 6 and len(packet) >= 20:
            protocol = -1
            packet = cut("TCP", max(20, 4 * (packet[12] >> 4)), packet)
        elif protocol in (17, 58) and len(packet) >= 8:
            name, protocol = ("UDP" if protocol == 17 else "ICMPv6"), -1
            packet = cut(name, 8, packet)
        else:
            packet = cut("", len(packet), packet)
    return parts


def words_of(name, data):
    """Hex words of at most 16 bytes; a run of 24 or more equal bytes as {BYTE*COUNT}."""
    if name == "IPv6":
        return [data[:8].hex(), data[8:24].hex(), data[24:].hex()]
    words = []
    for match in re.finditer(rb"(.)\1{23,}|((?!(.)\3{23,}).)+", data, re.DOTALL):
        run = match.group()
        if match.group(1):
            words.append(f"{{{run[:1].hex()}*{len(run)}}}")
        else:
            words += [run[at : at + 16].hex() for at in range(0, len(run), 16)]
    return words


def lines_of(packet):
    for name, data in layers(packet):
        line = ""
        for word in words_of(name, data):
            if len(line) + len(word) > 90:
                yield f"    {line}"
                line = ""
            line += (" " if line else "") + word
        yield f"    {line}" + (f"  # {name}" if name else "")


class Scenario:
    """The events of a scenario, in order. The methods also keep the expected counters."""

    def __init__(self, name, about, link_mtu=None, **keys):
        self.name, self.about = name, about
        self.keys = DEFAULT_KEYS | {key.replace("_", "-"): value for key, value in keys.items()}
        self.lines = [f"link-mtu {link_mtu}"] if link_mtu else []
        self.identification = 0
        self.counters = {
            "out": {"packets": 0, "bytes": 0},
            "in": {"packets": 0, "bytes": 0},
            "drops": {"out": {}, "in": {}},
        }

    def _statement(self, what, start, packet, csum=None, gso=None, headers=None, times=1, packet_socket=None):
        packet = raw(packet)
        options = {"csum": csum, "gso": gso, "headers": headers, "times": times if times > 1 else None,
                   "packet-socket": packet_socket}
        words = [start] + [f"{key}={value}" for key, value in options.items() if value is not None]
        self.lines += [f"# {what}", " ".join(words + ([] if packet else ["-"]))] + list(lines_of(packet))

    def _count(self, direction, length, packets=1):
        self.counters[direction]["packets"] += packets
        self.counters[direction]["bytes"] += length

    def _drop(self, direction, reason, times):
        drops = self.counters["drops"][direction]
        drops[reason] = drops.get(reason, 0) + times

    def part(self, text):
        self.lines += ["", f"## {text}"]

    def wait(self, time):
        self.lines += ["", f"wait {time}"]

    def tun(self, what, packet, drop=None, times=1, **offload):
        """A packet is read from tun; `drop` is the expected drop reason."""
        self.lines.append("")
        self._statement(f"{what}: {drop}" if drop else what, "tun", packet, times=times, **offload)
        if drop:
            self._drop("out", drop, times)

    def wire(self, what, datagram, drop=None, packet_socket=None):
        """A datagram arrives on the IPv4 side, over the packet socket if `packet_socket`, the size of joined datagrams,
        is set.
        """
        self.lines.append("")
        self._statement(f"{what}: {drop}" if drop else what, "wire", datagram, packet_socket=packet_socket)
        if drop:
            self._drop("in", drop, 1)

    def icmp(self, what, kind, quoted, mtu=None, drop=None, times=1):
        """An ICMP error arrives that quotes these bytes; `kind` is its type and code."""
        self.lines.append("")
        start = " ".join(["icmp", *map(str, kind)] + ([f"mtu={mtu}"] if mtu is not None else []))
        self._statement(f"{what}: {drop}" if drop else what, start, quoted, times=times)
        if drop:
            self._drop("in", drop, times)

    def arrives(self, what, inner, drop=None, identification=0x4D2, packet_socket=None, **fields):
        """`inner` arrives on the IPv4 side in a protocol 41 packet from the far end."""
        fields = {"source": REMOTE, "destination": LOCAL} | fields
        self.wire(what, outer(inner, identification, **fields), drop, packet_socket)

    def sent(self, what, inner, **fields):
        """`inner` is sent in one IPv4 packet."""
        self.identification += 1
        self._statement(what, "> wire", outer(inner, self.identification, **fields))
        self._count("out", len(raw(inner)))

    def sent_whole(self, what, inner, **fields):
        """`inner` is sent in one IPv4 packet with DF set. Such a packet needs no identification (RFC 6864)."""
        self._statement(what, "> wire", outer(inner, 0, flags="DF", **fields))
        self._count("out", len(raw(inner)))

    def sent_in_fragments(self, what, inner, fragment_payload, **fields):
        """`inner` is sent in IPv4 fragments, which scapy makes."""
        self.identification += 1
        whole = IP(outer(inner, self.identification, **fields))
        for number, piece in enumerate(whole.fragment(fragsize=fragment_payload), 1):
            del piece.chksum
            self._statement(f"{what}, fragment {number}", "> wire", piece)
        self._count("out", len(raw(inner)))

    def delivered(self, what, inner, packets=1, length=None, **offload):
        """`inner` is written to tun. If it was joined, `packets` is the number of packets on the wire and `length` the
        sum of their lengths.
        """
        self._statement(what, "> tun", inner, **offload)
        self._count("in", length or len(raw(inner)), packets)

    def answered(self, what, error, times=1):
        """An ICMPv6 error is written to tun. It is not counted."""
        self._statement(what, "> tun", error, times=times)

    def write(self):
        folder = FOLDER / self.name
        folder.mkdir(exist_ok=True)
        settings = [
            (key, value)
            for key, values in self.keys.items()
            for value in (values if isinstance(values, list) else [values])
        ]
        (folder / "endpoint.conf").write_text("".join(f"{key} = {value}\n" for key, value in settings))
        about = "".join(f"# {line}\n" for line in self.about.strip().splitlines())
        (folder / "packets").write_text(about + "\n".join(self.lines) + "\n")
        counters = json.dumps(self.counters, indent=2)
        # Innermost objects on one line.
        counters = re.sub(r"\{\n\s+([^{}]+?)\n\s+\}", lambda m: "{" + re.sub(r"\n\s+", " ", m[1]) + "}", counters)
        (folder / "counters.json").write_text(counters + "\n")
