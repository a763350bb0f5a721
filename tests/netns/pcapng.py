#!/usr/bin/env python3
"""Reads fields of a pcapng file that the usual programs do not print.

pcapng.py statistics FILE   a line for each interface: name, packets received, missed, delivered (of its last block)
pcapng.py ids FILE          the number of different packet ids
"""
import struct
import sys

INTERFACE, STATISTICS, PACKET = 1, 5, 6


def blocks(data: bytes):
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("=II", data, at)
        yield kind, data[at + 8 : at + length - 4]
        at += length


def options(body: bytes, at: int) -> dict[int, bytes]:
    found = {}
    while at + 4 <= len(body):
        code, length = struct.unpack_from("=HH", body, at)
        found[code] = body[at + 4 : at + 4 + length]
        at += 4 + (length + 3) // 4 * 4
    return found


def number(value: bytes) -> int:
    return int.from_bytes(value, sys.byteorder)


names, statistics, ids = [], {}, set()
with open(sys.argv[2], "rb") as file:
    for kind, body in blocks(file.read()):
        if kind == INTERFACE:
            names.append(options(body, 8)[2].decode())
        elif kind == STATISTICS:
            values = options(body, 12)
            statistics[number(body[:4])] = [number(values[code]) for code in (4, 5, 8)]
        elif kind == PACKET:
            ids.add(number(options(body, 20 + (number(body[12:16]) + 3) // 4 * 4)[5]))
if sys.argv[1] == "statistics":
    for interface, name in enumerate(names):
        print(name, *statistics.get(interface, ["none"]))
else:
    print(len(ids))
