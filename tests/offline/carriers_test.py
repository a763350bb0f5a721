#!/usr/bin/python3
"""The verb decode with 6in4 inside MPLS, GRE, VXLAN and Geneve. scapy makes the packets, tshark checks the output.

    carriers_test.py PROGRAM

The interpreter is that of Debian, because python3-scapy is installed for it.
"""

import json
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True

from judges import check, finish, need, run, skip, tshark  # noqa: E402

try:
    import captures
except ImportError:
    skip("scapy (python3-scapy) is not installed")

from carriers import carriers, nflog, slip  # noqa: E402
from scapy.all import raw  # noqa: E402


class Tests:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.packets = [captures.outer(inner) for inner in captures.inner_packets()]
        captures.write_pcap(folder / "raw.pcap", captures.RAW, self.packets)
        self.expected = self.decode("raw.pcap")

    def decode(self, name, *arguments):
        lines, error, status = run(self.program, "decode", self.folder / name, *arguments)
        check(f"{name}: exit status", 0, status if status == 0 else error)
        return lines

    def carriers(self):
        for name, front, around in carriers():
            captures.write_pcap(self.folder / f"{name}.pcap", captures.ETHERNET, [around(packet) for packet in self.packets])
            check(f"{name}: as without a carrier", [line.replace(" ", f" {front}", 1) for line in self.expected],
                  self.decode(f"{name}.pcap"))
            # tshark has to be told the payload of a pseudowire and the older port of VXLAN.
            told = {"mpls-pseudowire": "mpls.label==17,pwethcw", "vxlan-of-old": "udp.port==8472,vxlan"}
            options = ("-d", told[name]) if name in told else ()
            theirs = tshark(self.folder / f"{name}.pcap", "ip.src", "ipv6.dst", "ip.len", options=options)
            ours = [json.loads(line)["layers"] for line in self.decode(f"{name}.pcap", "--json")]
            del theirs[5], ours[5]  # an ICMPv6 error: tshark prints the addresses of the quoted packet, too
            check(f"{name}: addresses and lengths as tshark has them", [lists_of(line) for line in theirs],
                  [[[layer["source"] for layer in layers if layer["version"] == 4],
                    [layer["destination"] for layer in layers if layer["version"] == 6],
                    [str(layer["length"]) for layer in layers if layer["version"] == 4]] for layers in ours])
            check(f"{name}: a filter looks at the inner packet", 3, len(self.decode(f"{name}.pcap", "tcp port 80")))
            self.decode(f"{name}.pcap", "-w", self.folder / "out.pcapng")
            check(f"{name} -w: the inner packets", tshark(self.folder / "raw.pcap", "ipv6.src", "ipv6.plen"),
                  tshark(self.folder / "out.pcapng", "ipv6.src", "ipv6.plen"))
        layers = json.loads(self.decode("geneve.pcap", "--json")[0])["layers"]
        check("a carrier in JSON", [("geneve", 9), (None, None), (None, None)],
              [(layer.get("carrier"), layer.get("vni")) for layer in layers])
        layers = json.loads(self.decode("gre.pcap", "--json")[0])["layers"]
        check("GRE in JSON", [("gre", None), (None, None), (None, None)],
              [(layer.get("carrier"), layer.get("vni")) for layer in layers])

    def snapped(self):
        """Captures of every length: decode invents no packet."""
        for name, _, around in carriers():
            whole = around(self.packets[0])
            captures.write_pcap(self.folder / f"{name}.pcap", captures.ETHERNET,
                                [(whole[:kept], len(whole)) for kept in range(14, len(whole))])
            lines = self.decode(f"{name}.pcap")
            check(f"{name}: some lines, all of them truncated", [],
                  [line for line in lines or ["none"] if "[truncated]" not in line or "[malformed]" in line])

    def fragments(self):
        """Fragments inside a carrier, as a host inside an overlay network makes them."""
        big = captures.outer(captures.IPv6(src=captures.HERE, dst=captures.THERE) / captures.UDP(sport=40000, dport=53)
                             / captures.Raw(b"f" * 3000), id=300)
        pieces = captures.fragment(big, fragsize=1400)
        expected = ["IP 192.0.2.1 > 198.51.100.1: IP6 2001:db8:1::2.40000 > 2001:db8:ffff::1.53: UDP, length 3000 "
                    "[of 3 fragments]"]
        for name, _, around in carriers():
            captures.write_pcap(self.folder / "pieces.pcap", captures.ETHERNET, [around(piece) for piece in pieces])
            check(f"{name}: fragments come together", expected,
                  [line.split(" ", 1)[1] for line in self.decode("pieces.pcap")])
            captures.write_pcap(self.folder / "pieces.pcap", captures.ETHERNET, [around(piece) for piece in pieces[1:]])
            check(f"{name}: fragments that are lost", ["IP 192.0.2.1 > 198.51.100.1: frag (300: 2 fragments) ip-proto-41 "
                                                       "[incomplete]"],
                  [line.split(" ", 1)[1] for line in self.decode("pieces.pcap")])

    def replayed(self):
        """replay leaves packets inside carriers out, because no endpoint receives them."""
        configuration = self.folder / "he6.conf"
        configuration.write_text(f"local = {captures.FAR}\nremote = {captures.NEAR}\nprefix = 2001:db8:ffff::/48\n")
        pieces = captures.fragment(self.packets[2], fragsize=24)
        for name, front, around in carriers():
            captures.write_pcap(self.folder / "replayed.pcap", captures.ETHERNET,
                                [around(packet) for packet in [self.packets[0], *pieces]])
            _, error, status = run(self.program, "replay", self.folder / "replayed.pcap", "-c", configuration)
            inward = 0 if front else 2
            check(f"{name}: replayed", (0, True), (status, f" {inward} inward" in error) if status == 0 else error)

    def links(self):
        for name, link_type, around in (("slip", captures.SLIP, slip), ("nflog", captures.NFLOG, nflog)):
            captures.write_pcap(self.folder / f"{name}.pcap", link_type, [around(packet) for packet in self.packets])
            check(f"{name}: as without a link header", self.expected, self.decode(f"{name}.pcap"))
        check("nflog: tshark finds the same packets", tshark(self.folder / "raw.pcap", "ipv6.src", "ipv6.plen"),
              tshark(self.folder / "nflog.pcap", "ipv6.src", "ipv6.plen"))


def lists_of(line):
    return [field.split(",") if field else [] for field in line.split(";")]


def main():
    need("tshark")
    with tempfile.TemporaryDirectory() as directory:
        tests = Tests(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(directory))
        for test in (tests.carriers, tests.snapped, tests.fragments, tests.replayed, tests.links):
            test()
    finish()


if __name__ == "__main__":
    main()
