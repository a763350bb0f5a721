#!/usr/bin/env python3
"""Sends many datagrams, never more in flight than a queue holds, and counts those that arrive.

flood.py send ADDRESS PORT COUNT SIZE
flood.py receive ADDRESS PORT COUNT     prints how many arrived, once there are COUNT or none for ten seconds
"""
import socket
import sys

WINDOW = 60  # datagrams in flight; they fit the usual receive buffer
ANSWERED = 20  # the receiver acknowledges after so many datagrams


def send(address: str, port: int, count: int, size: int) -> None:
    sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sender.connect((address, port))
    sender.settimeout(10)
    arrived = 0
    for number in range(count):
        while number - arrived >= WINDOW:
            arrived = int.from_bytes(sender.recv(100), "big")
        sender.send(number.to_bytes(4, "big") + bytes(size - 4))


def receive(address: str, port: int, count: int) -> None:
    receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    receiver.bind((address, port))
    receiver.settimeout(30)
    arrived = set()
    try:
        while len(arrived) < count:
            data, sender = receiver.recvfrom(65535)
            arrived.add(data[:4])
            if len(arrived) % ANSWERED == 0:
                receiver.sendto(len(arrived).to_bytes(4, "big"), sender)
            receiver.settimeout(10)
    except TimeoutError:
        pass
    print(len(arrived), flush=True)


if sys.argv[1] == "send":
    send(sys.argv[2], *map(int, sys.argv[3:]))
else:
    receive(sys.argv[2], *map(int, sys.argv[3:]))
