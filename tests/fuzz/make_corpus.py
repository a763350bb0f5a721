#!/usr/bin/env python3
"""Writes the seed corpora of the fuzz targets from the scenarios: one file for each kind of packet.

    tests/fuzz/make_corpus.py

The name of a seed is its scenario and its number in it. Files with other names, which fuzzers have found, are left
alone. The format of an input is described at the top of each target.
"""

import pathlib
import re
import struct

HERE = pathlib.Path(__file__).resolve().parent
SCENARIOS = HERE.parent / "scenarios"
KINDS = {"tcp4": 1, "udp-fragments": 3, "tcp6": 4, "udp": 5}
LARGEST_SEED = 4096


def statements(text):
    """The words of each statement, with its continuation lines."""
    for line in re.sub(r"#.*", "", text).replace("\n ", " ").splitlines():
        if line.split():
            yield line.split()


def bytes_of(words):
    text = "".join(word for word in words if word != "-" and "=" not in word)
    return bytes.fromhex(re.sub(r"\{(\w+)\*(\d+)\}", lambda match: match[1] * int(match[2]), text))


def vnet_header(words):
    options = dict(word.split("=") for word in words if "=" in word)
    start, offset = map(int, re.findall(r"\d+", options.get("csum", "0+0")))
    kind, size, *ecn = options.get("gso", "none:0").split(":")
    gso = KINDS.get(kind, 0) | (0x80 if ecn else 0)
    needs_checksum = "csum" in options and not options["csum"].endswith(":finished")
    return struct.pack("<BBHHHH", needs_checksum, gso, 0, int(size), start, offset)


def settings(folder):
    lines = (folder / "endpoint.conf").read_text().splitlines()
    return dict(line.split(" = ") for line in lines)


def yes(keys, key, default):
    return keys.get(key, default) == "yes"


def discovers_path_mtu(keys):
    return yes(keys, "pmtudisc", "yes" if keys["mtu"] == "auto" else "no")


def tunnel_mtu(keys, link_mtu):
    follows = max(1280, link_mtu - 20)
    if keys["mtu"] == "auto":
        return follows
    return min(int(keys["mtu"]), follows) if discovers_path_mtu(keys) else int(keys["mtu"])


def outbound_parameters(keys, link_mtu):
    ttl = 0 if keys.get("ttl") == "inherit" else int(keys.get("ttl", 64))
    inherit_tos = keys.get("tos") == "inherit"
    tos = 0 if inherit_tos else int(keys.get("tos", "0"), 16)
    dont_fragment = discovers_path_mtu(keys) and link_mtu >= 1300
    flags = (yes(keys, "ecn", "yes") | 2 * inherit_tos | 8 * dont_fragment
             | 0x10 * yes(keys, "egress-filter", "yes") | 0x20 * yes(keys, "mss-clamp", "no"))
    return struct.pack("!HHBBB", tunnel_mtu(keys, link_mtu) - 1280, link_mtu - 68, ttl, tos, flags)


def inbound_parameters(keys, link_mtu, words):
    """The parameters of the target `inbound`. For the packet socket the size of joined datagrams replaces the link MTU."""
    joined = dict(word.split("=") for word in words if "=" in word).get("packet-socket")
    flags = yes(keys, "ingress-filter", "yes") | 2 * (joined is not None) | 4 * yes(keys, "mss-clamp", "no")
    second = link_mtu - 68 if joined is None else int(joined)
    return struct.pack("!HHB", tunnel_mtu(keys, link_mtu) - 1280, second, flags)


def write_batches(folder, recipes):
    """Writes the IPv4 packets of a scenario in batches of eight, with alternating recipes."""
    lines = list(statements((folder / "packets").read_text()))
    datagrams = [bytes_of(words[1:]) for words in lines if words[0] == "wire"]
    *parameters, flags = inbound_parameters(settings(folder), 1500, [])
    for number, start in enumerate(range(0, len(datagrams), 8)):
        recipe = recipes[number % len(recipes)]
        records = [struct.pack("!BH", recipe, len(data)) + data for data in datagrams[start : start + 8]]
        write("inbound", f"batch-{folder.name}-{number + 1}", bytes([*parameters, flags | 8]) + b"".join(records))


def write_flows(folder):
    """Writes the input packets of a scenario, without the outer headers of those from the wire."""
    records = []
    for words in statements((folder / "packets").read_text()):
        if words[0] in ("tun", "wire"):
            inward = words[0] == "wire"
            data = bytes_of(words[1:])[20 if inward else 0 :]
            records.append(struct.pack("!BH", inward | 2 * vnet_header(words)[0], len(data)) + data)
    data = b"".join(records)
    if len(data) <= LARGEST_SEED:
        write("source", folder.name, data)


def icmp_parameters(keys, link_mtu):
    flags = discovers_path_mtu(keys) | 2 * yes(keys, "egress-filter", "yes")
    return struct.pack("!HB", tunnel_mtu(keys, link_mtu) - 1280, flags)


def icmp_error(words):
    told = words[3].removeprefix("mtu=") if words[3].startswith("mtu=") else 0
    return struct.pack("!BBH", int(words[1]), int(words[2]), int(told))


def write(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def seeds_of(folder, seen):
    keys, link_mtu, number = settings(folder), 1500, 0
    for words in statements((folder / "packets").read_text()):
        if words[0] == "link-mtu":
            link_mtu = int(words[1])
        if words[0] not in ("tun", "wire", "icmp"):
            continue
        if words[0] == "tun":
            data = outbound_parameters(keys, link_mtu) + vnet_header(words) + bytes_of(words[1:])
        elif words[0] == "wire":
            data = inbound_parameters(keys, link_mtu, words) + bytes_of(words[1:])
        else:
            data = icmp_parameters(keys, link_mtu) + icmp_error(words) + bytes_of(words[3:])
        target = {"tun": "outbound", "wire": "inbound", "icmp": "icmp"}[words[0]]
        number += 1
        # Six seeds of each scenario are enough, because the fuzzer mutates them.
        if number <= 6 and len(data) <= LARGEST_SEED and data not in seen:
            seen.add(data)
            write(target, f"{folder.name}-{number}", data)


CONFIGURATIONS = {
    "everything": """# every key
interface = he6
local = 192.0.2.1
remote = tunnel.example.net
dev = eth0
address = 2001:db8:1::2/64
address = 2001:db8:1::4/127
prefix = 2001:db8:100::/48
prefix = 2001:db8:200::/56   # routed to us
route = ::/0
route = 2001:db8:ffff::/64
table = 100
metric = 512
mtu = 1480
pmtudisc = yes
ttl = inherit
tos = b8
ecn = no
ingress-filter = no
egress-filter = no
mss-clamp = yes
keepalive = 30
wire = raw
control = /run/sixin4/he6.sock
log-level = debug
""",
    "with-a-peer": "remote = 198.51.100.1\naddress = 2001:db8:1::2/128 peer 2001:db8:1::1\n",
    "without-remote": "local = auto\n",
    "unknown-key": "remote = 198.51.100.1\ncolour = green\n",
    "given-twice": "remote = 198.51.100.1\nmtu = 1280\nmtu = 1281\n",
    "section": "[tunnel]\nremote = 198.51.100.1\n",
    "carriage-returns": "remote = 198.51.100.1\r\ntos = 0x2\r\nttl = 255\r\n",
    "byte-order-mark": "\ufeffremote = 198.51.100.1\n",
    "address-twice": "remote = 198.51.100.1\naddress = 2001:db8::2/64 label 7\naddress = 2001:db8::2/64 label 7\n",
    "reserved-prefixes": "remote = 198.51.100.1\nroute = ::/1\nroute = 8000::/1\nprefix = fe00::/7\n",
    "names-of-any-bytes": "interface = t\x1b[1m\u00fc\nremote = 198.51.100.1\n",
    "empty": "",
}


def write_many_segments():
    """Writes a super-packet that needs more than one batch, because each segment has one byte."""
    folder = SCENARIOS / "tcp-super-packet-out"
    words = next(words for words in statements((folder / "packets").read_text()) if words[0] == "tun")
    words = [re.sub(r"^gso=.*", "gso=tcp6:1", word) for word in words[1:]]
    parameters = outbound_parameters(settings(folder), 1500)
    write("outbound", "many-segments", parameters + vnet_header(words) + bytes_of(words))


def main():
    seen = set()
    write_many_segments()
    write_batches(SCENARIOS / "coalesced-tcp-in", (0, 1, 3))
    write_batches(SCENARIOS / "coalesced-udp-in", (0,))
    for file in sorted(SCENARIOS.glob("*/packets")):
        seeds_of(file.parent, seen)
        write_flows(file.parent)
        configuration = (file.parent / "endpoint.conf").read_bytes()
        if configuration not in seen:
            seen.add(configuration)
            write("configuration", file.parent.name, configuration)
    for name, text in CONFIGURATIONS.items():
        write("configuration", name, text.encode())


if __name__ == "__main__":
    main()
