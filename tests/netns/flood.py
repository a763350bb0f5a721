#!/usr/bin/env python3
"""Datagrams at a steady rate, and how many of them arrive.

flood.py send ADDRESS PORT COUNT SIZE   some 20000 a second
flood.py receive ADDRESS PORT COUNT     prints how many arrived, once there are COUNT or none for three seconds
"""
import socket
import sys
import time

SO_RCVBUFFORCE = 33
BATCH = 20


def send(address: str, port: int, count: int, size: int) -> None:
    sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sender.connect((address, port))
    began = time.monotonic()
    for number in range(count):
        if number % BATCH == 0:
            time.sleep(max(0.0, began + number / 20000 - time.monotonic()))
        sender.send(number.to_bytes(4, "big") + bytes(size - 4))


def receive(address: str, port: int, count: int) -> None:
    receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
    receiver.bind((address, port))
    receiver.settimeout(30)
    arrived = set()
    try:
        while len(arrived) < count:
            arrived.add(receiver.recv(65535)[:4])
            receiver.settimeout(3)
    except TimeoutError:
        pass
    print(len(arrived), flush=True)


if sys.argv[1] == "send":
    send(sys.argv[2], *map(int, sys.argv[3:]))
else:
    receive(sys.argv[2], *map(int, sys.argv[3:]))
