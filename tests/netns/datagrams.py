#!/usr/bin/env python3
"""Datagrams whose content is their number.

datagrams.py send ADDRESS PORT COUNT SIZE      sends them with UDP segmentation offload, 40 a call
datagrams.py receive ADDRESS PORT COUNT SIZE   prints how many arrived unchanged, and how many others
datagrams.py receive-joined …                  the same with a socket that asks the kernel to join them (UDP_GRO)
"""
import socket
import sys
import time

UDP_SEGMENT = 103  # linux/udp.h
UDP_GRO = 104


def content(number: int, size: int) -> bytes:
    return (number.to_bytes(4, "big") * (size // 4 + 1))[:size]


def send(address: str, port: int, count: int, size: int) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
        for start in range(0, count, 40):
            numbers = range(start, min(start + 40, count))
            sender.sendto(b"".join(content(number, size) for number in numbers), (address, port))
            time.sleep(0.02)


def datagrams_in(receiver: socket.socket) -> list[bytes]:
    """The datagrams of one read. Joined datagrams are split at the size that the kernel gives."""
    data, ancillary, _, _ = receiver.recvmsg(65536, socket.CMSG_SPACE(4))
    size = len(data)
    for level, kind, value in ancillary:
        if (level, kind) == (socket.IPPROTO_UDP, UDP_GRO):
            size = int.from_bytes(value[:2], sys.byteorder)
    return [data[start : start + size] for start in range(0, len(data), size)]


def receive(address: str, port: int, count: int, size: int, joined: bool = False) -> None:
    arrived = []
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver:
        receiver.bind((address, port))
        if joined:
            receiver.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        receiver.settimeout(1.5)
        try:
            while True:
                arrived += datagrams_in(receiver)
        except TimeoutError:
            pass
    wanted = [content(number, size) for number in range(count)]
    whole = [datagram for datagram in arrived if datagram in wanted]
    extra = len(arrived) - len(set(whole))
    print(f"{len(set(whole))} of {count}" + (f", and {extra} more" if extra else ""))


def receive_joined(*arguments) -> None:
    receive(*arguments, joined=True)


if __name__ == "__main__":
    {"send": send, "receive": receive, "receive-joined": receive_joined}[sys.argv[1]](sys.argv[2], *map(int, sys.argv[3:]))
