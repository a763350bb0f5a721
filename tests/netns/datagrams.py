#!/usr/bin/env python3
"""Datagrams whose content says which one they are.

datagrams.py send ADDRESS PORT COUNT SIZE      sends them with UDP segmentation offload, 40 a call
datagrams.py receive ADDRESS PORT COUNT SIZE   prints how many arrived whole and in their own datagram
"""
import socket
import sys
import time

UDP_SEGMENT = 103  # linux/udp.h


def content(number: int, size: int) -> bytes:
    return (number.to_bytes(4, "big") * (size // 4 + 1))[:size]


def send(address: str, port: int, count: int, size: int) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
        for start in range(0, count, 40):
            numbers = range(start, min(start + 40, count))
            sender.sendto(b"".join(content(number, size) for number in numbers), (address, port))
            time.sleep(0.02)


def receive(address: str, port: int, count: int, size: int) -> None:
    arrived = set()
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver:
        receiver.bind((address, port))
        receiver.settimeout(3)
        try:
            while len(arrived) < count:
                datagram = receiver.recv(65536)
                number = int.from_bytes(datagram[:4], "big")
                if datagram == content(number, size):
                    arrived.add(number)
        except TimeoutError:
            pass
    print(f"{len(arrived)} of {count}")


if __name__ == "__main__":
    {"send": send, "receive": receive}[sys.argv[1]](sys.argv[2], *map(int, sys.argv[3:]))
