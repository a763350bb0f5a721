"""The scenarios as captures: the packets that each hands over, and the expected results of a replay."""

import collections
import fnmatch
import json
import re
import socket
import struct

START = 1700000000 * 10**9
UNITS = {"ms": 10**6, "s": 10**9, "min": 60 * 10**9}

# Scenarios that a capture file cannot express, and statements of other scenarios, named by their comment. Statements
# with the option `packet-socket` are always left out.
LEFT_OUT = {
    "not-ipv6-out": "from tun comes what looks like the IPv4 side, or like nothing",
    "udp-super-packet-out": "nothing in a UDP super-packet tells its datagrams' size",
}
STATEMENTS_LEFT_OUT = {
    # A packet from tun that looks like a packet of the underlay, or like an advertisement of the far end.
    "loop-out": ["our outer packet"],
    "egress-filter": ["fe80::c633:6401"],
    # Packets shorter than a header, and offload data that contradict their packet.
    "malformed-out": ["an IPv6 header of 39 bytes", "one byte, version 6", "a checksum*", "segments of no bytes",
                      "a finished checksum", "a UDP datagram called TCP", "TCP called UDP", "a kind that was never offered*",
                      "a TCP header of*", "a fragment"],
    # Packets that no kernel delivers to a raw socket of protocol 41.
    "outer-fragment": ["the first", "the last"],
    "outer-malformed": ["no bytes", "19 bytes", "version 6", "ICMP", "a total length of 19"],
    "outer-options-skipped": ["IHL 15 in a packet of 20 bytes", "IHL 4"],
    "icmp-about-somebody-else": [f"{what}, quoting {quoted}" for what in ("host unreachable", "fragmentation needed")
                                 for quoted in ("another protocol", "nothing", "19 bytes", "version 6", "IHL 4",
                                                "IHL 15 in 56 bytes")],
    "icmp-of-other-types": ["source quench (RFC 6633)", "redirect", "echo reply", "echo request", "a type not assigned",
                            "parameter problem about another protocol"],
    "unreachable-quoting-enough": ["0 bytes"],
    # Packets between two other hosts.
    "outer-source-mismatch": ["both addresses wrong: the source is looked at first"],
    # Segments of another size than the MTU, and answers whose rate limit depends on them.
    "larger-than-link-fragmented": ["a super-packet with segments of 3000 bytes"],
    "tcp-super-packet-out": ["1000 + 1000 bytes, PSH ACK"],
    "too-big-out": ["a super-packet of segments of 1481 bytes", "no answer any more",
                    "one more may be answered after a hundredth of a second"],
}

# The tunnel MTU that gives super-packets the segments of the scenario.
MTU = {"source-rules": 1280, "tcp-super-packet-out": 1280}


def statements(text):
    """Yield the comment and the words of each statement."""
    comment = ""
    for line in text.replace("\n ", " \t").splitlines():
        if line.startswith("#"):
            comment = line[1:].strip()
        words = re.sub(r"#[^\t]*", "", line).split()
        if words:
            yield comment, words


def bytes_of(words):
    text = "".join(word for word in words if word != "-" and "=" not in word)
    return bytes.fromhex(re.sub(r"\{(\w+)\*(\d+)\}", lambda match: match[1] * int(match[2]), text))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) // 2 * 2])) + (data[-1] << 8) * (len(data) % 2)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def icmp_packet(words, local):
    """An ICMP error from a router to this end."""
    mtu = int(words[3][4:]) if words[3].startswith("mtu=") else 0
    message = struct.pack("!BBHHH", int(words[1]), int(words[2]), 0, 0, mtu) + bytes_of(words[3:])
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(message), 1, 0, 60, 1, 0, socket.inet_aton("203.0.113.9"),
                         socket.inet_aton(local))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + message


def renumbered(packets):
    """Number the packets without DF anew. The fragments of a packet share one identification."""
    number, result = 0, []
    for packet in packets:
        flags = struct.unpack("!H", packet[6:8])[0]
        if not flags & 0x4000:
            number += not flags & 0x1FFF
            header = packet[:4] + struct.pack("!H", number) + packet[6:10] + bytes(2) + packet[12:20]
            packet = header[:10] + struct.pack("!H", checksum(header)) + header[12:] + packet[20:]
        result.append(packet)
    return result


class Scenario:
    """The file `packets` of a scenario without the statements that are left out."""

    def __init__(self, folder):
        settings = dict(line.split(" = ") for line in (folder / "endpoint.conf").read_text().splitlines())
        self.link_mtu, self.given = 1500, []
        self.expected = collections.defaultdict(list)
        self.counters = json.loads((folder / "counters.json").read_text())
        patterns = {pattern: 0 for pattern in STATEMENTS_LEFT_OUT.get(folder.name, ())}
        now, skipped = START, None
        for comment, words in statements((folder / "packets").read_text()):
            options = dict(word.split("=") for word in words if "=" in word)
            times = int(options.get("times", 1))
            if words[0] == "link-mtu":
                self.link_mtu = int(words[1])
            elif words[0] == "wait":
                now += sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([a-z]+)", " ".join(words[1:])))
            elif words[0] == ">":
                if skipped:
                    self.discount(skipped, words[1], bytes_of(words[2:]), options)
                else:
                    self.expected[words[1]] += [bytes_of(words[2:])] * times
            else:
                about, reason = comment.rsplit(": ", 1) if self.is_drop(comment) else (comment, None)
                matching = [pattern for pattern in patterns if fnmatch.fnmatchcase(about, pattern)]
                skipped = words[0] if matching or "packet-socket" in options else None
                for pattern in matching:
                    patterns[pattern] += 1
                if not skipped:
                    packet = icmp_packet(words, settings["local"]) if words[0] == "icmp" else bytes_of(words[1:])
                    self.given += [(now, packet)] * times
                elif reason:
                    drops = self.counters["drops"]["out" if skipped == "tun" else "in"]
                    drops[reason] -= times
                    if not drops[reason]:
                        del drops[reason]
        assert all(patterns.values()), f"{folder.name}: {patterns}"
        if patterns:
            self.expected["wire"] = renumbered(self.expected["wire"])

    def is_drop(self, comment):
        drops = self.counters["drops"]
        return any(comment.endswith(f": {reason}") for reason in [*drops["out"], *drops["in"]])

    def discount(self, came_from, goes_to, packet, options):
        """Subtract the results of a statement that is left out. ICMPv6 errors are in neither counter."""
        if came_from == "tun" and goes_to == "wire":
            self.counters["out"]["packets"] -= not int.from_bytes(packet[6:8], "big") & 0x1FFF
            self.counters["out"]["bytes"] -= len(packet) - 20
        if came_from == "wire" and goes_to == "tun":
            headers = int(options.get("headers", 0))
            size = int(options["gso"].split(":")[1]) if "gso" in options else len(packet)
            count = -(-(len(packet) - headers) // size)
            self.counters["in"]["packets"] -= count
            self.counters["in"]["bytes"] -= len(packet) + (count - 1) * headers
